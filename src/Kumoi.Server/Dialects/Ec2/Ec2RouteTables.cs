using Kumoi.Api;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Routers;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Route tables: a VPC has one, its main one, with what is within the VPC, the way outside, and the static routes of the network.</summary>
public sealed class Ec2RouteTables(Ec2Vpcs vpcs, NetworkUseCases networks, RouteUseCases routes, InterfaceUseCases interfaces, Ec2Gateways gateways)
{
    private const string Everywhere = "0.0.0.0/0";

    public async Task<Ec2Answer> DescribeRouteTables(Ec2Call call)
    {
        var ids = Ec2Vpcs.Named(call, "RouteTableId", Ec2Kind.RouteTable);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await vpcs.AllAsync(call);
        var faces = await Ec2Lists.AllAsync(page => interfaces.ListAsync(call.Caller, null, null, page, call.Cancelled), face => face.Id);
        var doors = await gateways.AllAsync(call);
        if ((all.Failure ?? faces.Failure ?? doors.Failure) is { } failure) return failure;
        string? DoorOf(Network network) => doors.Value.Find(door => door.NetworkId == network.Id)?.Id;
        var leading = new Dictionary<string, List<NetworkRoute>>();
        foreach (var network in all.Value)
        {
            var found = await RoutesAsync(call, network.Id);
            if (found.Failure is null) leading[network.Id] = found.Value;
        }
        var filters = new Ec2Filters<Network>(_ => new Dictionary<string, string>(), new()
        {
            ["route-table-id"] = network => [Ec2Kind.RouteTable.Of(network.Id)], ["vpc-id"] = network => [Ec2Kind.Vpc.Of(network.Id)], ["owner-id"] = _ => [call.Caller.AccountId], ["association.main"] = _ => ["true"], ["association.route-table-id"] = network => [Ec2Kind.RouteTable.Of(network.Id)],
            ["association.route-table-association-id"] = network => [Ec2Kind.TableAssociation.Of(network.Id)], ["association.subnet-id"] = _ => [], ["route.destination-cidr-block"] = network => leading.GetValueOrDefault(network.Id, []).Select(route => route.Destination),
            ["route.gateway-id"] = network => [DoorOf(network), "local"],
        });
        return Ec2Lists.Describe(call, "routeTableSet", all.Value, ids, network => Ec2Kind.RouteTable.Of(network.Id), Ec2Kind.RouteTable.NoSuch, filters, network => new object?[]
        {
            Xml.Of("routeTableId", Ec2Kind.RouteTable.Of(network.Id)), Xml.Of("vpcId", Ec2Kind.Vpc.Of(network.Id)), Xml.Of("ownerId", call.Caller.AccountId), Xml.Set("routeSet", Routes(network, leading.GetValueOrDefault(network.Id, []), faces.Value, DoorOf(network)), route => route),
            Xml.Set("associationSet", [network], one => new object?[]
            {
                Xml.Of("routeTableAssociationId", Ec2Kind.TableAssociation.Of(one.Id)), Xml.Of("routeTableId", Ec2Kind.RouteTable.Of(one.Id)), Xml.Of("main", true), Xml.Group("associationState", Xml.Of("state", "associated")),
            }), Xml.Set("propagatingVgwSet", Array.Empty<string>(), _ => null), Xml.Tags([]),
        });
    }

    private Task<Result<List<NetworkRoute>>> RoutesAsync(Ec2Call call, string network) => Ec2Lists.AllAsync(page => routes.ListAsync(call.Caller, network, page, call.Cancelled), route => route.Id);

    private static IEnumerable<object?[]> Routes(Network network, IReadOnlyList<NetworkRoute> leading, IReadOnlyList<Interface> faces, string? door)
    {
        foreach (var range in network.Range is { } whole ? network.Subnets.Select(subnet => subnet.Cidr).Where(cidr => cidr.Contains(':', StringComparison.Ordinal)).Prepend(whole) : network.Subnets.Select(subnet => subnet.Cidr))
            yield return [Destination(range), Xml.Of("gatewayId", "local"), Xml.Of("state", "active"), Xml.Of("origin", "CreateRouteTable")];
        if (door is not null) yield return [Destination(Everywhere), Xml.Of("gatewayId", door), Xml.Of("state", "active"), Xml.Of("origin", "CreateRoute")];
        foreach (var route in leading)
        {
            var face = faces.FirstOrDefault(one => one.Network.Id == network.Id && (one.Address == route.Via || one.Address6 == route.Via || one.SecondaryAddresses.Contains(route.Via)));
            yield return [Destination(route.Destination), Xml.Of("instanceId", face?.Instance.Id), Xml.Of("networkInterfaceId", face?.Id), Xml.Of("state", face is null ? "blackhole" : "active"), Xml.Of("origin", "CreateRoute")];
        }
    }

    private static object? Destination(string range) => Xml.Of(range.Contains(':', StringComparison.Ordinal) ? "destinationIpv6CidrBlock" : "destinationCidrBlock", range);

    public async Task<Ec2Answer> CreateRoute(Ec2Call call)
    {
        var (network, range, gateway) = (call.Parameters.RequiredId("RouteTableId", Ec2Kind.RouteTable), Range(call), call.Parameters.Id("GatewayId", Ec2Kind.Gateway));
        var (instance, face) = (call.Parameters.Id("InstanceId", Ec2Kind.Instance), call.Parameters.Id("NetworkInterfaceId", Ec2Kind.Interface));
        foreach (var other in (string[])["NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "VpcEndpointId"])
            if (call.Parameters.Text(other) is not null) return Ec2Fault.Unsupported(other);
        if (call.Parameters.Fault is { } fault) return fault;
        var found = await networks.GetAsync(call.Caller, network, call.Cancelled);
        if (found.Failure is { } failure) return failure;
        // The way outside comes with the gateway; there is nothing to add.
        if (gateway is not null) return range is not (Everywhere or "::/0") ? Ec2Fault.Value("DestinationCidrBlock", range!) : found.Value.Outside == "nat" ? Xml.Return : new Ec2Fault("Gateway.NotAttached", 400, "not-found", "attachment", gateway);
        var via = (await Ec2Lists.AllAsync(page => interfaces.ListAsync(call.Caller, instance, network, page, call.Cancelled), one => one.Id)) is { Failure: null } faces ? faces.Value.Find(one => face is null ? instance is not null : one.Id == face) : null;
        if (via is null) return face is not null ? Ec2Kind.Interface.NoSuch(face) : instance is not null ? Ec2Kind.Instance.NoSuch(instance) : Ec2Fault.Missing("NetworkInterfaceId");
        var address = range!.Contains(':', StringComparison.Ordinal) ? via.Address6 ?? via.Address : via.Address;
        return Ec2Answer.Done(await routes.CreateAsync(call.Caller, network, new CreateNetworkRoute(range, address), null, call.Cancelled));
    }

    private static string? Range(Ec2Call call) => call.Parameters.Text("DestinationCidrBlock") ?? call.Parameters.Text("DestinationIpv6CidrBlock") ?? call.Parameters.Refuse<string>(Ec2Fault.Missing("DestinationCidrBlock"));

    public async Task<Ec2Answer> DeleteRoute(Ec2Call call)
    {
        var (network, range) = (call.Parameters.RequiredId("RouteTableId", Ec2Kind.RouteTable), Range(call));
        if (call.Parameters.Fault is { } fault) return fault;
        // It goes with the gateway.
        if (range is Everywhere or "::/0") return Ec2Fault.Unsupported($"DeleteRoute {range}: DetachInternetGateway");
        var all = await RoutesAsync(call, network);
        if (all.Failure is { } failure) return failure;
        if (all.Value.Find(route => route.Destination == range) is not { } gone) return new Ec2Fault("InvalidRoute.NotFound", 400, "not-found", "route", range!);
        return Ec2Answer.Done(await routes.DeleteAsync(call.Caller, network, gone.Id, call.Cancelled));
    }
}
