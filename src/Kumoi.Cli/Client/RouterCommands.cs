using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Routers, peerings, and port forwards.</summary>
public static class RouterCommands
{
    public static IEnumerable<Command> All() => [Routers(), Peerings(), Forwards()];

    private static Command Routers()
    {
        var (name, networks) = (Options.Name(), Options.Many("--network"));
        var noun = new Noun<Router>("router", "routers", r => r.Name,
            [new("name", r => r.Name), new("id", r => r.Id), new("networks", r => string.Join(" ", r.Networks.Select(n => n.Name)))])
            .List().Show().Create<CreateRouter, Router>(c => { c.Add(name); c.Add(networks); }, p => new CreateRouter(p.GetValue(name)!, p.GetValue(networks))).Delete();
        foreach (var verb in (string[])["attach", "detach"])
        {
            var (key, which) = (noun.Key(), new Argument<string[]>("networks") { Description = Messages.Text("argument-networks"), Arity = ArgumentArity.OneOrMore });
            noun.Act(new Command(verb, Messages.Text("router-" + verb)) { key, which }, async (session, parsed, cancel) =>
            {
                var named = parsed.GetValue(which)!;
                session.Write(await session.Client.PutAsync<ChangeRouter, Router>(
                    noun.PathOf(parsed.GetValue(key)!), verb == "attach" ? new ChangeRouter(named, null) : new ChangeRouter(null, named), cancel));
                return ExitCodes.Ok;
            });
        }
        return noun.Command;
    }

    private static Command Peerings()
    {
        var (network, with) = (Options.Required<string>("--network"), Options.Required<string>("--with"));
        var noun = new Noun<Peering>("peering", "peerings", p => p.Id,
        [
            new("id", p => p.Id), new("network", p => $"{p.Account.Name}/{p.Network.Name}"), new("peer", p => $"{p.PeerAccount.Name}/{p.PeerNetwork.Name}"), new("state", p => p.State),
        ]).List().Show().Create<CreatePeering, Peering>(c => { c.Add(network); c.Add(with); }, p => new CreatePeering(p.GetValue(network)!, p.GetValue(with)!)).Delete();
        var accept = noun.Key();
        noun.Act(new Command("accept", Messages.Text("peering-accept")) { accept }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<Peering>(noun.PathOf(parsed.GetValue(accept)!) + "/accept", cancel));
            return ExitCodes.Ok;
        });
        var reject = noun.Key();
        noun.Act(new Command("reject", Messages.Text("peering-reject")) { reject }, async (session, parsed, cancel) =>
        {
            (await session.Client.RequestAsync(HttpMethod.Post, noun.PathOf(parsed.GetValue(reject)!) + "/reject", null, null, cancel)).Dispose();
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static Command Forwards()
    {
        var noun = new Noun<PortForward>("port-forward", "port-forwards", f => f.Id,
        [
            new("id", f => f.Id), new("address", f => f.Address), new("port", f => $"{f.Protocol} {f.Port}"), new("network", f => f.Network.Name), new("target", f => $"{f.Instance.Name}:{f.TargetPort}"),
        ]).List().Show().Delete();
        var (address, protocol, port) = (new Argument<string>("address") { Description = Messages.Text("argument-address") }, Options.New<string>("--protocol"), new Option<int>("--port") { Description = Messages.Text("option-public-port"), Required = true });
        var (to, description) = (new Option<string>("--to") { Description = Messages.Text("option-target"), Required = true }, Options.New<string?>("--description"));
        protocol.DefaultValueFactory = _ => "tcp";
        protocol.AcceptOnlyFromAmong("tcp", "udp");
        noun.Act(new Command("create", Messages.Text("verb-create")) { address, protocol, port, to, description }, async (session, parsed, cancel) =>
        {
            var (guest, target) = Target(parsed.GetValue(to)!);
            var face = guest.Contains('/', StringComparison.Ordinal) ? (await InterfaceCommands.FindAsync(session, guest, cancel)).Id : null;
            session.Write(await session.Client.PostAsync<CreatePortForward, PortForward>("port-forwards", new CreatePortForward(
                parsed.GetValue(address)!, parsed.GetValue(protocol)!, parsed.GetValue(port), face is null ? guest : null, face, target, parsed.GetValue(description)), Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    /// <summary><c>GUEST:PORT</c>, or the guest alone for the same port.</summary>
    private static (string Guest, int? Port) Target(string text)
    {
        if (text.LastIndexOf(':') is not (> 0 and var colon)) return (text, null);
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? (text[..colon], port) : throw new UserException("forward-target", text);
    }
}
