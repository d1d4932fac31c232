using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Load balancers, their listeners and members.</summary>
public static class LoadBalancerCommands
{
    public static Command Make()
    {
        var noun = new Noun<LoadBalancer>("load-balancer", "load-balancers", b => b.Name,
        [
            new("name", b => b.Name), new("id", b => b.Id), new("network", b => b.Network.Name), new("address", b => b.Address), new("floating", b => b.FloatingAddresses is [var first, ..] ? first : "-"),
            new("listeners", b => string.Join("\n", b.Listeners.Select(LoadBalancerText.Summary))),
        ], "lb").List();
        Create(noun);
        var show = noun.Key();
        noun.Act(new Command("show", Messages.Text("verb-show")) { show }, async (session, parsed, cancel) =>
        {
            LoadBalancerText.Write(session, await session.Client.GetAsync<LoadBalancer>(noun.PathOf(parsed.GetValue(show)!), cancel));
            return ExitCodes.Ok;
        });
        Update(noun);
        noun.Delete();
        LoadBalancerListenerCommands.Add(noun);
        LoadBalancerMemberCommands.Add(noun);
        return noun.Command;
    }

    private static void Create(Noun<LoadBalancer> noun)
    {
        var (name, network, subnet) = (Options.Name(), Options.New<string?>("--network"), new Option<string?>("--subnet") { Description = Messages.Text("option-in-subnet") });
        var (address, address6, description) = (new Option<string?>("--address") { Description = Messages.Text("option-fixed-address") }, Options.New<string?>("--address6"), Options.New<string?>("--description"));
        var (listen, members, options) = (new Option<string[]>("--listen") { Description = Messages.Text("option-listen-at"), AllowMultipleArgumentsPerToken = false }, Options.Many("--member"), new ListenerOptions());
        var create = new Command("create", Messages.Text("verb-create")) { name, listen, members, network, subnet, address, address6, description };
        options.AddTo(create);
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var listeners = await options.ListenersAsync(parsed, parsed.GetValue(listen)!, null, cancel);
            var body = new CreateLoadBalancer(
                parsed.GetValue(name)!, parsed.GetValue(network), parsed.GetValue(subnet), parsed.GetValue(address), parsed.GetValue(address6), parsed.GetValue(description), listeners,
                await MemberText.ReadAsync(session, parsed.GetValue(members)!, cancel));
            LoadBalancerText.Write(session, await session.Client.PostAsync<CreateLoadBalancer, LoadBalancer>("load-balancers", body, Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Update(Noun<LoadBalancer> noun)
    {
        var (key, name, description) = (noun.Key(), new Option<string?>("--name") { Description = Messages.Text("option-new-name") }, Options.New<string?>("--description"));
        noun.Act(new Command("update", Messages.Text("verb-update")) { key, name, description }, async (session, parsed, cancel) =>
        {
            LoadBalancerText.Write(session, await session.Client.PutAsync<UpdateLoadBalancer, LoadBalancer>(
                noun.PathOf(parsed.GetValue(key)!), new UpdateLoadBalancer(parsed.GetValue(name), parsed.GetValue(description)), cancel));
            return ExitCodes.Ok;
        });
    }
}

/// <summary><c>load-balancer listener</c>.</summary>
public static class LoadBalancerListenerCommands
{
    public static void Add(Noun<LoadBalancer> noun)
    {
        var parent = new Command("listener", Messages.Text("balancer-listener"));
        noun.Command.Subcommands.Add(parent);
        var (key, listen, members, options) = (noun.Key(), new Option<string>("--listen") { Description = Messages.Text("option-listen-at"), Required = true }, Options.Many("--member"), new ListenerOptions());
        var add = new Command("add", Messages.Text("listener-add")) { key, listen, members };
        options.AddTo(add);
        Under(parent, add, async (session, parsed, cancel) =>
        {
            var path = noun.PathOf(parsed.GetValue(key)!);
            foreach (var listener in await options.ListenersAsync(parsed, [parsed.GetValue(listen)!], await MemberText.ReadAsync(session, parsed.GetValue(members)!, cancel), cancel))
                await session.Client.PostAsync<CreateListener, LoadBalancerListener>(path + "/listeners", listener, Guid.CreateVersion7().ToString(), cancel);
            await ShowAsync(session, path, cancel);
            return ExitCodes.Ok;
        });
        var (of, which, port, changed) = (noun.Key(), Which(), new Option<int?>("--port") { Description = Messages.Text("option-listener-port") }, new ListenerOptions());
        var update = new Command("update", Messages.Text("listener-update")) { of, which, port };
        changed.AddTo(update);
        Under(parent, update, async (session, parsed, cancel) =>
        {
            var path = noun.PathOf(parsed.GetValue(of)!);
            await session.Client.PutAsync<UpdateListener, LoadBalancerListener>($"{path}/listeners/{Uri.EscapeDataString(parsed.GetValue(which)!)}", await changed.ChangeAsync(parsed, parsed.GetValue(port), cancel), cancel);
            await ShowAsync(session, path, cancel);
            return ExitCodes.Ok;
        });
        var (from, gone) = (noun.Key(), Which());
        Under(parent, new Command("remove", Messages.Text("listener-remove")) { from, gone }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync($"{noun.PathOf(parsed.GetValue(from)!)}/listeners/{Uri.EscapeDataString(parsed.GetValue(gone)!)}", cancel);
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> Which() => new("listener") { Description = Messages.Text("argument-listener") };

    private static async Task ShowAsync(Session session, string path, CancellationToken cancel) => LoadBalancerText.Write(session, await session.Client.GetAsync<LoadBalancer>(path, cancel));

    public static void Under(Command parent, Command command, Func<Session, ParseResult, CancellationToken, Task<int>> run)
    {
        parent.Subcommands.Add(command);
        Session.Bind(command, run);
    }
}

/// <summary><c>load-balancer member</c>.</summary>
public static class LoadBalancerMemberCommands
{
    public static void Add(Noun<LoadBalancer> noun)
    {
        var parent = new Command("member", Messages.Text("balancer-member"));
        noun.Command.Subcommands.Add(parent);
        var (key, member, listener, weight) = (noun.Key(), Member("argument-new-member"), Options.New<string?>("--listener"), Options.New<int?>("--weight"));
        LoadBalancerListenerCommands.Under(parent, new Command("add", Messages.Text("member-add")) { key, member, listener, weight }, async (session, parsed, cancel) =>
        {
            var one = (await MemberText.ReadAsync(session, [parsed.GetValue(member)!], cancel))[0];
            LoadBalancerText.Write(session, await session.Client.PostAsync<CreateMember, LoadBalancer>(
                noun.PathOf(parsed.GetValue(key)!) + "/members", one with { Listener = parsed.GetValue(listener), Weight = parsed.GetValue(weight) ?? one.Weight }, Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
        var changed = Options.New<int?>("--weight");
        Change(noun, parent, "update", parsed => new UpdateMember(parsed.GetValue(changed), null), changed);
        Change(noun, parent, "drain", _ => new UpdateMember(null, true));
        Change(noun, parent, "undrain", _ => new UpdateMember(null, false));
        var (of, gone, where) = (noun.Key(), Member("argument-member"), Options.New<string?>("--listener"));
        LoadBalancerListenerCommands.Under(parent, new Command("remove", Messages.Text("member-remove")) { of, gone, where }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync<LoadBalancer>(await PathAsync(session, noun.PathOf(parsed.GetValue(of)!), parsed.GetValue(gone)!, parsed.GetValue(where), cancel), cancel);
            return ExitCodes.Ok;
        });
    }

    private static void Change(Noun<LoadBalancer> noun, Command parent, string verb, Func<ParseResult, UpdateMember> body, params Option[] options)
    {
        var (key, member, listener) = (noun.Key(), Member("argument-member"), Options.New<string?>("--listener"));
        var command = new Command(verb, Messages.Text("member-" + verb)) { key, member, listener };
        foreach (var option in options) command.Options.Add(option);
        LoadBalancerListenerCommands.Under(parent, command, async (session, parsed, cancel) =>
        {
            var path = await PathAsync(session, noun.PathOf(parsed.GetValue(key)!), parsed.GetValue(member)!, parsed.GetValue(listener), cancel);
            LoadBalancerText.Write(session, await session.Client.PutAsync<UpdateMember, LoadBalancer>(path, body(parsed), cancel));
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> Member(string text) => new("member") { Description = Messages.Text(text) };

    private static async Task<string> PathAsync(Session session, string balancer, string member, string? listener, CancellationToken cancel) =>
        $"{balancer}/members/{Uri.EscapeDataString(await MemberText.KeyAsync(session, member, cancel))}{(listener is null ? "" : "?listener=" + Uri.EscapeDataString(listener))}";
}
