using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Images on hosts before anything needs them, for operators.</summary>
public static class PrefetchCommands
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static void Add(Noun<Image> noun)
    {
        var (host, zone) = (Options.New<string?>("--host"), Options.New<string?>("--zone"));
        Keep(noun, new Command("prefetch", Messages.Text("image-prefetch")) { host, zone }, parsed => new PrefetchImage(parsed.GetValue(host), parsed.GetValue(zone)));
        var to = Options.Required<string>("--zone");
        Keep(noun, new Command("copy", Messages.Text("image-copy")) { to }, parsed => new PrefetchImage(null, parsed.GetValue(to)));
        Release(noun);
    }

    private static void Keep(Noun<Image> noun, Command command, Func<ParseResult, PrefetchImage> body)
    {
        var (key, wait, timeout) = (noun.Key(), Options.New<bool>("--wait"), Options.Timeout());
        command.Arguments.Add(key);
        command.Options.Add(wait);
        command.Options.Add(timeout);
        noun.Act(command, async (session, parsed, cancel) =>
        {
            var path = noun.PathOf(parsed.GetValue(key)!);
            var asked = body(parsed);
            var image = await session.Client.PostAsync<PrefetchImage, Image>(path + "/prefetch", asked, null, cancel);
            if (parsed.GetValue(wait)) image = await ReachAsync(session.Client, "images/" + image.Id, asked, image, TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancel);
            Write(session, image);
            return ExitCodes.Ok;
        });
    }

    private static void Release(Noun<Image> noun)
    {
        var (key, host, zone) = (noun.Key(), Options.New<string?>("--host"), Options.New<string?>("--zone"));
        noun.Act(new Command("release", Messages.Text("image-release")) { key, host, zone }, async (session, parsed, cancel) =>
        {
            var query = string.Join('&', new[] { ("host", parsed.GetValue(host)), ("zone", parsed.GetValue(zone)) }.Where(one => one.Item2 is not null).Select(one => $"{one.Item1}={Uri.EscapeDataString(one.Item2!)}"));
            Write(session, await session.Client.DeleteAsync<Image>($"{noun.PathOf(parsed.GetValue(key)!)}/prefetch{(query.Length > 0 ? "?" + query : "")}", cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary>Waits until every host that was asked has it, and tells how far they are.</summary>
    private static async Task<Image> ReachAsync(KumoiClient client, string path, PrefetchImage asked, Image image, TimeSpan limit, CancellationToken cancel)
    {
        var since = TimeProvider.System.GetTimestamp();
        var said = "";
        while (true)
        {
            ImageOnHost[] meant = [.. (image.Hosts ?? []).Where(one => one.Prefetched && (asked.Zone is null || asked.Zone == one.Zone.Id || asked.Zone == one.Zone.Name) && (asked.Host is null || asked.Host == one.Host.Id || asked.Host == one.Host.Name))];
            var there = meant.Count(one => one.State == "cached");
            if (there == meant.Length) return image;
            if (TimeProvider.System.GetElapsedTime(since) > limit) throw new UserException("prefetch-timeout", image.Name, there, meant.Length, meant.Select(one => one.Condition?.Message).FirstOrDefault(message => message is not null) ?? "");
            var now = Messages.Text("prefetch-progress", there, meant.Length, meant.Sum(one => one.Bytes) / 1048576, meant.Length * (image.SizeBytes ?? 0) / 1048576);
            if (now != said) Session.Errors.MarkupLineInterpolated($"{said = now}");
            await Task.Delay(Look, TimeProvider.System, cancel);
            image = await client.GetAsync<Image>(path, cancel);
        }
    }

    private static void Write(Session session, Image image) => session.Write(image.Hosts ?? [],
        [new Column<ImageOnHost>("host", one => one.Host.Name), new("zone", one => one.Zone.Name), new("state", one => one.State), new("size", one => $"{one.Bytes / 1048576.0:0.0} MiB"), new("condition", one => one.Condition?.Message ?? "")]);
}
