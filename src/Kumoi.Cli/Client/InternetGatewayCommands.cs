using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Internet gateways: made by themselves, attached to networks.</summary>
public static class InternetGatewayCommands
{
    public static Command Make()
    {
        var tag = TagOptions.Tag();
        var noun = new Noun<InternetGateway>("internet-gateway", "internet-gateways", g => g.Id, [new("id", g => g.Id), new("network", g => g.Network?.Name ?? "-"), new("tags", g => TagOptions.Text(g.Tags))], "igw")
            .List().Show().Create<CreateInternetGateway, InternetGateway>(c => c.Add(tag), p => new CreateInternetGateway(TagOptions.Of(p.GetValue(tag)))).Delete();
        var (key, network) = (noun.Key(), new Argument<string>("network") { Description = Messages.Text("argument-gateway-network") });
        noun.Act(new Command("attach", Messages.Text("internet-gateway-attach")) { key, network }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<AttachInternetGateway, InternetGateway>(noun.PathOf(parsed.GetValue(key)!) + "/attach", new AttachInternetGateway(parsed.GetValue(network)!), null, cancel));
            return ExitCodes.Ok;
        });
        var attached = noun.Key();
        noun.Act(new Command("detach", Messages.Text("internet-gateway-detach")) { attached }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<InternetGateway>(noun.PathOf(parsed.GetValue(attached)!) + "/detach", cancel));
            return ExitCodes.Ok;
        });
        return noun.Command;
    }
}
