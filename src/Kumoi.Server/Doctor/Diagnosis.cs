using Kumoi.Api;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Doctor;

/// <summary>A finding before it is put into a language: its texts are <c>doctor.</c>CODE and <c>doctor.</c>CODE<c>.action</c>.</summary>
public sealed record Diagnosis(string Check, string Severity, string Code, string? Subject, params object[] Arguments)
{
    public const string Ok = "ok", Warning = "warning", Error = "error";

    public Finding In(string language)
    {
        var action = $"doctor.{Code}.action";
        return new Finding(Check, Severity, Code, Subject, Messages.Text(language, "doctor." + Code, Arguments), Messages.Has(action) ? Messages.Text(language, action, Arguments) : null);
    }
}
