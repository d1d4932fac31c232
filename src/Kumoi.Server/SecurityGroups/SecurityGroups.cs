using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.SecurityGroups;

/// <summary>Security groups and their rules. A change of rules reaches every host with a member at once.</summary>
public sealed class SecurityGroupUseCases(
    Database database, SecurityGroupStore store, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    // Each rule is matched against every new connection of every member; far more than this is a mistake.
    private const int RulesMax = 200, DescriptionMax = 255;

    public async Task<Result<Page<SecurityGroup>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), group => group.Id);

    public async Task<Result<SecurityGroup>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } group ? group : Failure.NotFound("security-group", key);

    public async Task<Result<SecurityGroup>> CreateAsync(Caller caller, CreateSecurityGroup create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var rules = create.Rules ?? [];
        var violations = new List<Violation?>
        {
            Names.Check("name", name), create.Description is { Length: > DescriptionMax } ? new Violation("description", "too-long", DescriptionMax) : null,
            rules.Count > RulesMax ? new Violation("rules", "at-most", RulesMax) : null,
        };
        violations.AddRange(Tags.CheckNew(create.Tags));
        for (var i = 0; i < rules.Count; i++) violations.AddRange(CheckRule($"rules[{i}].", rules[i]));
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<SecurityGroup>(transaction => Idempotency.OnceAsync<SecurityGroup>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = await store.InsertAsync(transaction, caller.AccountId, name, create.Description ?? "", cancel);
            if (id is null) return Failure.NameTaken("security-group", name);
            if (rules.All(rule => rule.Direction != "egress"))
                foreach (var rule in SecurityGroupStore.AllEgress(ids)) await store.InsertRuleAsync(transaction, caller.AccountId, id, rule, cancel);
            for (var i = 0; i < rules.Count; i++)
            {
                var rule = await ResolveAsync(transaction, caller.AccountId, rules[i], id, name, $"rules[{i}].", cancel);
                if (rule.Failure is { } failure) return failure;
                await store.InsertRuleAsync(transaction, caller.AccountId, id, rule.Value, cancel);
            }
            await Tags.SetAsync(transaction, "security_groups", id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "security-group.create", new Subject("security-group", id, name), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var group = await store.LockAsync(transaction, caller.AccountId, key, cancel);
        if (group is null) return Failure.NotFound("security-group", key);
        if (group.Name == "default") return new Failure("default-group", 409);
        var users = await store.UsersAsync(transaction, group.Id, cancel);
        if (users.Count > 0) return Failure.InUse("security-group", group.Name, users);
        await store.ForgetAsync(transaction, [group.Id], caller.AccountId, cancel);
        await store.DeleteAsync(transaction, group.Id, cancel);
        await events.WriteAsync(transaction, caller, "security-group.delete", new Subject("security-group", group.Id, group.Name), cancel);
        return new Done();
    }, cancel);

    public async Task<Result<SecurityGroupRule>> AddRuleAsync(Caller caller, string key, CreateSecurityGroupRule create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (CheckRule("", create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<SecurityGroupRule>(transaction => Idempotency.OnceAsync<SecurityGroupRule>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var group = await store.LockAsync(transaction, caller.AccountId, key, cancel);
            if (group is null) return Failure.NotFound("security-group", key);
            var rule = await ResolveAsync(transaction, caller.AccountId, create, group.Id, group.Name, "", cancel);
            if (rule.Failure is not null) return rule;
            var present = (await store.FindAsync(transaction, caller.AccountId, group.Id, cancel))!.Rules;
            if (present.Count >= RulesMax) return Failure.Invalid("rules", "at-most", RulesMax);
            if (present.FirstOrDefault(r => r with { Id = "", Description = null } == rule.Value with { Id = "", Description = null }) is { } same)
                return new Failure("rule-exists", 409, same.Id);
            await store.InsertRuleAsync(transaction, caller.AccountId, group.Id, rule.Value, cancel);
            await hosts.TouchByGroupAsync(transaction, group.Id, cancel);
            await events.WriteAsync(transaction, caller, "security-group.add-rule", new Subject("security-group", group.Id, group.Name), cancel,
                System.Text.Json.JsonSerializer.Serialize(rule.Value, ApiJson.Default.SecurityGroupRule));
            return rule;
        }), cancel);
    }

    /// <summary>Adds and removes rules in one change: hosts go from the rules before to those after, with nothing in between.</summary>
    public async Task<Result<SecurityGroup>> ChangeRulesAsync(Caller caller, string key, ChangeSecurityGroupRules change, CancellationToken cancel)
    {
        var (add, remove) = (change.Add ?? [], change.Remove ?? []);
        if (add.Count > RulesMax) return Failure.Invalid("add", "at-most", RulesMax);
        var describe = change.Describe ?? new Dictionary<string, string?>();
        if (describe.Count > RulesMax) return Failure.Invalid("describe", "at-most", RulesMax);
        Violation[] broken = [.. add.SelectMany((rule, i) => CheckRule($"add[{i}].", rule)), .. describe.Where(one => one.Value is { Length: > DescriptionMax }).Select(one => new Violation($"describe.{one.Key}", "too-long", DescriptionMax))];
        if (broken.Length > 0) return Failure.Invalid(broken);
        return await database.TransactionAsync<SecurityGroup>(async transaction =>
        {
            var group = await store.LockAsync(transaction, caller.AccountId, key, cancel);
            if (group is null) return Failure.NotFound("security-group", key);
            var present = (await store.FindAsync(transaction, caller.AccountId, group.Id, cancel))!.Rules.ToList();
            if (remove.FirstOrDefault(id => !present.Exists(rule => rule.Id == id)) is { } unknown) return Failure.NotFound("rule", unknown);
            if (describe.Keys.FirstOrDefault(id => remove.Contains(id) || !present.Exists(rule => rule.Id == id)) is { } nobody) return Failure.NotFound("rule", nobody);
            var gone = present.FindAll(rule => remove.Contains(rule.Id));
            present.RemoveAll(gone.Contains);
            await transaction.ExecuteAsync("DELETE FROM security_group_rules WHERE security_group_id = $1 AND id = ANY($2)", cancel, group.Id, Columns.Texts(remove));
            // No host hears of it: what lets pass stays as it is.
            foreach (var (id, text) in describe) await transaction.ExecuteAsync("UPDATE security_group_rules SET description = $2 WHERE id = $1", cancel, id, Columns.Text(text));
            var changes = gone.ConvertAll(rule => (Action: "security-group.delete-rule", Rule: rule));
            for (var i = 0; i < add.Count; i++)
            {
                var rule = await ResolveAsync(transaction, caller.AccountId, add[i], group.Id, group.Name, $"add[{i}].", cancel);
                if (rule.Failure is { } failure) return failure;
                if (present.Find(r => r with { Id = "", Description = null } == rule.Value with { Id = "", Description = null }) is { } same) return new Failure("rule-exists", 409, same.Id);
                present.Add(rule.Value);
                if (present.Count > RulesMax) return Failure.Invalid("add", "at-most", RulesMax);
                await store.InsertRuleAsync(transaction, caller.AccountId, group.Id, rule.Value, cancel);
                changes.Add(("security-group.add-rule", rule.Value));
            }
            if (changes.Count > 0) await hosts.TouchByGroupAsync(transaction, group.Id, cancel);
            if (describe.Count > 0) await events.WriteAsync(transaction, caller, "security-group.update", new Subject("security-group", group.Id, group.Name), cancel);
            foreach (var (action, rule) in changes)
                await events.WriteAsync(transaction, caller, action, new Subject("security-group", group.Id, group.Name), cancel,
                    System.Text.Json.JsonSerializer.Serialize(rule, ApiJson.Default.SecurityGroupRule));
            return (await store.FindAsync(transaction, caller.AccountId, group.Id, cancel))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteRuleAsync(Caller caller, string key, string ruleId, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var group = await store.LockAsync(transaction, caller.AccountId, key, cancel);
        if (group is null) return Failure.NotFound("security-group", key);
        var rule = (await store.FindAsync(transaction, caller.AccountId, group.Id, cancel))!.Rules.FirstOrDefault(r => r.Id == ruleId);
        if (rule is null) return Failure.NotFound("rule", ruleId);
        await transaction.ExecuteAsync("DELETE FROM security_group_rules WHERE id = $1", cancel, ruleId);
        await hosts.TouchByGroupAsync(transaction, group.Id, cancel);
        await events.WriteAsync(transaction, caller, "security-group.delete-rule", new Subject("security-group", group.Id, group.Name), cancel,
            System.Text.Json.JsonSerializer.Serialize(rule, ApiJson.Default.SecurityGroupRule));
        return new Done();
    }, cancel);

    private async Task<Result<SecurityGroupRule>> ResolveAsync(
        Transaction transaction, string accountId, CreateSecurityGroupRule rule, string ownId, string ownName, string prefix, CancellationToken cancel)
    {
        Ref? peer = null;
        if (rule.Group is { } key)
        {
            peer = key == ownId || key == ownName ? new Ref(ownId, ownName) : await store.PeerAsync(transaction, accountId, key, cancel);
            if (peer is null) return Failure.Invalid(prefix + "group", "no-such", new Noun("security-group"), key);
        }
        var cidr = rule.Cidr is { } text ? AddressRange.ReadRange(text)!.Value.ToString() : null;
        return new SecurityGroupRule(ids.New(Ids.Rule), rule.Direction ?? "ingress", rule.Protocol, rule.FromPort, rule.ToPort ?? (rule.Protocol == "icmp" ? null : rule.FromPort),
            cidr, peer, rule.Description);
    }

    internal static IEnumerable<Violation> CheckRule(string prefix, CreateSecurityGroupRule rule)
    {
        if (rule.Direction is not (null or "ingress" or "egress")) yield return new Violation(prefix + "direction", "one-of", "ingress, egress");
        if (rule.Protocol is not ("tcp" or "udp" or "icmp" or "any")) yield return new Violation(prefix + "protocol", "one-of", "tcp, udp, icmp, any");
        if (rule.Protocol == "any" && (rule.FromPort ?? rule.ToPort) is not null) yield return new Violation(prefix + "fromPort", "no-ports");
        var (least, most) = rule.Protocol == "icmp" ? (0, 255) : (1, 65535);
        if (rule.FromPort is { } from && (from < least || from > most)) yield return new Violation(prefix + "fromPort", "between", least, most);
        if (rule.ToPort is { } to && (to < least || to > most)) yield return new Violation(prefix + "toPort", "between", least, most);
        if (rule.ToPort is not null && rule.FromPort is null) yield return new Violation(prefix + "fromPort", "required");
        if (rule.Protocol != "icmp" && rule.FromPort > rule.ToPort) yield return new Violation(prefix + "toPort", "not-below", "fromPort");
        if (rule.Cidr is null == rule.Group is null) yield return new Violation(prefix + "cidr", "cidr-or-group");
        if (rule.Cidr is { } cidr && AddressRange.ReadRange(cidr) is null) yield return new Violation(prefix + "cidr", "cidr");
        if (rule.Description is { Length: > DescriptionMax }) yield return new Violation(prefix + "description", "too-long", DescriptionMax);
    }
}

public static class SecurityGroupEndpoints
{
    public static IServiceCollection AddSecurityGroups(this IServiceCollection services) => services.AddSingleton<SecurityGroupStore>().AddSingleton<SecurityGroupUseCases>();

    public static void MapSecurityGroups(this IEndpointRouteBuilder routes, SecurityGroupUseCases groups)
    {
        routes.Get("/security-groups", Permission.Read("security-groups"), "ListSecurityGroups", "List security groups with their rules",
            async call => await PageRequest.Read(call).Then(page => groups.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateSecurityGroup, SecurityGroup>("/security-groups", Permission.Write("security-groups"), "CreateSecurityGroup",
            "Make a security group; without an egress rule in it, everything may go out", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => groups.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/security-groups/{group}", Permission.Read("security-groups"), "ShowSecurityGroup", "Show a security group",
            call => groups.GetAsync(call.Caller, call.Route("group"), call.Cancelled));
        routes.Delete("/security-groups/{group}", Permission.Write("security-groups"), "DeleteSecurityGroup", "Remove a security group that nothing uses",
            call => groups.DeleteAsync(call.Caller, call.Route("group"), call.Cancelled));
        routes.Post<CreateSecurityGroupRule, SecurityGroupRule>("/security-groups/{group}/rules", Permission.Write("security-groups"), "AddSecurityGroupRule", "Add a rule; it acts on running instances at once", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => groups.AddRuleAsync(call.Caller, call.Route("group"), create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Put<ChangeSecurityGroupRules, SecurityGroup>("/security-groups/{group}/rules", Permission.Write("security-groups"), "ChangeSecurityGroupRules", "Add and remove several rules in one change", 200,
            (call, change) => groups.ChangeRulesAsync(call.Caller, call.Route("group"), change, call.Cancelled)).Fails(409);
        routes.Delete("/security-groups/{group}/rules/{rule}", Permission.Write("security-groups"), "DeleteSecurityGroupRule", "Remove a rule; new connections feel it at once",
            call => groups.DeleteRuleAsync(call.Caller, call.Route("group"), call.Route("rule"), call.Cancelled));
    }
}
