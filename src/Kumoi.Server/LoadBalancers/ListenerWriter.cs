using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.LoadBalancers;

/// <summary>A listener about to be written.</summary>
/// <param name="prefix">Where in the request it is, with a dot at the end; empty if it is the request itself.</param>
public sealed class NewListener(string prefix, ListenerSettings settings, CheckedCertificate? certificate, IReadOnlyList<CreateMember> asked)
{
    public string Prefix => prefix;

    public ListenerSettings Settings => settings;

    public CheckedCertificate? Certificate => certificate;

    public IReadOnlyList<NewMember> Members { get; private set; } = [];

    /// <summary>Finds its members; what is wrong with them is noted.</summary>
    /// <param name="common">Members that every listener of the request gets.</param>
    public void Take(MemberTargets targets, IReadOnlyList<NewMember> common, BalancerRow balancer, List<Violation> violations)
    {
        var own = targets.Find(prefix + "members", asked, balancer.Network, balancer.HasIpv4, violations);
        Members = [.. common.Concat(own).DistinctBy(member => (member.InterfaceId, member.Port ?? settings.Port))];
        if (Members.Count > LoadBalancerRules.MembersMax) violations.Add(new Violation(prefix + "members", "at-most", LoadBalancerRules.MembersMax));
    }
}

/// <summary>Checks listeners that requests describe, and writes them.</summary>
public sealed class ListenerWriter(ListenerKeys keys, Ids ids, TimeProvider clock)
{
    public NewListener Read(string prefix, CreateListener create, List<Violation> violations)
    {
        var settings = ListenerSettings.Of(create);
        violations.AddRange(LoadBalancerRules.Check(prefix, settings));
        violations.AddRange(LoadBalancerRules.Check(prefix + "members", create.Members));
        return new NewListener(prefix, settings, Certificate(prefix, settings, create.Certificate, create.PrivateKey, violations), create.Members ?? []);
    }

    /// <summary>The certificate and key of a request, if it has them; what is wrong is noted.</summary>
    public CheckedCertificate? Certificate(string prefix, ListenerSettings settings, string? certificate, string? key, List<Violation> violations)
    {
        if (certificate is null && key is null) return null;
        if (!settings.EndsTls) violations.Add(new Violation(prefix + (certificate is null ? "privateKey" : "certificate"), "only-with-protocol", "https, tls"));
        else if (certificate is null) violations.Add(new Violation(prefix + "certificate", "required"));
        else
        {
            var read = ListenerCertificates.Read(prefix, certificate, key, clock.GetUtcNow());
            if (read.Failure is null) return read.Value;
            violations.AddRange(read.Failure.Violations);
        }
        return null;
    }

    /// <summary>Notes ports that two listeners would have, or that one of those there has.</summary>
    public static void CheckPorts(IReadOnlyList<NewListener> listeners, IEnumerable<ListenerSettings> present, List<Violation> violations)
    {
        var taken = present.Select(one => (one.Transport, one.Port)).ToHashSet();
        foreach (var listener in listeners)
            if (!taken.Add((listener.Settings.Transport, listener.Settings.Port)))
                violations.Add(new Violation(listener.Prefix + "port", "listener-port", listener.Settings.Port, listener.Settings.Transport));
    }

    /// <summary>Writes a listener with its members; its id.</summary>
    public async Task<string> WriteAsync(Transaction transaction, Caller caller, BalancerRow balancer, NewListener listener, CancellationToken cancel)
    {
        var id = ids.New(Ids.Listener);
        await ListenerStore.InsertAsync(
            transaction, caller.AccountId, balancer.Id, id, listener.Settings, listener.Certificate?.Chain, listener.Certificate is { } own ? keys.Seal(id, own.Key) : null, clock.GetUtcNow(), cancel);
        await MemberStore.InsertAsync(transaction, ids, caller.AccountId, [.. listener.Members.Select(member => (id, listener.Settings.Port, member))], clock.GetUtcNow(), cancel);
        return id;
    }
}
