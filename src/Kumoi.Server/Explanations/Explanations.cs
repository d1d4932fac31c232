using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Images;
using Kumoi.Server.Instances;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Networks;
using Kumoi.Server.Placement;
using Kumoi.Server.PlacementGroups;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Explanations;

/// <summary>Explains resources to their owners and to operators, from records as they are now.</summary>
public sealed class ExplanationUseCases(
    ExplanationStore store, InstanceStore instances, HostUseCases hosts, ImageStore images, NetworkStore networks, LoadBalancerStore balancers, PlacementGroupStore groups, EventStore events, HostSnapshot snapshot)
{
    public async Task<Result<Explanation>> ExplainAsync(Caller caller, string key, CancellationToken cancel)
    {
        var named = await store.FindAsync(caller.AccountId, key, caller.May(Permission.Cloud("explain", "read")), cancel);
        if (named.Count == 0) return new Failure("nothing-named", 404, key);
        if (named.Count > 1) return new Failure("ambiguous-name", 409, key) { UsedBy = [.. named.Select(n => new Ref(n.Id, $"{n.Type} {n.Name}"))] };
        var found = named[0];
        var findings = found.Type switch
        {
            "instance" => await InstanceAsync(found, cancel),
            "host" => await HostAsync(found, cancel),
            "image" => await images.FindAsync(found.AccountId, found.Id, cancel) is { } image && await store.ImageAsync(image.Id, cancel) is { } intake ? ImageExplanation.Of(image, intake) : null,
            "load-balancer" => await balancers.FindAsync(found.AccountId, found.Id, cancel) is { } balancer ? LoadBalancerExplanation.Of(balancer) : null,
            _ => await networks.FindAsync(found.AccountId, found.Id, cancel) is { } network && await store.NetworkAsync(network, cancel) is { } sight ? NetworkExplanation.Of(sight) : null,
        };
        // Gone between the look for its name and the look at its record.
        if (findings is null) return new Failure("nothing-named", 404, key);
        // What others did with a public image is theirs to know.
        var history = found.Type == "host" || found.AccountId == caller.AccountId || caller.May(Permission.Cloud("explain", "read")) ? await events.LatestAsync(found.Id, ExplanationStore.EventsMax, cancel) : [];
        return findings.In(caller.Language, history);
    }

    private async Task<Findings?> InstanceAsync(Named found, CancellationToken cancel)
    {
        if (await instances.FindAsync(found.AccountId, found.Id, cancel) is not { } instance) return null;
        var (power, incarnation, storage, askedAt, devices) = await store.InstanceAsync(instance.Id, cancel);
        var host = await hosts.GetAsync(instance.Host.Id, cancel);
        if (host.Failure is not null || power is null) return null;
        await snapshot.RefreshAsync(now: true, cancel);
        return InstanceExplanation.Of(new ExplainedInstance(instance, power, incarnation, storage, askedAt ?? instance.CreatedAt, await groups.ExplainAsync(instance, cancel), PlacementRequest.Devices(devices), snapshot.PoolsOf(instance.Account.Id)), await store.HostAsync(host.Value, cancel), snapshot.All());
    }

    private async Task<Findings?> HostAsync(Named found, CancellationToken cancel)
    {
        var host = await hosts.GetAsync(found.Id, cancel);
        return host.Failure is not null ? null : HostExplanation.Of(await store.HostAsync(host.Value, cancel), await store.MovableAsync(found.Id, cancel));
    }
}

public static class ExplanationEndpoints
{
    public static IServiceCollection AddExplanations(this IServiceCollection services) => services.AddSingleton<ExplanationStore>().AddSingleton<ExplanationUseCases>();

    public static void MapExplanations(this IEndpointRouteBuilder routes, ExplanationUseCases explanations) =>
        routes.Get("/explain/{resource}", Permission.Read("explain"), "Explain", "Say why an instance, image, network, load balancer or (to operators) a host is as it is, what it waits for and what comes next",
            call => explanations.ExplainAsync(call.Caller, call.Route("resource"), call.Cancelled)).Fails(409);
}
