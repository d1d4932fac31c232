using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Listeners of load balancers: added, changed and removed while the others go on.</summary>
public sealed class ListenerUseCases(Database database, ListenerWriter writer, ListenerKeys keys, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    public async Task<Result<LoadBalancerListener>> CreateAsync(Caller caller, string key, CreateListener create, IdempotencyKey? once, CancellationToken cancel)
    {
        var violations = new List<Violation>();
        var listener = writer.Read("", create, violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        return await database.TransactionAsync<LoadBalancerListener>(transaction => Idempotency.OnceAsync<LoadBalancerListener>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var held = await HoldAsync(transaction, caller, key, cancel);
            if (held.Failure is { } missing) return missing;
            var balancer = held.Value;
            var present = await ListenerStore.LockAsync(transaction, balancer.Id, cancel);
            if (present.Count >= LoadBalancerRules.ListenersMax) return Failure.Invalid("port", "listeners-at-most", balancer.Name, LoadBalancerRules.ListenersMax);
            ListenerWriter.CheckPorts([listener], present.Select(one => one.Settings), violations);
            listener.Take(await MemberTargets.ReadAsync(transaction, caller.AccountId, create.Members ?? [], hold: true, cancel), [], balancer, violations);
            if (violations.Count > 0) return Failure.Invalid([.. violations]);
            var load = await ListenerStore.LoadAsync(transaction, balancer.Network.Id, cancel);
            var id = await writer.WriteAsync(transaction, caller, balancer, listener, cancel);
            if (await RefusedAsync(transaction, balancer, listener.Settings, load, cancel) is { } refused) return refused;
            await ToldAsync(transaction, caller, balancer, "load-balancer.add-listener", listener.Settings, cancel);
            return await ShowAsync(transaction, caller, balancer.Id, id, cancel);
        }), cancel);
    }

    public Task<Result<LoadBalancerListener>> UpdateAsync(Caller caller, string key, string listenerKey, UpdateListener update, CancellationToken cancel) => database.TransactionAsync<LoadBalancerListener>(async transaction =>
    {
        var held = await HoldAsync(transaction, caller, key, cancel);
        if (held.Failure is { } missing) return missing;
        var balancer = held.Value;
        var all = await ListenerStore.LockAsync(transaction, balancer.Id, cancel);
        if (Find(all, listenerKey) is not { } before) return Failure.NotFound("listener", listenerKey);
        var settings = before.Settings.With(update);
        List<Violation> violations = [.. LoadBalancerRules.Check("", settings)];
        var certificate = writer.Certificate("", settings, update.Certificate, update.PrivateKey, violations);
        ListenerWriter.CheckPorts([new NewListener("", settings, null, [])], all.Where(one => one.Id != before.Id).Select(one => one.Settings), violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        if (settings == before.Settings && certificate is null) return await ShowAsync(transaction, caller, balancer.Id, before.Id, cancel);
        var load = await ListenerStore.LoadAsync(transaction, balancer.Network.Id, cancel);
        await ListenerStore.UpdateAsync(transaction, before.Id, settings, certificate?.Chain, certificate is null ? null : keys.Seal(before.Id, certificate.Key), cancel);
        if (await RefusedAsync(transaction, balancer, settings, load, cancel) is { } refused) return refused;
        await ToldAsync(transaction, caller, balancer, "load-balancer.update-listener", settings, cancel);
        return await ShowAsync(transaction, caller, balancer.Id, before.Id, cancel);
    }, cancel);

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, string listenerKey, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var held = await HoldAsync(transaction, caller, key, cancel);
        if (held.Failure is { } missing) return missing;
        if (Find(await ListenerStore.LockAsync(transaction, held.Value.Id, cancel), listenerKey) is not { } listener) return Failure.NotFound("listener", listenerKey);
        await ListenerStore.DeleteAsync(transaction, listener.Id, cancel);
        await ToldAsync(transaction, caller, held.Value, "load-balancer.delete-listener", listener.Settings, cancel);
        return new Done();
    }, cancel);

    /// <summary>The load balancer, held, and its hosts told that something of it has changed.</summary>
    private async Task<Result<BalancerRow>> HoldAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel)
    {
        if (await LoadBalancerStore.LookAsync(transaction, caller.AccountId, key, cancel) is not { } seen) return Failure.NotFound("load-balancer", key);
        // Hosts before everything else, as everywhere.
        await hosts.TouchByNetworksAsync(transaction, [seen.Network.Id], cancel);
        return await LoadBalancerStore.LockAsync(transaction, caller.AccountId, seen.Id, cancel) is { } balancer ? balancer : Failure.NotFound("load-balancer", key);
    }

    /// <summary>Why a listener that is written now cannot stay; null if it can.</summary>
    private static async Task<Failure?> RefusedAsync(Transaction transaction, BalancerRow balancer, ListenerSettings settings, NetworkLoad before, CancellationToken cancel)
    {
        var violations = LoadBalancerRules.Check(null, balancer.Network.Name, before, await ListenerStore.LoadAsync(transaction, balancer.Network.Id, cancel)).ToArray();
        if (violations.Length > 0) return Failure.Invalid(violations);
        return settings.Protocol == ListenerProtocol.Udp ? await ListenerStore.PortOfVpnAsync(transaction, balancer.Id, null, settings.Port, cancel) : null;
    }

    private Task ToldAsync(Transaction transaction, Caller caller, BalancerRow balancer, string action, ListenerSettings settings, CancellationToken cancel) => events.WriteAsync(
        transaction, caller.AccountId, EventActor.Of(caller), action, new Subject("load-balancer", balancer.Id, balancer.Name), cancel, $"{settings.Protocol} {settings.Port}.");

    private static async Task<Result<LoadBalancerListener>> ShowAsync(Transaction transaction, Caller caller, string balancerId, string id, CancellationToken cancel) =>
        (await LoadBalancerStore.FindAsync(transaction, caller.AccountId, balancerId, cancel))!.Listeners.Single(listener => listener.Id == id);

    /// <summary>The listener of an id, a port (<c>443</c>), or what it speaks and a port (<c>udp:53</c>, <c>https:443</c>). A port alone means TCP's if there is one.</summary>
    public static ListenerStore.Row? Find(IReadOnlyList<ListenerStore.Row> listeners, string key)
    {
        if (listeners.FirstOrDefault(listener => listener.Id == key) is { } named) return named;
        var (protocol, number) = key.Split(':', 2) is [var said, var rest] ? (said, rest) : (null, key);
        if (!int.TryParse(number, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var port)) return null;
        return listeners.Where(listener => listener.Settings.Port == port && (protocol is null || protocol == listener.Settings.Protocol || protocol == listener.Settings.Transport))
            .OrderBy(listener => listener.Settings.Transport, StringComparer.Ordinal).FirstOrDefault();
    }
}
