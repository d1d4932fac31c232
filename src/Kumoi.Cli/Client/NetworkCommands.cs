using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Networks and their subnets.</summary>
public static class NetworkCommands
{
    public static IEnumerable<Command> All() => [Networks(), Subnets(), VlanRanges()];

    private static Command Networks()
    {
        var (name, subnets, isolated) = (Options.Name(), Options.Many("--subnet"), Options.New<bool>("--isolated"));
        var (dns, search, mtu, domain) = (Options.Many("--dns"), Options.Many("--search"), Options.New<int?>("--mtu"), Options.New<string?>("--domain"));
        var segment = new SegmentOptions();
        var noun = new Noun<Network>("network", "networks", n => n.Name,
            [new("name", n => n.Name), new("id", n => n.Id), new("subnets", n => string.Join(" ", n.Subnets.Select(s => s.Cidr))), new("outside", n => n.Outside), new("mtu", n => $"{n.Mtu}"), new("segment", n => SegmentOptions.Text(n.Segment))], "net")
            .List().Show().Create<CreateNetwork, Network>(c => { foreach (var option in (Option[])[subnets, isolated, dns, search, mtu, domain, .. segment.All]) c.Options.Add(option); c.Add(name); },
                p => new CreateNetwork(p.GetValue(name)!, [.. p.GetValue(subnets)!.Select(cidr => segment.Subnet(p, cidr, p.GetValue(subnets)!, DnsOf(cidr, p.GetValue(dns)!)))], p.GetValue(mtu),
                    p.GetValue(isolated) ? "none" : null, p.GetValue(domain), Some(p, search), segment.Segment(p))).Delete();
        Update(noun);
        TraceCommand.Add(noun);
        RouteCommands.Add(noun);
        return noun.Command;
    }

    private static void Update(Noun<Network> noun)
    {
        var (key, isolated, open) = (noun.Key(), Options.New<bool>("--isolated"), Options.New<bool>("--outside"));
        var source = Options.New<string?>("--source-address");
        var (dns, search, mtu, domain) = (Options.Many("--dns"), Options.Many("--search"), Options.New<int?>("--mtu"), Options.New<string?>("--domain"));
        noun.Act(new Command("update", Messages.Text("verb-update")) { key, isolated, open, source, dns, search, mtu, domain }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateNetwork, Network>(noun.PathOf(parsed.GetValue(key)!), new UpdateNetwork(
                parsed.GetValue(mtu), parsed.GetValue(isolated) ? "none" : parsed.GetValue(open) ? "nat" : null, parsed.GetValue(domain), Some(parsed, search), Some(parsed, dns), parsed.GetValue(source)), cancel));
            return ExitCodes.Ok;
        });
    }

    private static string[]? Some(ParseResult parsed, Option<string[]> option) => parsed.GetValue(option) is { Length: > 0 } given ? given : null;

    /// <summary>Those of a range's family.</summary>
    private static string[] DnsOf(string cidr, string[] servers) => [.. servers.Where(server => server.Contains(':', StringComparison.Ordinal) == cidr.Contains(':', StringComparison.Ordinal))];

    private static Command Subnets()
    {
        var (name, network, cidr, dns, options) = (Options.Name(), Options.Required<string>("--network"), Options.Required<string>("--cidr"), Options.Many("--dns-server"), Options.Many("--dhcp-option"));
        var (gateway, made, changed) = (Options.New<string?>("--gateway"), new SpaceOptions(), new SpaceOptions());
        var noun = new Noun<Subnet>("subnet", "subnets", s => s.Name,
            [new("name", s => s.Name), new("id", s => s.Id), new("network", s => s.Network.Name), new("cidr", s => s.Cidr), new("gateway", s => s.Gateway), new("free", s => $"{s.FreeAddresses}")])
            .List((Options.New<string?>("--network"), "network")).Show().Create<CreateSubnet, Subnet>(c => { c.Add(name); c.Add(network); c.Add(cidr); c.Add(dns); c.Add(options); c.Add(gateway); made.AddTo(c); },
                p => new CreateSubnet(p.GetValue(network)!, p.GetValue(name), p.GetValue(cidr)!, p.GetValue(dns), [.. p.GetValue(options)!.Select(DhcpOptionOf)],
                    p.GetValue(gateway), p.GetValue(made.Range), made.Some(p, made.Reserved), made.Some(p, made.Excluded))).Delete();
        var key = noun.Key();
        var update = new Command("update", Messages.Text("verb-update")) { key };
        changed.AddTo(update);
        noun.Act(update, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateSubnet, Subnet>(
                noun.PathOf(parsed.GetValue(key)!), new UpdateSubnet(parsed.GetValue(changed.Range), changed.Some(parsed, changed.Reserved), changed.Some(parsed, changed.Excluded)), cancel));
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static Command VlanRanges()
    {
        var (account, device, vlans) = (new Option<string>("--for-account") { Description = Messages.Text("option-vlans-for-account"), Required = true }, Options.Required<string>("--device"), Options.Required<string>("--vlans"));
        return new Noun<VlanRange>("vlan-range", "vlan-ranges", r => r.Id,
            [new("id", r => r.Id), new("account", r => r.Account.Name), new("device", r => r.Device), new("vlans", r => $"{r.FirstVlan}-{r.LastVlan}")])
            .List().Show().Create<CreateVlanRange, VlanRange>(c => { c.Add(account); c.Add(device); c.Add(vlans); }, p => new CreateVlanRange(p.GetValue(account)!, p.GetValue(device)!, p.GetValue(vlans)!)).Delete().Command;
    }

    private static DhcpOption DhcpOptionOf(string text) =>
        text.Split('=', 2) is [var code, var value] && int.TryParse(code, System.Globalization.CultureInfo.InvariantCulture, out var number) ? new DhcpOption(number, value) : throw new UserException("dhcp-option", text);
}
