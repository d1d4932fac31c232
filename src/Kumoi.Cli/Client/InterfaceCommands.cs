using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Network interfaces of instances. They have no names: each is called by its id, or as <c>INSTANCE/INDEX</c>.</summary>
public static class InterfaceCommands
{
    public static Command Make()
    {
        var noun = new Noun<Interface>("interface", "interfaces", face => $"{face.Instance.Name}/{face.Index}",
        [
            new("id", face => face.Id), new("instance", face => $"{face.Instance.Name}/{face.Index}"), new("network", face => face.Network.Name),
            new("address", face => string.Join("\n", Addresses(face))), new("floating", face => face.FloatingAddress ?? "-"), new("state", face => face.State),
        ], "eni").List((Options.New<string?>("--instance"), "instance"), (Options.New<string?>("--network"), "network"));
        var show = noun.Key();
        noun.Act(new Command("show", Messages.Text("verb-show")) { show }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.GetAsync<Interface>(await PathAsync(noun, session, parsed.GetValue(show)!, cancel), cancel));
            return ExitCodes.Ok;
        });
        var (traffic, since, until) = (noun.Key(), Options.New<string?>("--since"), Options.New<string?>("--until"));
        noun.Act(new Command("traffic", Messages.Text("interface-traffic")) { traffic, since, until }, async (session, parsed, cancel) =>
        {
            var named = new (string Name, string? Time)[] { ("since", parsed.GetValue(since)), ("until", parsed.GetValue(until)) }.Where(one => one.Time is not null);
            var query = "?" + string.Join('&', named.Select(one => one.Name + "=" + Uri.EscapeDataString(one.Time!)));
            session.Write(await session.Client.GetAsync<InterfaceTraffic>(await PathAsync(noun, session, parsed.GetValue(traffic)!, cancel) + "/traffic" + query, cancel));
            return ExitCodes.Ok;
        });
        Attach(noun);
        Update(noun);
        var keys = noun.Keys();
        noun.Act(new Command("detach", Messages.Text("interface-detach")) { keys }, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!) await session.Client.DeleteAsync<Interface>(await PathAsync(noun, session, key, cancel), cancel);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static IEnumerable<string> Addresses(Interface face) => [face.Address, .. face.Address6 is { } second ? (string[])[second] : [], .. face.SecondaryAddresses];

    private static void Attach(Noun<Interface> noun)
    {
        var (instance, network, subnet, groups) = (new Argument<string>("instance") { Description = Messages.Text("argument-instance") }, Options.Required<string>("--network"), new Option<string?>("--subnet") { Description = Messages.Text("option-in-subnet") }, Options.Many("--security-group"));
        var (address, address6) = (new Option<string?>("--address") { Description = Messages.Text("option-fixed-address") }, Options.New<string?>("--address6"));
        noun.Act(new Command("attach", Messages.Text("interface-attach")) { instance, network, subnet, address, address6, groups }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<AttachInterface, Interface>("interfaces", new AttachInterface(
                parsed.GetValue(instance)!, parsed.GetValue(network)!, parsed.GetValue(subnet), parsed.GetValue(address), parsed.GetValue(address6),
                parsed.GetValue(groups) is { Length: > 0 } chosen ? chosen : null), Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Update(Noun<Interface> noun)
    {
        var (key, addresses, ranges, groups, move) = (noun.Key(), Options.Many("--secondary-address"), Options.Many("--allowed-range"), Options.Many("--security-group"), Options.New<bool>("--move"));
        var (noAddresses, noRanges, noGroups) = (Options.New<bool>("--no-secondary-addresses"), Options.New<bool>("--no-allowed-ranges"), Options.New<bool>("--no-security-groups"));
        noun.Act(new Command("update", Messages.Text("interface-update")) { key, addresses, noAddresses, move, ranges, noRanges, groups, noGroups }, async (session, parsed, cancel) =>
        {
            IReadOnlyList<string>? Many(Option<string[]> some, Option<bool> none) => parsed.GetValue(some) is { Length: > 0 } given ? given : parsed.GetValue(none) ? [] : null;
            session.Write(await session.Client.PutAsync<UpdateInterface, Interface>(
                await PathAsync(noun, session, parsed.GetValue(key)!, cancel), new UpdateInterface(Many(addresses, noAddresses), parsed.GetValue(move), Many(ranges, noRanges), Many(groups, noGroups)), cancel));
            return ExitCodes.Ok;
        });
    }

    private static async Task<string> PathAsync(Noun<Interface> noun, Session session, string key, CancellationToken cancel) =>
        noun.PathOf(key.Contains('/', StringComparison.Ordinal) ? (await FindAsync(session, key, cancel)).Id : key);

    /// <summary>The interface called <c>INSTANCE/INDEX</c> or <c>INSTANCE/ID</c>.</summary>
    public static async Task<Interface> FindAsync(Session session, string key, CancellationToken cancel)
    {
        var parts = key.Split('/', 2);
        var instance = await session.Client.GetAsync<Instance>("instances/" + Uri.EscapeDataString(parts[0]), cancel);
        return instance.Interfaces.FirstOrDefault(face => face.Id == parts[1] || face.Index.ToString(System.Globalization.CultureInfo.InvariantCulture) == parts[1])
            ?? throw new UserException("no-interface", instance.Name, parts[1]);
    }
}
