using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>network trace</c>: which rules a packet meets on its way, and whether it arrives.</summary>
public static class TraceCommand
{
    /// <summary>The exit code of a packet that does not arrive.</summary>
    public const int Stopped = 3;

    public static void Add(Noun<Network> noun)
    {
        var (from, to, protocol, port) = (Options.Required<string>("--from"), Options.Required<string>("--to"), Options.New<string>("--protocol"), Options.New<int?>("--port"));
        protocol.DefaultValueFactory = _ => "tcp";
        protocol.AcceptOnlyFromAmong("tcp", "udp", "icmp", "any");
        noun.Act(new Command("trace", Messages.Text("network-trace")) { from, to, protocol, port }, async (session, parsed, cancel) =>
        {
            var trace = await session.Client.PostAsync<TraceQuestion, PacketTrace>(
                "networks/trace", new TraceQuestion(parsed.GetValue(from)!, parsed.GetValue(to)!, parsed.GetValue(protocol)!, parsed.GetValue(port)), null, cancel);
            if (session.Json) session.Write(trace);
            else
                foreach (var step in trace.Steps) Console.WriteLine($"{(step.Passes ? "✓" : "✗")} {step.Message}");
            return trace.Passes ? ExitCodes.Ok : Stopped;
        });
    }
}
