using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Switches, and what operators want of their ports.</summary>
public static class SwitchCommands
{
    public static Command Make()
    {
        var noun = new Noun<Switch>("switch", "switches", s => s.Name,
            [new("name", s => s.Name), new("id", s => s.Id), new("url", s => s.Url), new("ports", s => $"{s.Ports.Count}"), new("pending", s => $"{s.Ports.Count(port => port.State != "applied")}"), new("problem", s => s.Problem ?? "")])
            .List().Show().Delete();
        var (name, url, token, authority) = (Options.Name(), Options.Required<string>("--url"), Options.Required<string>("--token-file"), Options.New<FileInfo?>("--ca"));
        noun.Act(new Command("create", Messages.Text("verb-create")) { name, url, token, authority }, async (session, parsed, cancel) =>
        {
            var pem = parsed.GetValue(authority) is not { } file ? null : file.Exists ? await File.ReadAllTextAsync(file.FullName, cancel) : throw new UserException("no-file", file.FullName);
            var create = new CreateSwitch(parsed.GetValue(name)!, parsed.GetValue(url)!, await Passwords.ReadFileAsync(parsed.GetValue(token)!, cancel), pem);
            session.Write(await session.Client.PostAsync<CreateSwitch, Switch>("switches", create, Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
        noun.Command.Subcommands.Add(Ports(noun));
        return noun.Command;
    }

    private static Command Ports(Noun<Switch> noun)
    {
        var ports = new Command("port", Messages.Text("switch-port"));
        var key = noun.Key();
        var list = new Command("list", Messages.Text("switch-port-list")) { key };
        ports.Subcommands.Add(list);
        Session.Bind(list, async (session, parsed, cancel) =>
        {
            var seen = await session.Client.GetAsync<SeenSwitch>(noun.PathOf(parsed.GetValue(key)!) + "/ports", cancel);
            session.Write(seen.Ports, [new("port", p => p.Name), new("mode", p => p.Mode), new("vlans", p => Vlans(p.AccessVlan, p.TrunkVlans)), new("wanted", Wanted), new("problem", p => p.Wanted?.Problem ?? "")]);
            return ExitCodes.Ok;
        });
        var (at, port) = (noun.Key(), new Argument<string>("port") { Description = Messages.Text("argument-port") });
        var (access, trunk, clear) = (Options.New<int?>("--access"), Options.Many("--trunk"), Options.New<bool>("--clear"));
        var set = new Command("set", Messages.Text("switch-port-set")) { at, port, access, trunk, clear };
        ports.Subcommands.Add(set);
        Session.Bind(set, async (session, parsed, cancel) =>
        {
            var (vlan, vlans, none) = (parsed.GetValue(access), parsed.GetValue(trunk) ?? [], parsed.GetValue(clear));
            if ((vlan is null ? 0 : 1) + (vlans.Length == 0 ? 0 : 1) + (none ? 1 : 0) != 1) throw new UserException("port-setting", "--access, --trunk, --clear");
            var body = new SetSwitchPort(parsed.GetValue(port)!, vlan is not null ? "access" : none ? "none" : "trunk", vlan, vlans.Length == 0 ? null : vlans);
            session.Write(await session.Client.PutAsync<SetSwitchPort, SwitchPort>(noun.PathOf(parsed.GetValue(at)!) + "/ports", body, cancel));
            return ExitCodes.Ok;
        });
        return ports;
    }

    private static string Vlans(int? access, IReadOnlyList<string> trunk) => access?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? string.Join(",", trunk);

    private static string Wanted(SeenSwitchPort port) => port.Wanted is { } wanted ? $"{wanted.Mode} {Vlans(wanted.AccessVlan, wanted.TrunkVlans)}".Trim() : "";
}
