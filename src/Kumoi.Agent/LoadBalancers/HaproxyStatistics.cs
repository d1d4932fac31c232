using System.Globalization;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>A line of haproxy's statistics: of a frontend, or of a server.</summary>
/// <param name="Health">Of a server, <see cref="BackendHealth"/>.</param>
/// <param name="Reason">Why it does not work.</param>
/// <param name="Unchanged">For how long its health has been so, as far as the process knows.</param>
public sealed record HaproxyLine(string Proxy, string Name, string Health, string? Reason, TimeSpan Unchanged, Counts Counts);

/// <summary>Reads the answer of <c>show stat</c>: a line of names, then one for each frontend, backend and server.</summary>
public static class HaproxyStatistics
{
    public static IReadOnlyList<HaproxyLine> Read(string csv)
    {
        var lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (lines.Length == 0 || !lines[0].StartsWith("# ", StringComparison.Ordinal)) return [];
        var columns = lines[0][2..].Split(',').Select((name, i) => (name, i)).Where(column => column.name.Length > 0).ToDictionary(column => column.name, column => column.i);
        return [.. lines.Skip(1).Select(line => Line(Fields(line), columns)).OfType<HaproxyLine>()];
    }

    private static HaproxyLine? Line(List<string> fields, Dictionary<string, int> columns)
    {
        string Text(string column) => columns.TryGetValue(column, out var i) && i < fields.Count ? fields[i] : "";
        long Count(string column) => long.TryParse(Text(column), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;
        var name = Text("svname");
        if (name.Length == 0 || name == "BACKEND") return null;
        var (health, reason) = name == "FRONTEND" ? (BackendHealth.Healthy, null) : Health(Text("status"), Text("check_status"), Text("check_code"));
        return new HaproxyLine(Text("pxname"), name, health, reason, TimeSpan.FromSeconds(Count("lastchg")), new Counts(Count("scur"), Count("stot"), Count("bin"), Count("bout")));
    }

    private static (string Health, string? Reason) Health(string status, string check, string code)
    {
        check = check.TrimStart('*', ' ');
        // It counts as working until it has been asked.
        if (check == "INI") return (BackendHealth.Unknown, null);
        return status.StartsWith("DOWN", StringComparison.Ordinal) || status.StartsWith("NOLB", StringComparison.Ordinal) || status.StartsWith("MAINT", StringComparison.Ordinal)
            ? (BackendHealth.Unhealthy, Reason(check, code)) : (BackendHealth.Healthy, null);
    }

    private static string Reason(string check, string code) => check switch
    {
        "L4TOUT" => HealthReasons.NoAnswer,
        "L4CON" => HealthReasons.Refused,
        "L6TOUT" or "L7TOUT" => HealthReasons.SilentAfterConnecting,
        "L7STS" => HealthReasons.Status(code),
        "L7RSP" or "L6RSP" => HealthReasons.NotHttp,
        _ => HealthReasons.Failed,
    };

    /// <summary>Fields may be in quotes, with quotes doubled in them.</summary>
    private static List<string> Fields(string line)
    {
        var (fields, start, quoted) = (new List<string>(), 0, false);
        for (var i = 0; i <= line.Length; i++)
        {
            if (i < line.Length && line[i] == '"') quoted = !quoted;
            if (i < line.Length && (line[i] != ',' || quoted)) continue;
            fields.Add(line[start..i].Trim('"'));
            start = i + 1;
        }
        return fields;
    }
}
