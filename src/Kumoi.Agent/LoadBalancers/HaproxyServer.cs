using System.Globalization;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>A member in a configuration of haproxy.</summary>
/// <param name="Place">Address and port.</param>
/// <param name="Check">All that decides what its health check says; null if it has none.</param>
public sealed record HaproxyServer(string Backend, string Name, string Place, int Weight, string? Check)
{
    /// <summary>As commands over the socket call it.</summary>
    public string Path => $"{Backend}/{Name}";

    /// <summary>Reads a configuration that <see cref="HaproxyConfiguration"/> has written.</summary>
    public static IReadOnlyDictionary<string, HaproxyServer> Read(string configuration)
    {
        var servers = new Dictionary<string, HaproxyServer>();
        var (backend, asks) = ("", "");
        foreach (var line in configuration.Split('\n'))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!line.StartsWith(' ')) (backend, asks) = (words is ["backend", var name] ? name : "", "");
            else if (backend.Length == 0) continue;
            else if (words is ["option", "httpchk"] or ["http-check", ..] or ["timeout", "check", _]) asks += line;
            else if (words is ["server", _, _, "weight", _, ..] && Server(backend, asks, words) is { } server) servers[server.Path] = server;
        }
        return servers;
    }

    private static HaproxyServer? Server(string backend, string asks, string[] words)
    {
        if (!int.TryParse(words[4], NumberStyles.None, CultureInfo.InvariantCulture, out var weight)) return null;
        // A cookie has nothing to do with it.
        var rest = words[5..];
        var cookie = Array.IndexOf(rest, "cookie");
        if (cookie >= 0) rest = [.. rest[..cookie], .. rest[Math.Min(cookie + 2, rest.Length)..]];
        return new HaproxyServer(backend, words[1], words[2], weight, rest.Contains("check") ? $"{asks} {string.Join(' ', rest)}" : null);
    }
}
