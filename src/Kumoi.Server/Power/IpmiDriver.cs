using System.ComponentModel;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Power;

/// <summary>IPMI 2.0 over the network (RMCP+), spoken by the program <c>ipmitool</c>: the commands Get Chassis Status and Chassis Control.</summary>
public sealed partial class IpmiDriver(TimeProvider clock) : IPowerDriver
{
    private const string Program = "ipmitool";

    // As the IPMI 2.0 specification has it; longer ones are refused or cut off.
    private const int UserBytesMax = 16, PasswordBytesMax = 20;

    // A datagram that is not answered is sent again after so many seconds, and so often at the most. More takes longer to tell that a controller is dead, or that it lacks
    // an optional command; fewer takes a lossy network for a dead controller.
    private const int RetransmitSeconds = 1, Retransmissions = 3;

    // Name resolution, negotiation, session and command, each with its repeats.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(25);

    public string Name => "ipmi";

    public string? MissingProgram =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => directory.Length > 0 && File.Exists(Path.Combine(directory, Program))) ? null : Program;

    public IEnumerable<Violation> Check(SetHostPower set)
    {
        if (set.User.Length == 0) yield return new Violation("user", "required");
        else if (Encoding.UTF8.GetByteCount(set.User) > UserBytesMax) yield return new Violation("user", "too-many-bytes", UserBytesMax);
        if (set.Password.Length == 0) yield return new Violation("password", "required");
        else if (Encoding.UTF8.GetByteCount(set.Password) > PasswordBytesMax) yield return new Violation("password", "too-many-bytes", PasswordBytesMax);
    }

    public async Task<PowerAnswer> StatusAsync(PowerTarget target, CancellationToken cancel)
    {
        var (output, problem) = await RunAsync(target, "status", cancel);
        if (problem is not null) return new PowerAnswer(null, problem);
        return Status().Match(output) is { Success: true } told ? new PowerAnswer(told.Groups[1].Value, null) : new PowerAnswer(null, $"The controller {target.Address} did not tell whether the power is on.");
    }

    public async Task<PowerAnswer> SwitchAsync(PowerTarget target, bool on, CancellationToken cancel) =>
        new(null, (await RunAsync(target, on ? "on" : "off", cancel)).Problem);

    private async Task<(string Output, string? Problem)> RunAsync(PowerTarget target, string order, CancellationToken cancel)
    {
        var address = PowerAddress.Parse(target.Address)!;
        string[] port = address.Port is { } number ? ["-p", number.ToString(CultureInfo.InvariantCulture)] : [];
        string[] arguments =
        [
            // Operator is the least privilege that may switch the power.
            "-I", "lanplus", "-H", address.Host, .. port, "-U", target.User, "-L", "OPERATOR", "-E",
            "-N", RetransmitSeconds.ToString(CultureInfo.InvariantCulture), "-R", Retransmissions.ToString(CultureInfo.InvariantCulture), "chassis", "power", order,
        ];
        try
        {
            // A command line can be read by everybody on the machine, an environment only by its user. The second variable would take precedence.
            var outcome = await Commands.RunAsync(Program, arguments, new Dictionary<string, string?> { ["IPMI_PASSWORD"] = target.Password, ["IPMITOOL_PASSWORD"] = null }, Limit, clock, cancel);
            return outcome.ExitCode == 0 ? (outcome.Output, null) : ("", $"The controller {target.Address} did not answer as it should: {Reason(outcome)}");
        }
        catch (Win32Exception)
        {
            return ("", $"The server has no program {Program}. Install the Debian package {Program} on every server.");
        }
    }

    /// <summary>The last thing that was said of the failure; what comes before it is often a complaint about an option that the controller lacks.</summary>
    private static string Reason(CommandOutcome outcome)
    {
        var said = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? $"{Program} ended with {outcome.ExitCode}.";
        said = said.StartsWith("Error: ", StringComparison.Ordinal) ? said["Error: ".Length..] : said;
        return said.Length > 200 ? said[..200] + "…" : said;
    }

    [GeneratedRegex(@"(?m)^Chassis Power is (on|off)\s*$")]
    private static partial Regex Status();
}
