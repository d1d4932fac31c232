using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>Something that is done to files at length: one or more programs one after another, and how far they are.</summary>
internal sealed partial class LayerRun(LayerWork work, DateTimeOffset since) : IAsyncDisposable
{
    private readonly CancellationTokenSource _cancel = new();

    // What was done before the program that runs now.
    private long _before;

    public DateTimeOffset Since => since;

    public CancellationToken Cancelled => _cancel.Token;

    public volatile LayerWork Sight = work;

    public volatile int Process;

    public Task Ended { get; set; } = Task.CompletedTask;

    /// <summary>So much more is done.</summary>
    public void Done(long bytes)
    {
        _before += bytes;
        Sight = Sight with { DoneBytes = Math.Min(_before, Sight.TotalBytes) };
    }

    /// <summary>Runs a program that tells how many percent of so many bytes it has done; its failure is an <see cref="IOException"/> with its last words.</summary>
    /// <param name="inherited">What it inherits beside the keys; null: nothing.</param>
    public async Task WatchAsync(Commands commands, string program, IReadOnlyList<string> arguments, IReadOnlyList<LayerKey> keys, long bytes, IReadOnlyList<int>? inherited = null)
    {
        var result = await commands.WatchAsync(program, arguments, [.. keys.SelectMany(key => key.Descriptors), .. inherited ?? []], id => Process = id, text =>
        {
            if (PercentForm().Matches(text) is [.., var last])
                Sight = Sight with { DoneBytes = Math.Min(_before + (long)(bytes * double.Parse(last.Groups[1].ValueSpan, CultureInfo.InvariantCulture) / 100), Sight.TotalBytes) };
        }, Cancelled);
        if (!result.Succeeded) throw new IOException(result.Error.Trim());
        Done(bytes);
    }

    /// <summary>Gives it up, if it has not ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync();
        await Ended;
        _cancel.Dispose();
    }

    [GeneratedRegex(@"\(([0-9]+\.[0-9]+)/100%\)")] private static partial Regex PercentForm();
}
