using System.Globalization;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// Keeps a network's haproxy as its load balancers say. It outlives the agent, and is found by its command line, which also says which configuration it has. A change
/// starts a new process, which takes over the listening sockets; the one before serves its open connections to their end.
/// </summary>
/// <param name="directories">Where programs are.</param>
public sealed class Haproxy(Commands commands, IReadOnlyList<string> directories, TimeProvider clock)
{
    public const string Program = "haproxy";

    /// <summary>First of 65,536 users, apart from those of guests; one for each network's number.</summary>
    private const uint FirstUser = 0x6000_0000;

    /// <summary>Where this machine has its programs.</summary>
    public static IReadOnlyList<string> Directories { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':');

    public static HaproxyPlace PlaceOf(NetworkIntent intent, string directory) => new(In(directory), FirstUser + (uint)(intent.Vni & 0xffff));

    public static string SocketIn(string directory) => new HaproxyPlace(In(directory), 0).Socket;

    private static string In(string directory) => Path.Combine(directory, "h");

    /// <param name="directory">The network's files.</param>
    /// <returns>What keeps it from serving, in a sentence; null if nothing does.</returns>
    public async Task<string?> EnsureAsync(NetworkIntent intent, string directory, CancellationToken cancel)
    {
        var place = PlaceOf(intent, directory);
        var configuration = HaproxyConfiguration.Build(intent, place);
        if (configuration.Text is null)
        {
            await StopAsync(directory, cancel);
            return null;
        }
        if (!directories.Any(path => File.Exists(Path.Combine(path, Program))))
            return "The program haproxy is missing on this host, so listeners that need it (http, https, tls, least-connections, PROXY protocol) do not serve here: install the package haproxy.";
        var running = await RunningAsync(intent.Namespace, place, cancel);
        if (await ServingAsync(place, cancel) is { } serving && running.Any(process => process.Id == serving && Has(process, configuration.Path)))
        {
            Tidy(configuration, place);
            return null;
        }
        Write(configuration, place);
        string[] check = ["-c", "-q", "-f", configuration.Path];
        var checkedResult = await commands.TryRunAsync(Program, check, cancel);
        if (!checkedResult.Succeeded) return $"haproxy does not take its configuration, and goes on with the one before: {Last(checkedResult.Error)}";
        var started = await StartAsync(intent.Namespace, configuration, place, running, cancel);
        if (started is not null) return started;
        Tidy(configuration, place);
        return null;
    }

    /// <summary>True while one of the network's processes answers.</summary>
    public async Task<bool> IsAliveAsync(string directory, CancellationToken cancel) => await ServingAsync(new HaproxyPlace(In(directory), 0), cancel) is not null;

    /// <summary>Ends all of the network's processes and removes their files, keys among them.</summary>
    public async Task StopAsync(string directory, CancellationToken cancel)
    {
        var place = new HaproxyPlace(In(directory), 0);
        if (!Directory.Exists(place.Directory)) return;
        await EndAsync(Find(place), cancel);
        Directory.Delete(place.Directory, recursive: true);
    }

    private async Task<string?> StartAsync(string networkNamespace, HaproxyConfiguration configuration, HaproxyPlace place, IReadOnlyList<ProcessSight> running, CancellationToken cancel)
    {
        var arguments = new List<string> { "-D", "-f", configuration.Path, "-p", place.PidFile };
        // What it knows of its members is told to the next, which would think that all of them work.
        var state = running.Count == 0 ? null : await HaproxySocket.AskAsync(place.Socket, "show servers state", clock, cancel);
        DurableFiles.Write(place.StateFile, Encoding.ASCII.GetBytes(state ?? (File.Exists(place.StateFile) ? File.ReadAllText(place.StateFile) : "1\n")), AgentModes.PrivateFile);
        if (state is not null) arguments.AddRange(["-x", place.Socket]);
        if (running.Count > 0) arguments.AddRange(["-sf", .. running.Select(process => process.Id.ToString(CultureInfo.InvariantCulture))]);
        var result = await commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(networkNamespace, Program, arguments), cancel);
        return result.Succeeded ? null : $"haproxy could not be started: {Last(result.Error)}";
    }

    /// <summary>Its processes in the network's namespace. One that is left in a namespace of the same name that is gone serves nobody, and is ended.</summary>
    private async Task<IReadOnlyList<ProcessSight>> RunningAsync(string networkNamespace, HaproxyPlace place, CancellationToken cancel)
    {
        var found = Find(place);
        if (found.Count == 0) return found;
        var here = await NetworkNamespaces.RunInsideAsync(networkNamespace, () => NamespaceOf("thread-self"));
        var lost = found.Where(process => NamespaceOf(process.Id.ToString(CultureInfo.InvariantCulture)) != here).ToArray();
        await EndAsync(lost, cancel);
        return [.. found.Except(lost)];
    }

    private static string? NamespaceOf(string process)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/net").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task EndAsync(IReadOnlyList<ProcessSight> processes, CancellationToken cancel)
    {
        foreach (var process in processes) Processes.Signal(process.Id, Libc.SignalKill);
        foreach (var process in processes) await Processes.WaitForEndAsync(process.Id, TimeSpan.FromSeconds(5), clock, cancel);
    }

    private static IReadOnlyList<ProcessSight> Find(HaproxyPlace place) =>
        [.. Processes.All().Where(process => Path.GetFileName(process.Arguments[0]) == Program && Has(process, place.PidFile))];

    private static bool Has(ProcessSight process, string argument) => process.Arguments.Contains(argument);

    /// <summary>The process that answers; others only serve what they have. Null if there is none.</summary>
    private async Task<int?> ServingAsync(HaproxyPlace place, CancellationToken cancel)
    {
        if (!File.Exists(place.Socket) || await HaproxySocket.AskAsync(place.Socket, "show info", clock, cancel) is not { } answer) return null;
        return PidIn(answer);
    }

    /// <summary>The process that has answered <c>show info</c>.</summary>
    public static int? PidIn(string? answer)
    {
        var line = answer?.Split('\n').FirstOrDefault(line => line.StartsWith("Pid: ", StringComparison.Ordinal));
        return int.TryParse(line?[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    private static void Write(HaproxyConfiguration configuration, HaproxyPlace place)
    {
        DurableFiles.MakeDirectory(Path.GetDirectoryName(place.Directory)!, AgentModes.Passable);
        DurableFiles.MakeDirectory(place.Directory, AgentModes.PrivateDirectory);
        DurableFiles.MakeDirectory(place.Root, AgentModes.Passable);
        foreach (var (path, pem) in configuration.Certificates) DurableFiles.Write(path, Encoding.ASCII.GetBytes(pem), AgentModes.PrivateFile);
        DurableFiles.Write(configuration.Path, Encoding.ASCII.GetBytes(configuration.Text!), AgentModes.PrivateFile);
    }

    /// <summary>Removes configurations and keys of before: a running process has read its own.</summary>
    private static void Tidy(HaproxyConfiguration configuration, HaproxyPlace place)
    {
        foreach (var path in Directory.EnumerateFiles(place.Directory).Where(path => path.EndsWith(".pem", StringComparison.Ordinal) || path.EndsWith(".cfg", StringComparison.Ordinal)))
            if (path != configuration.Path && !configuration.Certificates.ContainsKey(path)) File.Delete(path);
    }

    private static string Last(string words)
    {
        var text = string.Join(' ', words.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return text.Length > 400 ? text[..400] : text;
    }
}
