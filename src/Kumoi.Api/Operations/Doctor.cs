namespace Kumoi.Api;

/// <summary>A look at the health of the control plane and what it knows of its hosts.</summary>
/// <param name="Time">The server's clock when it answered.</param>
/// <param name="Version">The server's version.</param>
public sealed record DoctorReport(DateTimeOffset Time, string Version, IReadOnlyList<Finding> Findings);

/// <summary>One thing that was checked.</summary>
/// <param name="Check">What was checked: a stable word.</param>
/// <param name="Severity"><c>ok</c>, <c>warning</c> (look at it) or <c>error</c> (something is broken or unsafe).</param>
/// <param name="Code">What was found: a stable word.</param>
/// <param name="Subject">What it was found at: a name or a path; null if it is the cloud as a whole.</param>
/// <param name="Message">What was found, in one sentence.</param>
/// <param name="Action">What to do; null if nothing is to be done.</param>
public sealed record Finding(string Check, string Severity, string Code, string? Subject, string Message, string? Action);
