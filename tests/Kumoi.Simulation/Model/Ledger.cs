namespace Kumoi.Simulation.Model;

internal enum RequestKind
{
    Launch,
    Start,
    Stop,
    Reboot,
    Terminate,
}

/// <summary>One thing a user asks for, however often it is sent.</summary>
/// <param name="Key">The idempotency key of a launch; a number for the others.</param>
internal sealed record Request(RequestKind Kind, string Key);

/// <summary>What users asked for and were told, beside the records: nothing told may be lost, and nothing sent again may happen twice.</summary>
internal sealed class Ledger
{
    private readonly Dictionary<string, string> _launched = [];
    private readonly HashSet<string> _forgotten = [];

    /// <summary>What is wrong, once something is.</summary>
    public string? Wrong { get; private set; }

    /// <summary>The database was restored to before this launch: it may be executed again.</summary>
    public void Forget(string id)
    {
        foreach (var key in _launched.Where(launch => launch.Value == id).Select(launch => launch.Key).ToArray()) _launched.Remove(key);
        _forgotten.Add(id);
    }

    /// <summary>A transaction did what was asked.</summary>
    public void Executed(Request request, string id)
    {
        if (request.Kind == RequestKind.Launch && !_launched.TryAdd(request.Key, id))
            Wrong ??= $"The launch with key {request.Key} was executed twice: {_launched[request.Key]} and {id}.";
    }

    /// <summary>The caller was told that the launch made this instance.</summary>
    public void LaunchAcknowledged(Request request, string id)
    {
        if (_launched.GetValueOrDefault(request.Key) != id && !_forgotten.Contains(id)) Wrong ??= $"The launch with key {request.Key} was answered with {id}, which it did not make.";
    }
}
