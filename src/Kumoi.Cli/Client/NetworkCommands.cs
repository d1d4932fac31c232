using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Networks and their subnets.</summary>
public static class NetworkCommands
{
    public static IEnumerable<Command> All() => [Networks(), Subnets()];

    private static Command Networks()
    {
        var (name, subnets, isolated) = (Options.Name(), Options.Many("--subnet"), Options.New<bool>("--isolated"));
        var (dns, search, mtu, domain) = (Options.Many("--dns"), Options.Many("--search"), Options.New<int?>("--mtu"), Options.New<string?>("--domain"));
        var noun = new Noun<Network>("network", "networks", n => n.Name,
            [new("name", n => n.Name), new("id", n => n.Id), new("subnets", n => string.Join(" ", n.Subnets.Select(s => s.Cidr))), new("outside", n => n.Outside), new("mtu", n => $"{n.Mtu}")], "net")
            .List().Show().Create<CreateNetwork, Network>(c => { foreach (var option in (Option[])[subnets, isolated, dns, search, mtu, domain]) c.Options.Add(option); c.Add(name); },
                p => new CreateNetwork(p.GetValue(name)!, [.. p.GetValue(subnets)!.Select(cidr => new CreateNetworkSubnet(null, cidr, DnsOf(cidr, p.GetValue(dns)!)))], p.GetValue(mtu),
                    p.GetValue(isolated) ? "none" : null, p.GetValue(domain), Some(p, search))).Delete();
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
        return new Noun<Subnet>("subnet", "subnets", s => s.Name,
            [new("name", s => s.Name), new("id", s => s.Id), new("network", s => s.Network.Name), new("cidr", s => s.Cidr), new("gateway", s => s.Gateway), new("free", s => $"{s.FreeAddresses}")])
            .List((Options.New<string?>("--network"), "network")).Show().Create<CreateSubnet, Subnet>(c => { c.Add(name); c.Add(network); c.Add(cidr); c.Add(dns); c.Add(options); },
                p => new CreateSubnet(p.GetValue(network)!, p.GetValue(name), p.GetValue(cidr)!, p.GetValue(dns), [.. p.GetValue(options)!.Select(DhcpOptionOf)])).Delete().Command;
    }

    private static DhcpOption DhcpOptionOf(string text) =>
        text.Split('=', 2) is [var code, var value] && int.TryParse(code, System.Globalization.CultureInfo.InvariantCulture, out var number) ? new DhcpOption(number, value) : throw new UserException("dhcp-option", text);
}
