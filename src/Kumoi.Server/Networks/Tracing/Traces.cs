using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Networks.Tracing;

/// <summary>Answers whether a packet arrives, and by which rules.</summary>
public sealed class TraceUseCases(TraceStore store, ServerOptions options)
{
    public const string Outside = "outside";

    public async Task<Result<PacketTrace>> TraceAsync(Caller caller, TraceQuestion question, CancellationToken cancel)
    {
        Violation?[] violations =
        [
            question.Protocol is "tcp" or "udp" or "icmp" or "any" ? null : new Violation("protocol", "one-of", "tcp, udp, icmp, any"),
            question is { Protocol: "any", Port: not null } ? new Violation("port", "no-ports") : null,
            question is { Protocol: "tcp" or "udp", Port: < 1 or > 65535 } ? new Violation("port", "between", 1, 65535) : question is { Protocol: "icmp", Port: < 0 or > 255 } ? new Violation("port", "between", 0, 255) : null,
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var (from, to) = (await EndsAsync(caller, question.From, cancel), await EndsAsync(caller, question.To, cancel));
        if (from.Count == 0) return Failure.Invalid("from", "no-end", question.From);
        if (to.Count == 0) return Failure.Invalid("to", "no-end", question.To);
        var networks = await store.NetworksAsync([.. from.Concat(to).Select(end => end.Interface?.NetworkId).OfType<string>().Distinct()], cancel);
        // Of several interfaces those that are together.
        var (start, end) = from.SelectMany(a => to.Select(b => (a, b))).OrderBy(pair => Distance(pair.a, pair.b, networks)).First();
        var forwards = end.Address is { } address ? await store.ForwardsAsync(caller.AccountId, address, cancel) : [];
        var balancers = new[] { start, end }.Where(one => one.Interface is null).Select(one => one.Address).OfType<System.Net.IPAddress>().ToList() is { Count: > 0 } nobodys ? await store.BalancersAsync(caller.AccountId, nobodys, cancel) : [];
        var faces = new[] { start.Interface, end.Interface }.Concat(forwards.Select(f => f.Target)).OfType<TraceInterface>().ToList();
        foreach (var more in await store.NetworksAsync([.. forwards.Select(f => f.Target.NetworkId).Where(id => !networks.ContainsKey(id)).Distinct()], cancel)) networks.TryAdd(more.Key, more.Value);
        var facts = new TraceFacts(
            start, end, question.Protocol, question.Port, networks, await store.GroupsAsync(faces.SelectMany(face => face.GroupIds), cancel), forwards, balancers, System.Net.IPNetwork.Parse(options.UplinkRange));
        var findings = Tracer.Trace(facts);
        return new PacketTrace(findings.All(finding => finding.Passes), [.. findings.Select(finding => new TraceStep(
            finding.Kind, finding.Passes, Messages.Text(caller.Language, "trace." + finding.Code, finding.Arguments), finding.InterfaceId,
            finding.Group is { } group ? new Ref(group.Id, group.Name) : null, finding.Rule))]);
    }

    /// <summary>What a text can mean; nothing if it means nothing.</summary>
    private async Task<IReadOnlyList<TraceEnd>> EndsAsync(Caller caller, string text, CancellationToken cancel)
    {
        if (text == Outside) return [new TraceEnd(text, null, null)];
        if (AddressRange.Read(text) is { } address)
            return (await store.HoldingAsync(caller.AccountId, address, cancel)).Select(face => new TraceEnd(text, address, face)).DefaultIfEmpty(new TraceEnd(text, address, null)).ToList();
        var faces = await store.NamedAsync(caller.AccountId, text, cancel);
        if (faces.Count == 0 && await store.BalancerAddressAsync(caller.AccountId, text, cancel) is { } balancer) return [new TraceEnd(text, balancer, null)];
        return faces.ConvertAll(face => new TraceEnd(text, null, face));
    }

    private static int Distance(TraceEnd a, TraceEnd b, Dictionary<string, TraceNetwork> networks) =>
        a.Interface is not { } one || b.Interface is not { } other ? 2 : one.NetworkId == other.NetworkId ? 0 : networks[one.NetworkId].Links.ContainsKey(other.NetworkId) ? 1 : 2;
}

public static class TraceEndpoints
{
    public static IServiceCollection AddTraces(this IServiceCollection services) => services.AddSingleton<TraceStore>().AddSingleton<TraceUseCases>();

    public static void MapTraces(this IEndpointRouteBuilder routes, TraceUseCases traces) =>
        routes.Post<TraceQuestion, PacketTrace>("/networks/trace", Permission.Read("networks"), "TracePacket", "Tell whether a packet arrives, and which rules let it pass", 200,
            (call, question) => traces.TraceAsync(call.Caller, question, call.Cancelled));
}
