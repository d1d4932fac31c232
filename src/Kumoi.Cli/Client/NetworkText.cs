using Kumoi.Api;
using Kumoi.Cli.Local;

namespace Kumoi.Cli.Client;

/// <summary>An interface of a launch as one word: <c>NETWORK[,address=A][,address6=A][,subnet=S][,security-group=G]…</c></summary>
public static class NetworkText
{
    public static LaunchInterface Read(string text)
    {
        var parts = text.Split(',');
        string? address = null, address6 = null, subnet = null;
        var groups = new List<string>();
        foreach (var part in parts.Skip(1))
        {
            var (key, value) = part.Split('=', 2) is [var name, { Length: > 0 } said] ? (name, said) : (part, "");
            switch (key)
            {
                case "address" when value.Length > 0: address = value; break;
                case "address6" when value.Length > 0: address6 = value; break;
                case "subnet" when value.Length > 0: subnet = value; break;
                case "security-group" when value.Length > 0: groups.Add(value); break;
                default: throw new UserException("network-text", text);
            }
        }
        return new LaunchInterface(parts[0], subnet, address, address6, groups.Count > 0 ? groups : null);
    }
}
