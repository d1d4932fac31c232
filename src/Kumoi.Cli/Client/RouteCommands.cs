using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>network route</c>: ranges behind guests of a network.</summary>
public static class RouteCommands
{
    private static readonly IReadOnlyList<Column<NetworkRoute>> Columns = [new("id", r => r.Id), new("destination", r => r.Destination), new("via", r => r.Via)];

    public static void Add(Noun<Network> noun)
    {
        var route = new Command("route", Messages.Text("network-route"));
        noun.Command.Subcommands.Add(route);
        var list = noun.Key();
        Under(route, new Command("list", Messages.Text("verb-list")) { list }, async (session, parsed, cancel) =>
        {
            session.Write(await AllAsync(session, noun.PathOf(parsed.GetValue(list)!), cancel), Columns);
            return ExitCodes.Ok;
        });
        var (key, destination, word, address) = (noun.Key(), Destination(), new Argument<string>("via") { Description = Messages.Text("argument-via") }, new Argument<string>("address") { Description = Messages.Text("argument-address") });
        word.AcceptOnlyFromAmong("via");
        Under(route, new Command("add", Messages.Text("route-add")) { key, destination, word, address }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<CreateNetworkRoute, NetworkRoute>(
                noun.PathOf(parsed.GetValue(key)!) + "/routes", new CreateNetworkRoute(parsed.GetValue(destination)!, parsed.GetValue(address)!), Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
        var (of, gone) = (noun.Key(), Destination());
        Under(route, new Command("remove", Messages.Text("route-remove")) { of, gone }, async (session, parsed, cancel) =>
        {
            var (path, what) = (noun.PathOf(parsed.GetValue(of)!), parsed.GetValue(gone)!);
            var id = (await AllAsync(session, path, cancel)).FirstOrDefault(r => r.Destination == what || r.Id == what)?.Id ?? throw new UserException("no-route", what);
            await session.Client.DeleteAsync($"{path}/routes/{id}", cancel);
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> Destination() => new("destination") { Description = Messages.Text("argument-destination") };

    private static async Task<List<NetworkRoute>> AllAsync(Session session, string network, CancellationToken cancel)
    {
        var routes = new List<NetworkRoute>();
        await foreach (var route in session.Client.ListAsync<NetworkRoute>(network + "/routes", "", cancel)) routes.Add(route);
        return routes;
    }

    private static void Under(Command parent, Command command, Func<Session, ParseResult, CancellationToken, Task<int>> run)
    {
        parent.Subcommands.Add(command);
        Session.Bind(command, run);
    }
}
