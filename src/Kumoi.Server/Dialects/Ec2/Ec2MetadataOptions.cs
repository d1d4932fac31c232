using Kumoi.Api;
using Kumoi.Server.Instances;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>How the metadata service answers an instance: read of a launch or a change, told, and changed.</summary>
public sealed class Ec2MetadataOptions(InstanceChanges changes)
{
    public async Task<Ec2Answer> ModifyInstanceMetadataOptions(Ec2Call call)
    {
        var (id, asked) = (call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance), Read(call.Parameters));
        if (call.Parameters.Fault is { } fault) return fault;
        var changed = await changes.UpdateAsync(
            call.Caller, id, new UpdateInstance(null, null, MetadataEndpoint: asked.Endpoint, MetadataTokens: asked.Tokens, MetadataHopLimit: asked.HopLimit, MetadataTags: asked.Tags), call.Cancelled);
        return Ec2Answer.Of(changed, instance => new object?[] { Xml.Of("instanceId", instance.Id), Tell("instanceMetadataOptions", instance) });
    }

    internal static MetadataOptions Read(Ec2Parameters parameters)
    {
        string? Word(string name, params string[] known) => parameters.Text(name) is not { } text ? null : known.Contains(text) ? text : parameters.Refuse<string>(Ec2Fault.Value(parameters.Path(name), text));
        // The service answers over IPv6 wherever the network has that. Clients send EC2's default, "disabled", unasked.
        Word("HttpProtocolIpv6", MetadataOptions.Enabled, MetadataOptions.Disabled);
        var hops = parameters.Integer("HttpPutResponseHopLimit");
        if (hops is < 1 or > MetadataOptions.HopLimitMax) parameters.Refuse<string>(Ec2Fault.Value(parameters.Path("HttpPutResponseHopLimit"), $"{hops}"));
        return new MetadataOptions(
            Word("HttpEndpoint", MetadataOptions.Enabled, MetadataOptions.Disabled), Word("HttpTokens", MetadataOptions.Optional, MetadataOptions.Required), hops,
            Word("InstanceMetadataTags", MetadataOptions.Enabled, MetadataOptions.Disabled));
    }

    internal static object Tell(string name, Instance instance) => Xml.Group(
        name, Xml.Of("state", instance.ObservedGeneration >= instance.Generation ? "applied" : "pending"), Xml.Of("httpTokens", instance.MetadataTokens), Xml.Of("httpPutResponseHopLimit", instance.MetadataHopLimit),
        Xml.Of("httpEndpoint", instance.MetadataEndpoint), Xml.Of("httpProtocolIpv6", Ipv6(instance)), Xml.Of("instanceMetadataTags", instance.MetadataTags));

    internal static string Ipv6(Instance instance) =>
        instance.MetadataEndpoint == MetadataOptions.Enabled && instance.Interfaces.Any(face => (face.Address6 ?? face.Address).Contains(':', StringComparison.Ordinal)) ? MetadataOptions.Enabled : MetadataOptions.Disabled;
}
