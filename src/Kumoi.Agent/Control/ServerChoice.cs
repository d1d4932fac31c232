namespace Kumoi.Agent.Control;

/// <summary>
/// Which of the cloud's servers a host speaks to: any of them at the start, then the same as long as it works, and another at random when it
/// does not, so that the hosts of a server that fails spread evenly over those that are left.
/// </summary>
public sealed class ServerChoice
{
    /// <summary>Servers remembered. Too few: a host may know only those that are gone; too many: asking all of them about the database takes long.</summary>
    private const int KnownMax = 32;

    private const int UrlMax = 512;

    private readonly Lock _gate = new();
    private readonly string _first;
    private readonly Random _random;
    private readonly HashSet<string> _failed = [];
    private string[] _known;
    private string _current;

    /// <param name="first">The address the host joined at: known when nothing else is, and tried when the others fail.</param>
    /// <param name="known">What was learnt before; empty if nothing.</param>
    public ServerChoice(string first, IReadOnlyList<string> known, Random random)
    {
        (_first, _random) = (Plain(first) ?? first, random);
        _known = Sound(known) is { Length: > 0 } sound ? sound : [_first];
        _current = _known[random.Next(_known.Length)];
    }

    public string Current
    {
        get { lock (_gate) return _current; }
    }

    /// <summary>Every server that lives, as far as this host has heard.</summary>
    public IReadOnlyList<string> Known
    {
        get { lock (_gate) return _known; }
    }

    /// <summary>Takes a document's list, which is whole; true if it is news. An empty one, of a server that does not name them, is none.</summary>
    public bool Learn(IReadOnlyList<string> servers)
    {
        var sound = Sound(servers);
        lock (_gate)
        {
            if (sound.Length == 0 || sound.AsSpan().SequenceEqual(_known)) return false;
            _known = sound;
            return true;
        }
    }

    /// <summary>A server did not do what it is for. True if another is spoken to from now on.</summary>
    public bool Failed(string server)
    {
        lock (_gate)
        {
            if (server != _current) return false;
            _failed.Add(server);
            var others = _known.Append(_first).Distinct().Where(url => url != server).ToArray();
            if (others.Length == 0) return false;
            // Each gets its turn before one that has failed gets another: with few servers left, chance alone may miss the good one for long.
            if (others.Where(url => !_failed.Contains(url)).ToArray() is { Length: > 0 } untried) others = untried;
            else _failed.Clear();
            _current = others[_random.Next(others.Length)];
            return true;
        }
    }

    /// <summary>The present server did what it is for.</summary>
    public void Worked()
    {
        lock (_gate) _failed.Clear();
    }

    /// <summary>A server answered that can do more than the present one.</summary>
    public void Prefer(string server)
    {
        lock (_gate) _current = server;
    }

    /// <summary>The address in the form in which it is known here; null if it is none of this host's servers.</summary>
    public string? Find(string server)
    {
        var plain = Plain(server);
        lock (_gate) return plain is not null && (plain == _first || _known.Contains(plain)) ? plain : null;
    }

    private static string[] Sound(IReadOnlyList<string> servers) => [.. servers.Select(Plain).OfType<string>().Distinct().Order(StringComparer.Ordinal).Take(KnownMax)];

    private static string? Plain(string server) =>
        server.Length <= UrlMax && Uri.TryCreate(server, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps
        && url is { UserInfo: "", Query: "", Fragment: "" } ? url.AbsoluteUri.TrimEnd('/') : null;
}
