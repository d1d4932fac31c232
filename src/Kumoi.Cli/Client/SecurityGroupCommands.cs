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
            [new("name", g => g.Name), new("id", g => g.Id), new("rules", g => string.Join("\n", g.Rules.Select(Show))), new("description", g => g.Description)], "sg", "secgroup")
            .List().Show().Create<CreateSecurityGroup, SecurityGroup>(c => { c.Add(name); c.Add(description); }, p => new CreateSecurityGroup(p.GetValue(name)!, p.GetValue(description), null)).Delete();
        AddRule(noun);
        var (key, rule) = (noun.Key(), new Argument<string>("rule") { Description = Messages.Text("argument-rule") });
        noun.Act(new Command("delete-rule", Messages.Text("sg-delete-rule")) { key, rule }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync($"{noun.PathOf(parsed.GetValue(key)!)}/rules/{Uri.EscapeDataString(parsed.GetValue(rule)!)}", cancel);
            return ExitCodes.Ok;
        });
        Rules(noun);
        return noun.Command;
    }

    /// <summary><c>rule add</c> and <c>rule remove</c>: several at once, as texts or, for one, by options.</summary>
    private static void Rules(Noun<SecurityGroup> noun)
    {
        var rules = new Command("rule", Messages.Text("sg-rule"));
        noun.Command.Subcommands.Add(rules);
        var (key, texts) = (noun.Key(), new Argument<string[]>("rules") { Description = Messages.Text("argument-rules"), Arity = ArgumentArity.ZeroOrMore });
        var options = new RuleOptions();
        var add = new Command("add", Messages.Text("sg-add-rule")) { key, texts };
        options.AddTo(add);
        rules.Subcommands.Add(add);
        Session.Bind(add, async (session, parsed, cancel) =>
        {
            var given = Lines(parsed.GetValue(texts)!);
            CreateSecurityGroupRule[] made = given.Count == 0 ? [options.Read(parsed)] : [.. given.Select(text => Read(text, parsed.GetValue(options.Egress), parsed.GetValue(options.Description)))];
            session.Write(await session.Client.PutAsync<ChangeSecurityGroupRules, SecurityGroup>(noun.PathOf(parsed.GetValue(key)!) + "/rules", new ChangeSecurityGroupRules(made, null), cancel));
            return ExitCodes.Ok;
        });
        var (group, gone, egress) = (noun.Key(), new Argument<string[]>("rules") { Description = Messages.Text("argument-rules-or-ids"), Arity = ArgumentArity.OneOrMore }, Options.New<bool>("--egress"));
        var remove = new Command("remove", Messages.Text("sg-delete-rule")) { group, gone, egress };
        remove.Aliases.Add("delete");
        rules.Subcommands.Add(remove);
        Session.Bind(remove, async (session, parsed, cancel) =>
        {
            var at = noun.PathOf(parsed.GetValue(group)!);
            var present = (await session.Client.GetAsync<SecurityGroup>(at, cancel)).Rules;
            string[] ids = [.. Lines(parsed.GetValue(gone)!).Select(text => present.FirstOrDefault(rule => rule.Id == text)?.Id ?? Find(present, text, parsed.GetValue(egress)))];
            session.Write(await session.Client.PutAsync<ChangeSecurityGroupRules, SecurityGroup>(at + "/rules", new ChangeSecurityGroupRules(null, ids), cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary>A file of rules may come as one argument; # begins a remark.</summary>
    private static List<string> Lines(string[] texts) =>
        [.. texts.SelectMany(text => text.Split('\n')).Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0)];

    private static CreateSecurityGroupRule Read(string text, bool egress, string? description) => RuleText.Read(text, egress, description) ?? throw new Local.UserException("rule-text", text);

    private static string Find(IReadOnlyList<SecurityGroupRule> present, string text, bool egress)
    {
        var wanted = Read(text, egress, null);
        return present.FirstOrDefault(rule => RuleText.Is(rule, wanted))?.Id ?? throw new Local.UserException("no-such-rule", text);
    }

    private sealed class RuleOptions
    {
        private readonly Option<string> _protocol = new("--protocol") { Description = Messages.Text("option-protocol"), DefaultValueFactory = _ => "tcp" };
        private readonly Option<string?> _port = Options.New<string?>("--port"), _cidr = Options.New<string?>("--cidr"), _group = Options.New<string?>("--group");

        public Option<bool> Egress { get; } = Options.New<bool>("--egress");

        public Option<string?> Description { get; } = Options.New<string?>("--description");

        public void AddTo(Command command)
        {
            _protocol.AcceptOnlyFromAmong("tcp", "udp", "icmp", "any");
            _group.Aliases.Add("--source-group");
            foreach (var option in (Option[])[_protocol, _port, _cidr, _group, Egress, Description]) command.Options.Add(option);
        }

        public CreateSecurityGroupRule Read(ParseResult parsed)
        {
            var ports = (parsed.GetValue(_port) ?? "").Split('-', 2, StringSplitOptions.RemoveEmptyEntries);
            int? Number(int i) => ports.Length <= i ? null : int.TryParse(ports[i], System.Globalization.CultureInfo.InvariantCulture, out var n) ? n : throw new Local.UserException("port-range", parsed.GetValue(_port));
            return new CreateSecurityGroupRule(parsed.GetValue(Egress) ? "egress" : "ingress", parsed.GetValue(_protocol)!, Number(0), Number(1) ?? (parsed.GetValue(_protocol) == "icmp" ? null : Number(0)),
                parsed.GetValue(_cidr) ?? (parsed.GetValue(_group) is null ? "0.0.0.0/0" : null), parsed.GetValue(_group), parsed.GetValue(Description));
        }
    }

    private static void AddRule(Noun<SecurityGroup> noun)
    {
        var (key, options) = (noun.Key(), new RuleOptions());
        var add = new Command("add-rule", Messages.Text("sg-add-rule")) { key };
        options.AddTo(add);
        noun.Act(add, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<CreateSecurityGroupRule, SecurityGroupRule>(noun.PathOf(parsed.GetValue(key)!) + "/rules", options.Read(parsed), null, cancel));
            return ExitCodes.Ok;
        });
    }

    private static string Show(SecurityGroupRule rule) => $"{rule.Id} {(rule.Direction == "ingress" ? "←" : "→")} {RuleText.Write(rule)}";
}
