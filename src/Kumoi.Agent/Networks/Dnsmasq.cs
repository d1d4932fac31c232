using System.Globalization;
using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks;

/// <summary>
/// Keeps a network's dnsmasq as it should be. It is found by its process id file and known by its command line, outlives the agent, and is
/// told to read its files again where that suffices.
/// </summary>
public sealed class Dnsmasq(Commands commands, TimeProvider clock)
{
    public async Task EnsureAsync(NetworkIntent intent, string directory, CancellationToken cancel)
    {
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        var removed = Update(DnsmasqCommand.HostsFile(directory), DnsmasqCommand.Hosts(intent));
        var renamed = Update(DnsmasqCommand.NamesFile(directory), DnsmasqCommand.Names(intent));
        var optioned = Update(DnsmasqCommand.OptionsFile(directory), DnsmasqCommand.Options(intent));
        var arguments = DnsmasqCommand.Build(intent, directory, Resolvers.Read());
        var process = Find(directory);
        // An address that changes hands is refused to its new owner while dnsmasq remembers the old one's lease; so lines that went mean a restart.
        if (process is { } running && removed != Change.Removed && Processes.Arguments(running)?.Skip(1).SequenceEqual(arguments) == true)
        {
            if (removed != Change.None || renamed != Change.None || optioned != Change.None) Processes.Signal(running, Libc.SignalHangUp);
            return;
        }
        if (process is not null) await StopAsync(directory, cancel);
        await commands.RunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, DnsmasqCommand.Program, arguments), cancel);
    }

    /// <summary>True while the network's dnsmasq lives.</summary>
    public static bool IsAlive(string directory) => Find(directory) is not null;

    public async Task StopAsync(string directory, CancellationToken cancel)
    {
        if (Find(directory) is not { } process) return;
        Processes.Signal(process, Libc.SignalTerminate);
        if (await Processes.WaitForEndAsync(process, TimeSpan.FromSeconds(2), clock, cancel)) return;
        Processes.Signal(process, Libc.SignalKill);
        await Processes.WaitForEndAsync(process, TimeSpan.FromSeconds(5), clock, cancel);
    }

    /// <summary>The file only says where to look first; what runs is told by the processes themselves.</summary>
    private static int? Find(string directory)
    {
        var file = DnsmasqCommand.PidFile(directory);
        var argument = $"--pid-file={file}";
        if (File.Exists(file) && int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var noted)
            && Processes.Arguments(noted)?.Contains(argument) == true) return noted;
        var found = Processes.All().FirstOrDefault(process => process.Arguments[0].EndsWith(DnsmasqCommand.Program, StringComparison.Ordinal) && process.Arguments.Contains(argument));
        return found?.Id;
    }

    private static Change Update(string path, string content)
    {
        var present = File.Exists(path) ? File.ReadAllText(path) : "";
        if (present == content && File.Exists(path)) return Change.None;
        DurableFiles.Write(path, Encoding.ASCII.GetBytes(content), AgentModes.PublicFile);
        return present.Split('\n').Except(content.Split('\n')).Any() ? Change.Removed : Change.Added;
    }

    private enum Change { None, Added, Removed }
}
