using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.LoadBalancers;

/// <summary>An interface that connections can go to.</summary>
public sealed record MemberTarget(string InterfaceId, string InstanceId, string InstanceName, Ref Network, bool HasIpv4, bool HasIpv6);

/// <summary>A member that was asked for, and its interface.</summary>
/// <param name="Port">Null: the listener's.</param>
public sealed record NewMember(string InterfaceId, int? Port, int Weight);

/// <summary>The interfaces that members asked for name: of living instances of the account.</summary>
public sealed class MemberTargets
{
    private readonly IReadOnlyList<CreateMember> _asked;
    private readonly List<MemberTarget> _targets;

    private MemberTargets(IReadOnlyList<CreateMember> asked, List<MemberTarget> targets) => (_asked, _targets) = (asked, targets);

    /// <param name="hold">They are held until the transaction ends: only after the hosts of their network.</param>
    public static async Task<MemberTargets> ReadAsync(Transaction transaction, string accountId, IReadOnlyList<CreateMember> asked, bool hold, CancellationToken cancel)
    {
        if (asked.Count == 0) return new MemberTargets([], []);
        return new MemberTargets(asked, await transaction.QueryAsync(
            $"""
            SELECT i.id, v.id, v.name, n.id, n.name, family(i.address) = 4, family(i.address) = 6 OR i.address6 IS NOT NULL
            FROM interfaces i JOIN instances v ON v.id = i.instance_id JOIN networks n ON n.id = i.network_id
            WHERE v.account_id = $1 AND v.terminated_at IS NULL AND v.desired <> 'terminated' AND i.released_at IS NULL AND i.detached_at IS NULL
              AND (v.id = ANY($2) OR v.name = ANY($2) OR i.id = ANY($3)) ORDER BY v.id, i.device_index {(hold ? "FOR NO KEY UPDATE OF i" : "")}
            """, row => new MemberTarget(row.GetString(0), row.GetString(1), row.GetString(2), new Ref(row.GetString(3), row.GetString(4)), row.GetBoolean(5), row.GetBoolean(6)), cancel,
            accountId, Columns.Texts(asked.Select(m => m.Instance).OfType<string>().Distinct()), Columns.Texts(asked.Select(m => m.Interface).OfType<string>().Distinct())));
    }

    public bool IsEmpty => _asked.Count == 0;

    /// <summary>The network that all of them are in: of several the one of the first member's first interface; null if there is none.</summary>
    public Ref? CommonNetwork => _asked.SelectMany(Of).Select(target => target.Network).FirstOrDefault(network => _asked.All(member => Of(member).Any(target => target.Network.Id == network.Id)));

    /// <summary>Those that name nothing of the account.</summary>
    public IEnumerable<Violation> Missing(string field, IReadOnlyList<CreateMember>? members)
    {
        for (var i = 0; i < (members?.Count ?? 0); i++)
            if (!Of(members![i]).Any()) yield return NoSuch($"{field}[{i}].", members[i]);
    }

    private static Violation NoSuch(string prefix, CreateMember member) => member.Interface is { } face
        ? new Violation(prefix + "interface", "no-such", new Noun("interface"), face) : new Violation(prefix + "instance", "no-such", new Noun("instance"), member.Instance!);

    /// <summary>Those of a listener; what is wrong with them is noted.</summary>
    /// <param name="ipv4">The load balancer has an IPv4 address: so must its members. Otherwise IPv6.</param>
    public IReadOnlyList<NewMember> Find(string field, IReadOnlyList<CreateMember> members, Ref network, bool ipv4, List<Violation> violations)
    {
        var found = new List<NewMember>();
        for (var i = 0; i < members.Count; i++)
        {
            var prefix = $"{field}[{i}].";
            if (One(prefix, members[i], network, ipv4, violations) is not { } member) continue;
            if (found.Exists(other => other.InterfaceId == member.InterfaceId && other.Port == member.Port)) violations.Add(new Violation($"{field}[{i}]", "twice"));
            else found.Add(member);
        }
        return found;
    }

    public NewMember? One(string prefix, CreateMember member, Ref network, bool ipv4, List<Violation> violations)
    {
        var named = prefix + (member.Interface is null ? "instance" : "interface");
        var all = Of(member).ToList();
        var here = all.FindAll(target => target.Network.Id == network.Id);
        if (all.Count == 0) violations.Add(NoSuch(prefix, member));
        else if (here.Count == 0) violations.Add(new Violation(named, "not-in-network", all[0].InstanceName, network.Name));
        else if (here.Find(target => ipv4 ? target.HasIpv4 : target.HasIpv6) is { } target) return new NewMember(target.InterfaceId, member.Port, member.Weight ?? 1);
        else violations.Add(ipv4 ? new Violation(named, "no-ipv4", all[0].InstanceName) : new Violation(named, "no-ipv6", all[0].InstanceName));
        return null;
    }

    private IEnumerable<MemberTarget> Of(CreateMember member) => member.Interface is { } face ? _targets.Where(target => target.InterfaceId == face)
        : _targets.Where(target => target.InstanceId == member.Instance || target.InstanceName == member.Instance);
}
