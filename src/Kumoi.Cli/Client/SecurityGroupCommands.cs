using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Security groups and their rules.</summary>
public static class SecurityGroupCommands
{
    public static Command Make()
    {
        var (name, description) = (Options.Name(), Options.New<string?>("--description"));
        var noun = new Noun<SecurityGroup>("security-group", "security-groups", g => g.Name,
            [new("name", g => g.Name), new("id", g => g.Id), new("rules", g => string.Join("\n", g.Rules.Select(Show))), new("description", g => g.Description)], "sg")
            .List().Show().Create<CreateSecurityGroup, SecurityGroup>(c => { c.Add(name); c.Add(description); }, p => new CreateSecurityGroup(p.GetValue(name)!, p.GetValue(description), null)).Delete();
        AddRule(noun);
        var (key, rule) = (noun.Key(), new Argument<string>("rule") { Description = Messages.Text("argument-rule") });
        noun.Act(new Command("delete-rule", Messages.Text("sg-delete-rule")) { key, rule }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync($"{noun.PathOf(parsed.GetValue(key)!)}/rules/{Uri.EscapeDataString(parsed.GetValue(rule)!)}", cancel);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static void AddRule(Noun<SecurityGroup> noun)
    {
        var key = noun.Key();
        var protocol = new Option<string>("--protocol") { Description = Messages.Text("option-protocol"), DefaultValueFactory = _ => "tcp" };
        protocol.AcceptOnlyFromAmong("tcp", "udp", "icmp", "any");
        var (port, cidr, group, description) = (Options.New<string?>("--port"), Options.New<string?>("--cidr"), Options.New<string?>("--group"), Options.New<string?>("--description"));
        var egress = Options.New<bool>("--egress");
        var add = new Command("add-rule", Messages.Text("sg-add-rule")) { key, protocol, port, cidr, group, egress, description };
        noun.Act(add, async (session, parsed, cancel) =>
        {
            var ports = (parsed.GetValue(port) ?? "").Split('-', 2, StringSplitOptions.RemoveEmptyEntries);
            int? Number(int i) => ports.Length <= i ? null : int.TryParse(ports[i], System.Globalization.CultureInfo.InvariantCulture, out var n) ? n : throw new Local.UserException("port-range", parsed.GetValue(port));
            var body = new CreateSecurityGroupRule(parsed.GetValue(egress) ? "egress" : "ingress", parsed.GetValue(protocol)!, Number(0), Number(1) ?? (parsed.GetValue(protocol) == "icmp" ? null : Number(0)),
                parsed.GetValue(cidr) ?? (parsed.GetValue(group) is null ? "0.0.0.0/0" : null), parsed.GetValue(group), parsed.GetValue(description));
            session.Write(await session.Client.PostAsync<CreateSecurityGroupRule, SecurityGroupRule>(noun.PathOf(parsed.GetValue(key)!) + "/rules", body, null, cancel));
            return ExitCodes.Ok;
        });
    }

    private static string Show(SecurityGroupRule rule)
    {
        var ports = rule.FromPort is null ? "" : rule.FromPort == rule.ToPort || rule.ToPort is null ? $" {rule.FromPort}" : $" {rule.FromPort}-{rule.ToPort}";
        return $"{rule.Id} {(rule.Direction == "ingress" ? "←" : "→")} {rule.Protocol}{ports} {rule.Cidr ?? rule.Group?.Name}";
    }
}
