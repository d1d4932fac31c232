using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Api;
using Kumoi.Api.Metrics;
using Kumoi.Cli.Client;
using Kumoi.Cli.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kumoi.Cli.Operations;

/// <summary><c>kumoi top</c>: hosts, instances and rates, once a second, until Ctrl-C.</summary>
public static class TopCommand
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    // More lines than a screen has help nobody; the hosts that need a look come first. Beside them: the head, the column names, the count of the others.
    private const int HostsMax = 40, OtherLines = 8;

    public static Command Make()
    {
        var once = Options.New<bool>("--once");
        var command = new Command("top", Messages.Text("command-top")) { once };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            using var session = Session.Open(parsed);
            using var http = new HttpClient { BaseAddress = new Uri(session.Login.Url), Timeout = TimeSpan.FromSeconds(5) };
            if (session.Json || parsed.GetValue(once) || System.Console.IsOutputRedirected) await OnceAsync(session, http, cancel);
            else await LiveAsync(session, http, cancel);
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>Two looks a second apart, since rates need two.</summary>
    private static async Task OnceAsync(Session session, HttpClient http, CancellationToken cancel)
    {
        var before = await LookAsync(session, http, cancel);
        await Task.Delay(Period, TimeProvider.System, cancel);
        var frame = TopFrame.Of(await LookAsync(session, http, cancel), before);
        if (session.Json) System.Console.Out.WriteLine(JsonSerializer.Serialize(frame, TopJson.Default.TopFrame));
        else Session.Console.Write(Draw(frame));
    }

    private static async Task LiveAsync(Session session, HttpClient http, CancellationToken cancel)
    {
        TopLook? before = null;
        try
        {
            await Session.Console.Live(new Spectre.Console.Text("")).AutoClear(true).StartAsync(async live =>
            {
                while (true)
                {
                    var look = await LookAsync(session, http, cancel);
                    live.UpdateTarget(Draw(TopFrame.Of(look, before), Math.Max(1, Session.Console.Profile.Height - OtherLines)));
                    before = look;
                    await Task.Delay(Period, TimeProvider.System, cancel);
                }
            });
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Ctrl-C is how this is ended; the display has been cleared and the cursor is back.
        }
    }

    private static async Task<TopLook> LookAsync(Session session, HttpClient http, CancellationToken cancel)
    {
        var hosts = new List<Host>();
        await foreach (var host in session.Client.ListAsync<Host>("hosts", "", cancel)) hosts.Add(host);
        using var answer = await http.GetAsync(new Uri("metrics", UriKind.Relative), cancel);
        var metrics = answer.IsSuccessStatusCode ? MetricSamples.Read(await answer.Content.ReadAsStringAsync(cancel)) : null;
        return new TopLook(TimeProvider.System.GetUtcNow(), hosts, metrics);
    }

    /// <summary>The frame for people.</summary>
    public static IRenderable Draw(TopFrame frame, int hostsMax = HostsMax)
    {
        var rows = new List<IRenderable>
        {
            new Spectre.Console.Text(Messages.Text("top-head", frame.At.UtcDateTime.ToString("HH:mm:ss'Z'", CultureInfo.InvariantCulture), frame.Hosts.Count,
                Messages.Text(frame.DatabaseUp switch { true => "top-database-up", false => "top-database-down", null => "top-database-unknown" })), new Style(decoration: Decoration.Bold)),
            new Spectre.Console.Text(Messages.Text("top-instances", frame.Instances.Count == 0 ? "-" : string.Join("  ", frame.Instances.Select(i => $"{i.Key} {i.Value:0}")))),
            new Spectre.Console.Text(Messages.Text("top-rates", Number(frame.CreatesPerSecond), Number(frame.EventsPerSecond), Number(frame.ReportsPerSecond))),
            new Spectre.Console.Text(Messages.Text("top-requests", Number(frame.RequestsPerSecond), Number(frame.RequestMsP50), Number(frame.RequestMsP99), Number(frame.LongPolls))),
            new Spectre.Console.Text(""),
        };
        var table = new Table { Border = TableBorder.None };
        foreach (var column in (string[])["column-name", "column-state", "column-instances", "column-vcpus", "column-memory", "top-report"])
            table.AddColumn(new TableColumn(new Spectre.Console.Text(Messages.Text(column), new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0), NoWrap = true });
        // What needs a look first, then the fullest.
        foreach (var host in frame.Hosts.OrderBy(h => h.State == "up").ThenByDescending(h => Share(h.Allocated.MemoryMib, h.Capacity.MemoryMib)).ThenBy(h => h.Name, StringComparer.Ordinal).Take(hostsMax))
            table.AddRow(
                new Spectre.Console.Text(host.Name), new Spectre.Console.Text(host.Maintenance ? "maintenance" : host.State, new Style(host.State == "up" ? null : Color.Red)), new Spectre.Console.Text($"{host.Instances}"),
                new Spectre.Console.Text($"{host.Allocated.Vcpus}/{host.Capacity.Vcpus} {Bar(host.Allocated.Vcpus, host.Capacity.Vcpus)}"),
                new Spectre.Console.Text($"{host.Allocated.MemoryMib}/{host.Capacity.MemoryMib} MiB {Bar(host.Allocated.MemoryMib, host.Capacity.MemoryMib)}"),
                new Spectre.Console.Text(host.ReportSecondsAgo is { } ago ? $"{ago:0} s" : "-"));
        rows.Add(table);
        if (frame.Hosts.Count > hostsMax) rows.Add(new Spectre.Console.Text(Messages.Text("top-more", frame.Hosts.Count - hostsMax)));
        return new Rows(rows);
    }

    private static double Share(int part, int whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Bar(int part, int whole)
    {
        const int width = 10;
        var filled = (int)Math.Round(Math.Clamp(Share(part, whole), 0, 1) * width);
        return new string('#', filled) + new string('.', width - filled);
    }

    private static string Number(double? value) => value?.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) ?? "-";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopFrame))]
internal sealed partial class TopJson : JsonSerializerContext;
