using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Internet gateways: a network with an outside has one, which is the way there that every host is.</summary>
public sealed class Ec2Gateways(Ec2Vpcs vpcs, NetworkUseCases networks)
{
    public async Task<Ec2Answer> DescribeInternetGateways(Ec2Call call)
    {
        var ids = Ec2Vpcs.Named(call, "InternetGatewayId", Ec2Kind.Gateway);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await vpcs.AllAsync(call);
        if (all.Failure is { } failure) return failure;
        var filters = new Ec2Filters<Network>(_ => new Dictionary<string, string>(), new()
        {
            ["internet-gateway-id"] = network => [Ec2Kind.Gateway.Of(network.Id)], ["attachment.vpc-id"] = network => [Ec2Kind.Vpc.Of(network.Id)], ["attachment.state"] = _ => ["available"], ["owner-id"] = _ => [call.Caller.AccountId],
        });
        return Ec2Lists.Describe(call, "internetGatewaySet", all.Value.FindAll(network => network.Outside == "nat"), ids, network => Ec2Kind.Gateway.Of(network.Id), Ec2Kind.Gateway.NoSuch, filters, network => new object?[]
        {
            Xml.Of("internetGatewayId", Ec2Kind.Gateway.Of(network.Id)), Xml.Of("ownerId", call.Caller.AccountId), Xml.Set("attachmentSet", [network], one => new object?[] { Xml.Of("vpcId", Ec2Kind.Vpc.Of(one.Id)), Xml.Of("state", "available") }), Xml.Tags([]),
        });
    }

    public Task<Ec2Answer> AttachInternetGateway(Ec2Call call) => ChangeAsync(call, "nat");

    public Task<Ec2Answer> DetachInternetGateway(Ec2Call call) => ChangeAsync(call, "none");

    private async Task<Ec2Answer> ChangeAsync(Ec2Call call, string outside)
    {
        var (gateway, vpc) = (call.Parameters.RequiredId("InternetGatewayId", Ec2Kind.Gateway), call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc));
        if (call.Parameters.Fault is { } fault) return fault;
        if (gateway != vpc) return Ec2Kind.Gateway.NoSuch(Ec2Kind.Gateway.Of(gateway));
        return Ec2Answer.Done(await networks.UpdateAsync(call.Caller, vpc, new UpdateNetwork(null, outside, null, null, null), call.Cancelled));
    }
}
