using System.Globalization;
using Kumoi.Testing;

namespace Kumoi.Faults.Cloud;

/// <summary>The processes of one PostgreSQL.</summary>
internal static class PostgresProcesses
{
    /// <summary>The postmaster first, then all it has forked.</summary>
    public static List<int> Of(PostgresServer postgres)
    {
        var postmaster = postgres.ProcessId;
        return [postmaster, .. Directory.EnumerateDirectories("/proc").Select(path => Path.GetFileName(path)).Where(name => char.IsAsciiDigit(name[0]))
            .Where(name => ParentOf(name) == postmaster).Select(name => int.Parse(name, CultureInfo.InvariantCulture))];
    }

    private static int ParentOf(string process)
    {
        try
        {
            // The name in brackets may hold anything; the parent is the second field behind it.
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
