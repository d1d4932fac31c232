using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>A shell in the tiny guest, by its serial line.</summary>
internal sealed class SerialShell : IAsyncDisposable
{
    private readonly NetworkStream _line;
    private readonly StringBuilder _heard = new();
    private readonly byte[] _buffer = new byte[4096];
    private Task<int>? _reading;
    private int _commands;

    private SerialShell(Socket socket) => _line = new NetworkStream(socket, ownsSocket: true);

    /// <summary>Logs in as soon as the guest asks for a name.</summary>
    public static async Task<SerialShell> OpenAsync(Machine machine, string instanceId, TimeSpan limit)
    {
        var shell = new SerialShell((await QemuGuest.ConnectAsync(machine.Options.Paths.Socket(instanceId, "serial"), default))!);
        using var patience = new CancellationTokenSource(limit);
        // The prompt may have been printed before anybody listened; a line that says nothing has it printed again.
        await shell.HearAsync("login: ", "\n", patience.Token);
        await shell.SayAsync("root\n");
        await shell.HearAsync("assword: ", null, patience.Token);
        await shell.SayAsync("tiny\n");
        await shell.HearAsync("# ", null, patience.Token);
        return shell;
    }

    /// <summary>Runs a command and gives what it printed.</summary>
    public async Task<string> RunAsync(string command)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var number = ++_commands;
        // The line echoes what is typed: only what the shell has put together is the end.
        await SayAsync($"echo begin'-'{number}; {command}; echo end'-'{number}\n");
        await HearAsync($"begin-{number}\r\n", null, patience.Token);
        return (await HearAsync($"end-{number}\r\n", null, patience.Token)).Replace("\r", "", StringComparison.Ordinal).Trim();
    }

    private async Task SayAsync(string text) => await _line.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>What was heard before the words.</summary>
    private async Task<string> HearAsync(string words, string? nudge, CancellationToken cancel)
    {
        while (true)
        {
            var all = _heard.ToString();
            if (all.IndexOf(words, StringComparison.Ordinal) is >= 0 and var at)
            {
                _heard.Clear().Append(all[(at + words.Length)..]);
                return all[..at];
            }
            // One that is under way is waited for the next time: what it reads would be lost.
            _reading ??= _line.ReadAsync(_buffer, CancellationToken.None).AsTask();
            if (await Task.WhenAny(_reading, Task.Delay(TimeSpan.FromSeconds(2), cancel)) != _reading)
            {
                cancel.ThrowIfCancellationRequested();
                if (nudge is not null) await SayAsync(nudge);
                continue;
            }
            _heard.Append(Encoding.Latin1.GetString(_buffer, 0, await _reading));
            _reading = null;
        }
    }

    public ValueTask DisposeAsync() => _line.DisposeAsync();
}
