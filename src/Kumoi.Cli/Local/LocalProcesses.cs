using System.Globalization;

namespace Kumoi.Cli.Local;

/// <summary>A process of a local cloud.</summary>
/// <param name="Role"><c>postgres</c>, <c>server</c>, or <see cref="LocalHost.Role"/> of the host whose agent it is.</param>
public sealed record LocalProcess(string Role, int Pid, IReadOnlyList<string> Arguments)
{
    /// <summary>The values that its command line gives an option.</summary>
    public IEnumerable<string> Values(string option) => Enumerable.Range(0, Arguments.Count - 1).Where(i => Arguments[i] == option).Select(i => Arguments[i + 1]);
}

/// <summary>Finds the processes of a cloud by their command lines, which no crash and no stale file can falsify.</summary>
public static class LocalProcesses
{
    /// <summary>The role of a process that makes a database; it outlives a command that is killed.</summary>
    public const string Initdb = "initdb";

    /// <summary>What a daemon's process is before it has become the program it is started for.</summary>
    private static readonly string[] Launchers = ["bash", "setsid", "nsenter", "setpriv", "env"];

    public static IReadOnlyList<LocalProcess> Find(CloudLayout layout)
    {
        var hosts = layout.Hosts;
        return Directory.GetDirectories("/proc")
            .Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Select(pid => (pid, arguments: Arguments(pid))).Select(seen => (seen.pid, seen.arguments, role: RoleOf(seen.arguments, layout, hosts))).Where(found => found.role is not null)
            .Select(found => new LocalProcess(found.role!, found.pid, found.arguments)).OrderBy(process => process.Role).ToList();
    }

    private static string? RoleOf(string[] arguments, CloudLayout layout, IReadOnlyList<LocalHost> hosts)
    {
        if (arguments.Length < 3) return null;
        // The postmaster's children rename themselves and carry no -D.
        if (Path.GetFileName(arguments[0]) == "postgres" && Follows(arguments, "-D", layout.PostgresData)) return "postgres";
        if (Path.GetFileName(arguments[0]) == "initdb" && Follows(arguments, "-D", Postgres.Unfinished(layout))) return Initdb;
        var last = Launchers.Contains(Path.GetFileName(arguments[0])) ? arguments.Length - 2 : 1;
        var kumoi = Array.FindIndex(arguments, 0, last + 1, argument => Path.GetFileName(argument) is "kumoi" or "kumoi.dll");
        // The name that a script is given comes before the program that it starts.
        if (kumoi > 1) kumoi = Array.FindIndex(arguments, 0, last + 1, argument => Path.GetFileName(argument) is "kumoi.dll");
        if (kumoi < 0 || kumoi + 1 >= arguments.Length) return null;
        return arguments[kumoi + 1] switch
        {
            "server" when Follows(arguments, "--state", layout.State) => "server",
            "agent" => hosts.FirstOrDefault(host => Follows(arguments, "--state", host.State))?.Role,
            _ => null,
        };
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
