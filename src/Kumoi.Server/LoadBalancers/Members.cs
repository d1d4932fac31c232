using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Members of load balancers' listeners.</summary>
public sealed class MemberUseCases(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    /// <summary>Adds a member to one listener or to every one. Those that have it already keep it as it is.</summary>
    public async Task<Result<LoadBalancer>> CreateAsync(Caller caller, string key, CreateMember create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (LoadBalancerRules.Check("", create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<LoadBalancer>(transaction => Idempotency.OnceAsync<LoadBalancer>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await LoadBalancerStore.LookAsync(transaction, caller.AccountId, key, cancel) is not { } seen) return Failure.NotFound("load-balancer", key);
            // Hosts before everything else, as everywhere.
            await hosts.TouchByNetworksAsync(transaction, [seen.Network.Id], cancel);
            if (await LoadBalancerStore.LockAsync(transaction, caller.AccountId, seen.Id, cancel) is not { } balancer) return Failure.NotFound("load-balancer", key);
            var listeners = await ListenerStore.LockAsync(transaction, balancer.Id, cancel);
            if (create.Listener is { } named) listeners = ListenerUseCases.Find(listeners, named) is { } one ? [one] : [];
            if (listeners.Count == 0) return create.Listener is null ? Failure.Invalid("listener", "no-listener", balancer.Name) : Failure.Invalid("listener", "no-such", new Noun("listener"), create.Listener);
            var violations = new List<Violation>();
            var targets = await MemberTargets.ReadAsync(transaction, caller.AccountId, [create], hold: true, cancel);
            if (targets.One("", create, balancer.Network, balancer.HasIpv4, violations) is not { } member) return Failure.Invalid([.. violations]);
            var load = await ListenerStore.LoadAsync(transaction, balancer.Network.Id, cancel);
            var made = await MemberStore.InsertAsync(transaction, ids, caller.AccountId, [.. listeners.Select(listener => (listener.Id, listener.Settings.Port, member))], clock.GetUtcNow(), cancel);
            if (made == 0) return create.Interface is null ? Failure.Invalid("instance", "member-already", create.Instance!, balancer.Name) : Failure.Invalid("interface", "member-already", create.Interface, balancer.Name);
            if ((await MemberStore.CountsAsync(transaction, listeners.Select(listener => listener.Id), cancel)).Values.Any(count => count > LoadBalancerRules.MembersMax))
                return Failure.Invalid("listener", "members-at-most", LoadBalancerRules.MembersMax);
            if (LoadBalancerRules.Check("listener", balancer.Network.Name, load, await ListenerStore.LoadAsync(transaction, balancer.Network.Id, cancel)).ToArray() is { Length: > 0 } beyond) return Failure.Invalid(beyond);
            await ToldAsync(transaction, caller, balancer, "load-balancer.add-member", create.Instance ?? create.Interface!, cancel);
            return (await LoadBalancerStore.FindAsync(transaction, caller.AccountId, balancer.Id, cancel))!;
        }), cancel);
    }

    /// <summary>Changes the members that a text can mean.</summary>
    public async Task<Result<LoadBalancer>> UpdateAsync(Caller caller, string key, string memberKey, string? listenerKey, UpdateMember update, CancellationToken cancel)
    {
        if (update.Weight is { } weight && LoadBalancerRules.CheckWeight("", weight) is { } wrong) return Failure.Invalid(wrong);
        return await ChangeAsync(caller, key, memberKey, listenerKey, "load-balancer.update-member", async (transaction, members) =>
        {
            // Asking for what is so already is no change.
            if (members.TrueForAll(member => member.Weight == (update.Weight ?? member.Weight) && member.Draining == (update.Draining ?? member.Draining))) return false;
            await MemberStore.UpdateAsync(transaction, members.Select(member => member.Id), update.Weight, update.Draining, cancel);
            return true;
        }, cancel);
    }

    /// <summary>Removes the members that a text can mean; their connections end.</summary>
    public Task<Result<LoadBalancer>> DeleteAsync(Caller caller, string key, string memberKey, string? listenerKey, CancellationToken cancel) =>
        ChangeAsync(caller, key, memberKey, listenerKey, "load-balancer.delete-member", async (transaction, members) => await MemberStore.DeleteAsync(transaction, members.Select(member => member.Id), cancel) > 0, cancel);

    private Task<Result<LoadBalancer>> ChangeAsync(
        Caller caller, string key, string memberKey, string? listenerKey, string action, Func<Transaction, List<MemberStore.Row>, Task<bool>> change, CancellationToken cancel) =>
        database.TransactionAsync<LoadBalancer>(async transaction =>
        {
            if (await LoadBalancerStore.LookAsync(transaction, caller.AccountId, key, cancel) is not { } seen) return Failure.NotFound("load-balancer", key);
            await hosts.TouchByNetworksAsync(transaction, [seen.Network.Id], cancel);
            if (await LoadBalancerStore.LockAsync(transaction, caller.AccountId, seen.Id, cancel) is not { } balancer) return Failure.NotFound("load-balancer", key);
            string? listenerId = null;
            if (listenerKey is not null)
            {
                if (ListenerUseCases.Find(await ListenerStore.LockAsync(transaction, balancer.Id, cancel), listenerKey) is not { } listener) return Failure.NotFound("listener", listenerKey);
                listenerId = listener.Id;
            }
            var members = await MemberStore.NamedAsync(transaction, balancer.Id, memberKey, listenerId, cancel);
            if (members.Count == 0) return Failure.NotFound("member", memberKey);
            if (await change(transaction, members)) await ToldAsync(transaction, caller, balancer, action, string.Join(", ", members.Select(member => $"{member.Instance}:{member.Port}").Distinct()), cancel);
            return (await LoadBalancerStore.FindAsync(transaction, caller.AccountId, balancer.Id, cancel))!;
        }, cancel);

    private Task ToldAsync(Transaction transaction, Caller caller, BalancerRow balancer, string action, string what, CancellationToken cancel) => events.WriteAsync(
        transaction, caller.AccountId, EventActor.Of(caller), action, new Subject("load-balancer", balancer.Id, balancer.Name), cancel, what + ".");
}
