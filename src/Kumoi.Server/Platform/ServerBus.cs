using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Platform;

/// <summary>
/// Passes rings on to the other servers, through PostgreSQL's NOTIFY: gathered for a moment, and in a transaction of its own, since a NOTIFY
/// within a change would make all commits wait for each other. Hints only: what is lost is found by looking.
/// </summary>
public sealed class ServerBus : BackgroundService
{
    private const string Channel = "kumoi";

    // Rings of this time go out together. Longer: other servers' waiters hear later; shorter: more statements.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10), Retry = TimeSpan.FromSeconds(1), Idle = TimeSpan.FromMinutes(1);

    // PostgreSQL takes 8,000 bytes; an id has some 20. More hosts at once than fit some messages are told as "all".
    private const int IdsInMessage = 300, MessagesMax = 10;

    private readonly Database _database;
    private readonly ServerRegistry _registry;
    private readonly HostBell _hosts;
    private readonly PeersBell _peers;
    private readonly EventBell _events;
    private readonly ILogger<ServerBus> _log;
    private readonly TimeProvider _clock;
    private readonly Doorbell _door;
    private readonly ConcurrentDictionary<string, byte> _rung = new(), _networks = new();
    private volatile bool _eventsRung;

    public ServerBus(Database database, ServerRegistry registry, HostBell hosts, PeersBell peers, EventBell events, TimeProvider clock, ILogger<ServerBus> log)
    {
        (_database, _registry, _hosts, _peers, _events, _clock, _log, _door) = (database, registry, hosts, peers, events, clock, log, new Doorbell(clock));
        hosts.Rung += host =>
        {
            _rung[host] = 0;
            _door.Ring();
        };
        peers.Rung += network =>
        {
            _networks[network] = 0;
            _door.Ring();
        };
        events.Rung += () =>
        {
            _eventsRung = true;
            _door.Ring();
        };
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(TellAsync(stoppingToken), HearAsync(stoppingToken));

    private Task TellAsync(CancellationToken stop) => Resync.RunAsync(_door, Idle, async cancel =>
    {
        var (hosts, networks) = (Taken(_rung), Taken(_networks));
        var events = _eventsRung;
        _eventsRung = false;
        if (hosts.Length == 0 && networks.Length == 0 && !events) return;
        // Alone there is nobody to tell; a server that has just come looks by itself.
        if (_registry.Count < 2) return;
        var messages = hosts.Length + networks.Length > IdsInMessage * MessagesMax ? [new BusMessage(_registry.Id, null, events, [])]
            : hosts.Chunk(IdsInMessage).Select(chunk => new BusMessage(_registry.Id, chunk, events, []))
                .Concat(networks.Chunk(IdsInMessage).Select(chunk => new BusMessage(_registry.Id, [], events, chunk))).DefaultIfEmpty(new BusMessage(_registry.Id, [], events, []));
        foreach (var message in messages)
            await _database.ExecuteAsync("SELECT pg_notify($1, $2)", cancel, Channel, JsonSerializer.Serialize(message, BusJson.Default.BusMessage));
        await Task.Delay(Gather, _clock, cancel);
    }, e => ServerLog.BusFailed(_log, e.Message), stop);

    private static string[] Taken(ConcurrentDictionary<string, byte> rung)
    {
        var keys = rung.Keys.ToArray();
        foreach (var key in keys) rung.TryRemove(key, out _);
        return keys;
    }

    private async Task HearAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await _database.Source.OpenConnectionAsync(stop);
                connection.Notification += (_, notification) => Hear(notification.Payload);
                await connection.RunAsync($"LISTEN {Channel}", stop);
                // What was said while nobody listened is unknown.
                _hosts.WakeAll();
                _events.Wake();
                while (true) await connection.WaitAsync(stop);
            }
            catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
            {
                ServerLog.BusFailed(_log, e.Message);
                await Task.Delay(Retry, _clock, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void Hear(string payload)
    {
        BusMessage? message;
        try
        {
            message = JsonSerializer.Deserialize(payload, BusJson.Default.BusMessage);
        }
        catch (JsonException)
        {
            // Of a version that speaks otherwise: looking finds what it said.
            return;
        }
        if (message is null || message.From == _registry.Id) return;
        if (message.Hosts is null) _hosts.WakeAll();
        else foreach (var host in message.Hosts) _hosts.Wake(host);
        foreach (var network in message.Networks ?? []) _peers.Wake(network);
        if (message.Events) _events.Wake();
    }
}

/// <param name="Hosts">Hosts whose records have changed; null: any may have.</param>
/// <param name="Networks">Networks whose names or members have changed.</param>
internal sealed record BusMessage(string From, string[]? Hosts, bool Events, string[]? Networks);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BusMessage))]
internal sealed partial class BusJson : JsonSerializerContext;
