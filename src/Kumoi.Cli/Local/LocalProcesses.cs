using System.Globalization;

namespace Kumoi.Cli.Local;

/// <summary>A process of a local cloud.</summary>
/// <param name="Role"><c>postgres</c>, <c>server</c> or <c>agent</c>.</param>
public sealed record LocalProcess(string Role, int Pid);

/// <summary>Finds the processes of a cloud by their command lines, which no crash and no stale file can falsify.</summary>
public static class LocalProcesses
{
    public static readonly IReadOnlyList<string> Roles = ["postgres", "server", "agent"];

    public static IReadOnlyList<LocalProcess> Find(CloudLayout layout) => Directory.GetDirectories("/proc")
        .Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
        .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
        .Select(pid => (pid, role: RoleOf(Arguments(pid), layout))).Where(found => found.role is not null)
        .Select(found => new LocalProcess(found.role!, found.pid)).OrderBy(process => process.Role).ToList();

    private static string? RoleOf(string[] arguments, CloudLayout layout)
    {
        if (arguments.Length < 3) return null;
        // The postmaster's children rename themselves and carry no -D.
        if (Path.GetFileName(arguments[0]) == "postgres" && Follows(arguments, "-D", layout.PostgresData)) return "postgres";
        var kumoi = Array.FindIndex(arguments, argument => Path.GetFileName(argument) is "kumoi" or "kumoi.dll");
        if (kumoi is < 0 or > 1 || kumoi + 1 >= arguments.Length || !Follows(arguments, "--state", layout.State)) return null;
        return arguments[kumoi + 1] is "server" or "agent" ? arguments[kumoi + 1] : null;
    }

    private static bool Follows(string[] arguments, string option, string value)
    {
        var at = Array.IndexOf(arguments, option);
        return at >= 0 && at + 1 < arguments.Length && arguments[at + 1] == value;
    }

    private static string[] Arguments(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile.
            return [];
        }
    }

    public static bool Lives(int pid)
    {
        try
        {
            // A zombie has a directory but no program any more.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
