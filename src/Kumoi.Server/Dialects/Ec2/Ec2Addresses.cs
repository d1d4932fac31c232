using Kumoi.Api;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Elastic addresses: the floating addresses that the account keeps. One that came with its instance is told with that only.</summary>
public sealed class Ec2Addresses(FloatingAddressUseCases addresses, InterfaceUseCases interfaces, Ec2TagSource tags)
{
    public async Task<Ec2Answer> AllocateAddress(Ec2Call call)
    {
        if (call.Parameters.Text("Domain") is { } domain and not "vpc") return Ec2Fault.Value("Domain", domain);
        var asked = new CreateFloatingAddress(call.Parameters.Text("PublicIpv4Pool"), call.Parameters.Text("Address"), null, call.Parameters.TagsFor("elastic-ip"));
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Of(await addresses.CreateAsync(call.Caller, asked, null, call.Cancelled), made => (object?[])
            [Xml.Of("publicIp", made.Address), Xml.Of("allocationId", Ec2Kind.Address.Of(made.Id)), Xml.Of("publicIpv4Pool", made.Pool?.Name), Xml.Of("domain", "vpc")]);
    }

    private static string? KeyOf(Ec2Call call, Ec2Kind kind, string name) => call.Parameters.Id(name, kind) ?? call.Parameters.Text("PublicIp") ?? call.Parameters.Refuse<string>(Ec2Fault.Missing(name));

    public async Task<Ec2Answer> ReleaseAddress(Ec2Call call)
    {
        var key = KeyOf(call, Ec2Kind.Address, "AllocationId");
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await addresses.DeleteAsync(call.Caller, key!, call.Cancelled));
    }

    public async Task<Ec2Answer> AssociateAddress(Ec2Call call)
    {
        var key = KeyOf(call, Ec2Kind.Address, "AllocationId");
        var asked = new AssociateFloatingAddress(call.Parameters.Id("InstanceId", Ec2Kind.Instance), call.Parameters.Id("NetworkInterfaceId", Ec2Kind.Interface), call.Parameters.Boolean("AllowReassociation") ?? false);
        if (call.Parameters.Fault is { } fault) return fault;
        if (asked.Instance is null && asked.Interface is null) return Ec2Fault.Missing("InstanceId");
        // An interface says all; beside it the instance is only named.
        return Ec2Answer.Of(await addresses.AssociateAsync(call.Caller, key!, asked with { Instance = asked.Interface is null ? asked.Instance : null }, call.Cancelled), made => (object?[])
            [Xml.Of("associationId", Ec2Kind.Association.Of(made.Id))]);
    }

    public async Task<Ec2Answer> DisassociateAddress(Ec2Call call)
    {
        var key = KeyOf(call, Ec2Kind.Association, "AssociationId");
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await addresses.DisassociateAsync(call.Caller, key!, call.Cancelled));
    }

    public async Task<Ec2Answer> DescribeAddresses(Ec2Call call)
    {
        var (ids, ips) = (call.Parameters.Ids("AllocationId", Ec2Kind.Address), call.Parameters.Texts("PublicIp"));
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await Ec2Lists.AllAsync(page => addresses.ListAsync(call.Caller, page, call.Cancelled), address => address.Id);
        var faces = await Ec2Lists.AllAsync(page => interfaces.ListAsync(call.Caller, null, null, page, call.Cancelled), face => face.Id);
        if ((all.Failure ?? faces.Failure) is { } failure) return failure;
        var privates = faces.Value.ToDictionary(face => face.Id, face => face.Address);
        var kept = all.Value.FindAll(address => address.Kept);
        var tagsOf = await tags.OfAsync(call, "floating-address", kept.Select(address => address.Id));
        string? Private(FloatingAddress address) => address.Interface is { } face ? privates.GetValueOrDefault(face) : null;
        static string? Association(FloatingAddress address) => address.Interface is null ? null : Ec2Kind.Association.Of(address.Id);
        var filters = new Ec2Filters<FloatingAddress>(address => tagsOf(address.Id), new()
        {
            ["allocation-id"] = address => [Ec2Kind.Address.Of(address.Id)], ["association-id"] = address => [Association(address)], ["domain"] = _ => ["vpc"], ["instance-id"] = address => [address.Instance?.Id], ["network-interface-id"] = address => [address.Interface],
            ["private-ip-address"] = address => [Private(address)], ["public-ip"] = address => [address.Address], ["network-interface-owner-id"] = address => [address.Interface is null ? null : call.Caller.AccountId],
        });
        return Ec2Lists.Describe(
            call, "addressesSet", kept, ids.Count > 0 ? ids : ips, address => ids.Count > 0 ? address.Id : address.Address, id => ids.Count > 0 ? Ec2Kind.Address.NoSuch(Ec2Kind.Address.Of(id)) : new Ec2Fault("InvalidAddress.NotFound", 400, "not-found", "elastic-ip", id), filters, address => new object?[]
            {
                Xml.Of("publicIp", address.Address), Xml.Of("allocationId", Ec2Kind.Address.Of(address.Id)), Xml.Of("domain", "vpc"), Xml.Of("instanceId", address.Instance?.Id ?? ""), Xml.Of("associationId", Association(address)), Xml.Of("networkInterfaceId", address.Interface),
                Xml.Of("networkInterfaceOwnerId", address.Interface is null ? null : call.Caller.AccountId), Xml.Of("privateIpAddress", Private(address)), Xml.Of("publicIpv4Pool", address.Pool?.Name), Xml.Tags(tagsOf(address.Id)),
            });
    }
}
