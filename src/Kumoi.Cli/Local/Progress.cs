using System.Globalization;
using Spectre.Console;

namespace Kumoi.Cli.Local;

/// <summary>Tells what goes on: each step with the time it takes, live on a terminal, one line a step elsewhere.</summary>
public sealed class Progress(IAnsiConsole console, bool quiet)
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private readonly TimeProvider _clock = TimeProvider.System;

    /// <summary>A detail of the step under way, shown behind it.</summary>
    public string Detail { get; set; } = "";

    public async Task StepAsync(string key, Func<Task> work)
    {
        var title = Text.Messages.Text(key);
        var started = _clock.GetTimestamp();
        Detail = "";
        if (quiet)
        {
            await work();
            return;
        }
        try
        {
            if (console.Profile.Capabilities.Interactive && console.Profile.Out.IsTerminal) await LiveAsync(title, started, work);
            else await work();
        }
        catch
        {
            console.MarkupLineInterpolated($"[red]✘[/] {title}  {Seconds(started)}");
            throw;
        }
        console.MarkupLineInterpolated($"[green]✔[/] {title}  [grey]{Seconds(started)}[/]");
    }

    private Task LiveAsync(string title, long started, Func<Task> work) => console.Status().Spinner(Spinner.Known.Dots).StartAsync(Markup.Escape(title), async status =>
    {
        var running = work();
        while (!running.IsCompleted)
        {
            var detail = Detail.Length > 60 ? Detail[..60] + "…" : Detail;
            status.Status($"{Markup.Escape(title)}  [grey]{Seconds(started)}  {Markup.Escape(detail)}[/]");
            await Task.WhenAny(running, Task.Delay(Frame, _clock));
        }
        await running;
    });

    private string Seconds(long started) => _clock.GetElapsedTime(started).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
}
