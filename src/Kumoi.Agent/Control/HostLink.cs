using System.Net.WebSockets;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Control;

/// <summary>The way of a host that has joined to the cloud's servers: its identity, kept fresh, and one link for each server it speaks to.</summary>
public sealed class HostLink : IServerLink
{
    private readonly Action<Identity> _keep;
    private readonly Random _random;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ServerChoice _choice;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ServerLink> _links = [];
    private Identity _identity;
    private CancellationTokenSource _serving = new();

    private static readonly Dictionary<string, long> NoPeers = [];
    private readonly Peers _peers;

    private HostLink(Identity identity, Action<Identity> keep, bool keepsPeers, Random random, TimeProvider clock, ILogger log)
    {
        _peers = new Peers(keepsPeers);
        (_identity, _keep, _random, _clock, _log) = (identity, keep, random, clock, log);
        _choice = new ServerChoice(identity.Url, identity.Servers ?? [], random);
    }

    /// <summary>Joins if need be, waiting for a server that is away. A <see cref="ServerRefusedException"/> tells that the token is not accepted.</summary>
    public static async Task<IServerLink> ConnectAsync(
        AgentOptions options, Func<HostFacts> facts, Func<CancellationToken, Task<IReadOnlyList<ObservedStore>>>? stores, Random random, TimeProvider clock, ILogger log, CancellationToken cancel)
    {
        var joining = new Joining(options.Paths, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(15), random), clock, log);
        return For(await joining.EnsureAsync(options.JoinToken, facts, stores, cancel), renewed => renewed.Save(options.Paths), true, random, clock, log);
    }

    /// <summary>The way of a host whose identity is kept by others, who are handed each new one.</summary>
    /// <param name="keepsPeers">False if nobody has a use for names and members in networks.</param>
    public static HostLink For(Identity identity, Action<Identity> keep, bool keepsPeers, Random random, TimeProvider clock, ILogger log) =>
        new(identity, keep, keepsPeers, random, clock, log);

    public async Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel)
    {
        CancellationTokenSource serving;
        lock (_gate) serving = _serving;
        // A question that a server holds for news is of no use once that server is given up for another.
        using var both = CancellationTokenSource.CreateLinkedTokenSource(serving.Token, cancel);
        try
        {
            // Asked anew, everything is: what is kept may be of records that are no more.
            var answer = await AskAsync(link => link.DesiredAsync(after, after < 0 ? NoPeers : _peers.Revisions, _peers.Keeps, both.Token));
            // A server of an earlier version does not name them.
            var document = answer is null ? null : _peers.Take(answer with { Document = answer.Document is { } told ? told with { Former = told.Former ?? [], Servers = told.Servers ?? [] } : null });
            if (document is not null && _choice.Learn(document.Servers)) KeepServers();
            return document;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException("The server was given up for another.");
        }
    }

    public async Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel)
    {
        var current = _choice.Current;
        try
        {
            return Heard(await AskAsync(current, link => link.ReportAsync(report, _patience, cancel)));
        }
        catch (DatabaseAwayException away)
        {
            // Another server may reach a database that this one does not, and then decides about this host: each is asked, also one that
            // was away a moment ago.
            var others = await Task.WhenAll(_choice.Known.Where(server => server != current).Select(server => TryReportAsync(server, report, cancel)));
            if (others.FirstOrDefault(other => other.Answer is not null) is { Answer: { } answer } heard)
            {
                _choice.Prefer(heard.Server);
                return answer;
            }
            if (others.FirstOrDefault(other => !other.DatabaseAway) is { Server: not null } silent)
                throw new IOException($"{away.Message} Server {silent.Server} does not answer at all.", away);
            throw;
        }
    }

    // A server that does not answer must be given up before the others take this host for silent: they bear three heartbeats.
    private const double BeatsOfPatience = 1.5;
    private TimeSpan? _patience;

    private ReportAnswer Heard(ReportAnswer answer)
    {
        _choice.Worked();
        // Heard at every beat: a server that has come is known before the present one goes.
        if (answer.Servers is { } servers && _choice.Learn(servers)) KeepServers();
        _patience = TimeSpan.FromSeconds(answer.HeartbeatSeconds * BeatsOfPatience);
        return answer;
    }

    private async Task<(string Server, ReportAnswer? Answer, bool DatabaseAway)> TryReportAsync(string server, ObservedReport report, CancellationToken cancel)
    {
        try
        {
            return (server, Heard(await LinkTo(server).ReportAsync(report, _patience, cancel)), false);
        }
        catch (IOException e)
        {
            return (server, null, e is DatabaseAwayException);
        }
    }

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel) => AskAsync(link => link.OpenImageAsync(imageId, offset, cancel));

    public async Task UploadImageAsync(string imageId, string file, string sha256, Action<long> sent, CancellationToken cancel)
    {
        // What is wrong with the file is no fault of the server.
        await using var bytes = new CountedStream(File.OpenRead(file), sent);
        await AskAsync(async link =>
        {
            await link.UploadImageAsync(imageId, bytes, sha256, cancel);
            return true;
        });
    }

    public async Task<ImageSources> ImageSourcesAsync(string imageId, CancellationToken cancel) =>
        await AskAsync(link => link.ImageSourcesAsync(imageId, cancel)) ?? new ImageSources([], true);

    public Identity? Identity
    {
        get { lock (_gate) return _identity; }
    }

    /// <summary>At the server where the viewer waits; an address that is none of the cloud's servers is not spoken to.</summary>
    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel)
    {
        var server = console.Server is null ? _choice.Current
            : _choice.Find(console.Server) ?? throw new IOException($"{console.Server} is none of the servers that this host knows.");
        return LinkTo(server).OpenConsoleAsync(console.Session, cancel);
    }

    /// <summary>Renews the certificate in time.</summary>
    public async Task KeepAsync(CancellationToken stop)
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(30), TimeSpan.FromHours(1), _random);
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var rest = _identity.RenewAt() - _clock.GetUtcNow();
            // Timers take no more than some weeks; looking once a day is often enough.
            if (rest > TimeSpan.Zero) await Task.Delay(rest < TimeSpan.FromDays(1) ? rest : TimeSpan.FromDays(1), _clock, stop);
            if (_identity.RenewAt() > _clock.GetUtcNow()) continue;
            try
            {
                var (key, request) = Identity.NewKey();
                var answer = await AskAsync(link => link.RenewAsync(new RenewRequest(request), stop));
                Keep(identity => identity with { PrivateKey = key, Certificate = answer.Certificate });
                // The old links are left to calls under way, and to the collector after them.
                lock (_gate) _links.Clear();
                _log.Renewed();
                failures = 0;
            }
            catch (IOException e)
            {
                _log.RenewFailed(e.Message);
                await Task.Delay(backoff.After(++failures), _clock, stop);
            }
        }
    }

    private Task<T> AskAsync<T>(Func<ServerLink, Task<T>> ask) => AskAsync(_choice.Current, ask);

    /// <summary>Asks one server; if it fails, others are asked from then on. A refusal, a database that is away, or a file of this host's that cannot be read, is no failure of the server.</summary>
    private async Task<T> AskAsync<T>(string server, Func<ServerLink, Task<T>> ask)
    {
        try
        {
            return await ask(LinkTo(server));
        }
        catch (IOException e) when (e is not ServerRefusedException and not DatabaseAwayException and not FileUnreadableException)
        {
            if (_choice.Failed(server)) Move(server, e);
            throw;
        }
    }

    private void Move(string from, IOException why)
    {
        CancellationTokenSource given;
        lock (_gate) (given, _serving) = (_serving, new CancellationTokenSource());
        _log.ServerLeft(from, _choice.Current, why.Message);
        given.Cancel();
    }

    private ServerLink LinkTo(string server)
    {
        lock (_gate)
        {
            if (_links.TryGetValue(server, out var link)) return link;
            var known = _choice.Known;
            foreach (var gone in _links.Keys.Where(url => url != _choice.Current && !known.Contains(url)).ToArray()) _links.Remove(gone);
            return _links[server] = ServerLink.For(_identity, server, _clock);
        }
    }

    private void KeepServers()
    {
        try
        {
            Keep(identity => identity with { Servers = _choice.Known });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // They are told again with the next document after a start; only this agent's successor begins with older ones.
            _log.ServersNotKept(e.Message);
        }
    }

    private void Keep(Func<Identity, Identity> change)
    {
        lock (_gate)
        {
            _identity = change(_identity);
            _keep(_identity);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var link in _links.Values) link.Dispose();
            _links.Clear();
        }
        _serving.Dispose();
    }
}
