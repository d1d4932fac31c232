using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Volumes without a record: for operators those that hosts have found, for accounts those that they lost and that were found again.</summary>
public static class StrayCommands
{
    public static void Add(Noun<Host> noun)
    {
        var list = noun.Key();
        noun.Act(new Command("strays", Messages.Text("host-strays")) { list }, async (session, parsed, cancel) =>
        {
            var page = await session.Client.GetAsync<Page<Stray>>(noun.PathOf(parsed.GetValue(list)!) + "/strays?limit=200", cancel);
            session.Write(page.Items,
            [
                new Column<Stray>("id", s => s.Id), new("size", s => s.SizeGib == 0 ? "-" : $"{s.SizeGib} GiB"), new("used", s => LoadBalancerText.Bytes(s.UsedBytes)), new("written", s => Time(s.WrittenAt)), new("seen", s => Time(s.FirstSeenAt)),
                new("image", s => s.Image?.Name ?? "-"), new("account", s => s.Account?.Name ?? "-"), new("was", s => s.Name ?? "-"),
            ]);
            return ExitCodes.Ok;
        });
        var (adoptHost, adopted, account, name) = (noun.Key(), Stray(), new Option<string?>("--account") { Description = Messages.Text("option-stray-account") }, new Option<string?>("--name") { Description = Messages.Text("option-stray-name") });
        noun.Act(new Command("adopt-stray", Messages.Text("host-adopt-stray")) { adoptHost, adopted, account, name }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<AdoptStray, Volume>(
                $"{noun.PathOf(parsed.GetValue(adoptHost)!)}/strays/{Uri.EscapeDataString(parsed.GetValue(adopted)!)}/adopt", new AdoptStray(parsed.GetValue(account), parsed.GetValue(name)), null, cancel));
            return ExitCodes.Ok;
        });
        var (deleteHost, deleted, yes) = (noun.Key(), Stray(), Options.New<bool>("--yes"));
        noun.Act(new Command("delete-stray", Messages.Text("host-delete-stray")) { deleteHost, deleted, yes }, async (session, parsed, cancel) =>
        {
            var stray = parsed.GetValue(deleted)!;
            if (!parsed.GetValue(yes))
            {
                if (Console.IsInputRedirected) throw new UserException("yes-needed", "host delete-stray");
                if (!Session.Errors.Confirm(Messages.Text("stray-delete-confirm", stray), false)) return ExitCodes.Cancelled;
            }
            await session.Client.DeleteAsync($"{noun.PathOf(parsed.GetValue(deleteHost)!)}/strays/{Uri.EscapeDataString(stray)}", cancel);
            return ExitCodes.Ok;
        });
    }

    /// <summary>Without a name it tells what can be taken back.</summary>
    public static void AddRecover(Noun<Volume> noun)
    {
        var (key, name) = (new Argument<string?>("name") { HelpName = "name", Description = Messages.Text("argument-recoverable"), Arity = ArgumentArity.ZeroOrOne }, new Option<string?>("--name") { Description = Messages.Text("option-stray-name") });
        noun.Act(new Command("recover", Messages.Text("volume-recover")) { key, name }, async (session, parsed, cancel) =>
        {
            if (parsed.GetValue(key) is { } wanted)
                session.Write(await session.Client.PostAsync<RecoverVolume, Volume>($"recoverable-volumes/{Uri.EscapeDataString(wanted)}/recover", new RecoverVolume(parsed.GetValue(name)), null, cancel));
            else
                session.Write((await session.Client.GetAsync<Page<RecoverableVolume>>("recoverable-volumes?limit=200", cancel)).Items,
                [
                    new Column<RecoverableVolume>("name", v => v.Name), new("id", v => v.Id), new("size", v => $"{v.SizeGib} GiB"), new("used", v => LoadBalancerText.Bytes(v.UsedBytes)), new("written", v => Time(v.WrittenAt)), new("lost", v => Time(v.LostAt)),
                ]);
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> Stray() => new("stray") { HelpName = "stray", Description = Messages.Text("argument-stray") };

    private static string Time(DateTimeOffset at) => at.LocalDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
