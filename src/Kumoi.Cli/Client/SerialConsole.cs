using System.CommandLine;
using System.Net.WebSockets;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>instance console</c>: the serial console in this terminal. Ctrl-] ends it.</summary>
public static class SerialConsole
{
    private const byte Escape = 0x1D;

    public static void Add(Noun<Instance> noun)
    {
        var key = noun.Key();
        var command = new Command("console", Messages.Text("instance-console")) { key };
        noun.Act(command, async (session, parsed, cancel) =>
        {
            var opened = await session.Client.PostAsync<OpenConsole, ConsoleOpened>(noun.PathOf(parsed.GetValue(key)!) + "/console", new OpenConsole("serial"), null, cancel);
            using var socket = new ClientWebSocket();
            socket.Options.AddSubProtocol("binary");
            var url = new UriBuilder(new Uri(session.Client.Url, opened.Path)) { Scheme = session.Client.Url.Scheme == "https" ? "wss" : "ws" };
            await socket.ConnectAsync(url.Uri, cancel);
            Console.Error.WriteLine(Messages.Text("console-escape"));
            var terminal = !Console.IsInputRedirected;
            if (terminal) await Shell.AttachedAsync("stty", ["raw", "-echo"], cancel);
            try
            {
                await Task.WhenAny(SendAsync(socket, cancel), ReceiveAsync(socket, cancel));
            }
            finally
            {
                if (terminal) await Shell.AttachedAsync("stty", ["sane"], CancellationToken.None);
                Console.Error.WriteLine();
            }
            return ExitCodes.Ok;
        });
    }

    private static async Task SendAsync(ClientWebSocket socket, CancellationToken cancel)
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[1024];
        for (int read; (read = await input.ReadAsync(buffer, cancel)) > 0;)
        {
            if (buffer.AsSpan(0, read).Contains(Escape)) return;
            await socket.SendAsync(buffer.AsMemory(0, read), WebSocketMessageType.Binary, true, cancel);
        }
        // Input from a pipe is over; what the guest still says is shown for as long as it speaks.
        if (Console.IsInputRedirected) await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancel);
    }

    private static async Task ReceiveAsync(ClientWebSocket socket, CancellationToken cancel)
    {
        await using var output = Console.OpenStandardOutput();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), cancel);
            if (received.MessageType == WebSocketMessageType.Close) return;
            await output.WriteAsync(buffer.AsMemory(0, received.Count), cancel);
            await output.FlushAsync(cancel);
        }
    }
}
