using System.Collections.Immutable;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Routers;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Internet gateways. A network that has had an outside without one being made for it is told with one of its own digits.</summary>
public sealed class Ec2Gateways(Ec2Vpcs vpcs, NetworkUseCases networks, InternetGatewayUseCases gateways)
{
    /// <param name="Id">As EC2 has it.</param>
    /// <param name="Native">Its record; null: it is told of a network only.</param>
    /// <param name="NetworkId">The network that it is attached to; null: none.</param>
    public sealed record Gateway(string Id, InternetGateway? Native, string? NetworkId);

    public async Task<Ec2Answer> CreateInternetGateway(Ec2Call call)
    {
        var tags = call.Parameters.TagsFor("internet-gateway");
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Of(await gateways.CreateAsync(call.Caller, new CreateInternetGateway(tags), null, call.Cancelled), made => Xml.Group("internetGateway", Fields(new Gateway(made.Id, made, null), call.Caller.AccountId)));
    }

    /// <summary>All of the account, each with its network.</summary>
    public async Task<Result<List<Gateway>>> AllAsync(Ec2Call call)
    {
        var (made, all) = (await Ec2Lists.AllAsync(page => gateways.ListAsync(call.Caller, page, call.Cancelled), gateway => gateway.Id), await vpcs.AllAsync(call));
        if ((made.Failure ?? all.Failure) is { } failure) return failure;
        var named = made.Value.ConvertAll(gateway => new Gateway(gateway.Id, gateway, gateway.Network?.Id));
        return named.Concat(all.Value.Where(network => network.Outside == "nat" && !named.Exists(gateway => gateway.NetworkId == network.Id)).Select(network => new Gateway(Ec2Kind.OwnGateway.Of(network.Id), null, network.Id))).ToList();
    }

    public async Task<Ec2Answer> DescribeInternetGateways(Ec2Call call)
    {
        var ids = call.Parameters.Ids("InternetGatewayId", Ec2Kind.Gateway);
        if (call.Parameters.Fault is { } fault) return fault;
        var filters = new Ec2Filters<Gateway>(TagsOf, new()
        {
            ["internet-gateway-id"] = gateway => [gateway.Id], ["attachment.vpc-id"] = gateway => [gateway.NetworkId is { } network ? Ec2Kind.Vpc.Of(network) : null], ["attachment.state"] = gateway => [gateway.NetworkId is null ? null : "available"], ["owner-id"] = _ => [call.Caller.AccountId],
        });
        return Ec2Answer.Of(await AllAsync(call), all => Ec2Lists.Describe(call, "internetGatewaySet", all, ids, gateway => gateway.Id, Ec2Kind.Gateway.NoSuch, filters, gateway => Fields(gateway, call.Caller.AccountId)));
    }

    private static IReadOnlyDictionary<string, string> TagsOf(Gateway gateway) => gateway.Native?.Tags ?? ImmutableDictionary<string, string>.Empty;

    private static object?[] Fields(Gateway gateway, string accountId) =>
    [
        Xml.Of("internetGatewayId", gateway.Id), Xml.Of("ownerId", accountId), Xml.Set("attachmentSet", gateway.NetworkId is { } network ? [network] : Array.Empty<string>(), one => new object?[] { Xml.Of("vpcId", Ec2Kind.Vpc.Of(one)), Xml.Of("state", "available") }), Xml.Tags(TagsOf(gateway)),
    ];

    public async Task<Ec2Answer> AttachInternetGateway(Ec2Call call)
    {
        var (id, vpc) = (call.Parameters.RequiredId("InternetGatewayId", Ec2Kind.Gateway), call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc));
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await gateways.AttachAsync(call.Caller, id, new AttachInternetGateway(vpc), call.Cancelled));
    }

    public async Task<Ec2Answer> DetachInternetGateway(Ec2Call call)
    {
        var (id, vpc) = (call.Parameters.RequiredId("InternetGatewayId", Ec2Kind.Gateway), call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc));
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await AllAsync(call);
        if (all.Failure is { } failure) return failure;
        if (all.Value.Find(gateway => gateway.Id == id) is not { } found) return Ec2Kind.Gateway.NoSuch(id);
        if (found.NetworkId != vpc) return new Ec2Fault("Gateway.NotAttached", 400, "not-found", "attachment", id);
        return found.Native is not null ? Ec2Answer.Done(await gateways.DetachAsync(call.Caller, id, call.Cancelled)) : Ec2Answer.Done(await networks.UpdateAsync(call.Caller, vpc, new UpdateNetwork(null, "none", null, null, null), call.Cancelled));
    }

    public async Task<Ec2Answer> DeleteInternetGateway(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("InternetGatewayId", Ec2Kind.Gateway);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await AllAsync(call);
        if (all.Failure is { } failure) return failure;
        // One that is told of a network goes when it is detached.
        if (all.Value.Find(gateway => gateway.Id == id) is { Native: null, NetworkId: { } network }) return Ec2Errors.Of(Failure.InUse("internet-gateway", id, [new Ref(network, network)]));
        return Ec2Answer.Done(await gateways.DeleteAsync(call.Caller, id, call.Cancelled));
    }
}
