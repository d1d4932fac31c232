using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// Keeps a network's haproxy as its load balancers say. It outlives the agent, and is found by its command line, which also says which configuration it has. Weights are
/// told to the process that runs; any other change starts a new one, which takes over the listening sockets, and the one before serves its open connections to their end.
/// </summary>
/// <param name="directories">Where programs are.</param>
public sealed class Haproxy(Commands commands, IReadOnlyList<string> directories, TimeProvider clock)
{
    public const string Program = "haproxy";

    /// <summary>First of 65,536 users, apart from those of guests; one for each network's number.</summary>
    private const uint FirstUser = 0x6000_0000;

    /// <summary>Processes that serve only what they had open. Too low: long downloads break after a few changes; too high: each takes memory for up to an hour.</summary>
    private const int OldMax = 4;

    /// <summary>Between one new process and the next. Too short: a row of changes makes as many processes; too long: a change is waited for.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    private readonly HaproxyProcesses _processes = new(commands, clock);

    /// <summary>When each network's last process was started, by the directory.</summary>
    private readonly ConcurrentDictionary<string, long> _replaced = new();

    /// <summary>Where this machine has its programs.</summary>
    public static IReadOnlyList<string> Directories { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':');

    public static HaproxyPlace PlaceOf(NetworkIntent intent, string directory) => new(In(directory), FirstUser + (uint)(intent.Vni & 0xffff));

    public static string SocketIn(string directory) => new HaproxyPlace(In(directory), 0).Socket;

    private static string In(string directory) => Path.Combine(directory, "h");

    /// <param name="directory">The network's files.</param>
    public async Task<HaproxySight> EnsureAsync(NetworkIntent intent, string directory, CancellationToken cancel)
    {
        var place = PlaceOf(intent, directory);
        var configuration = HaproxyConfiguration.Build(intent, place);
        if (configuration.Text is null)
        {
            await StopAsync(directory, cancel);
            return HaproxySight.Right;
        }
        if (!directories.Any(path => File.Exists(Path.Combine(path, Program))))
            return new HaproxySight("The program haproxy is missing on this host, so listeners that need it (http, https, tls, least-connections, PROXY protocol) do not serve here: install the package haproxy.");
        var running = await _processes.RunningAsync(intent.Namespace, place, cancel);
        var serving = await ServingAsync(place, cancel) is { } id ? running.FirstOrDefault(process => process.Id == id) : null;
        return serving is null ? await BeginAsync(intent, configuration, place, running, HaproxyState.None, false, cancel)
            : HaproxyProcesses.Has(serving, configuration.Path) ? await SteerAsync(configuration, place, cancel)
            : await ReplaceAsync(intent, configuration, place, running, serving, cancel);
    }

    /// <summary>The process has the configuration but for weights: it is told them, and the next one reads them.</summary>
    private async Task<HaproxySight> SteerAsync(HaproxyConfiguration configuration, HaproxyPlace place, CancellationToken cancel)
    {
        if (!File.Exists(configuration.Path) || File.ReadAllText(configuration.Path) != configuration.Text) Write(configuration, place);
        Tidy(configuration, place);
        var answer = await HaproxySocket.AskAsync(place.Socket, "show servers state", clock, cancel);
        if (answer is null) return HaproxySight.Right;
        return await TellAsync(place, HaproxyState.Steering(answer, HaproxyServer.Read(configuration.Text!)), cancel) is { } words ? new HaproxySight($"haproxy does not take a change of weights: {words}") : HaproxySight.Right;
    }

    /// <summary>Members that are no longer in the record lose their connections at once; the rest waits if there was a change just before.</summary>
    private async Task<HaproxySight> ReplaceAsync(
        NetworkIntent intent, HaproxyConfiguration configuration, HaproxyPlace place, IReadOnlyList<ProcessSight> running, ProcessSight serving, CancellationToken cancel)
    {
        var before = HaproxyServer.Read(HaproxyProcesses.ConfigurationOf(serving) is { } file && File.Exists(file) ? File.ReadAllText(file) : "");
        var next = HaproxyServer.Read(configuration.Text!);
        HaproxyServer[] left = [.. before.Values.Where(server => !next.TryGetValue(server.Path, out var stays) || stays.Place != server.Place)];
        await TellAsync(place, HaproxyState.Ending(left), cancel);
        var places = next.Values.Select(server => server.Place).ToHashSet();
        if (running.Count > 1) await _processes.CutAsync(intent.Namespace, [.. left.Select(server => server.Place).Where(gone => !places.Contains(gone)).Distinct()], cancel);
        if (_replaced.TryGetValue(place.Directory, out var at) && clock.GetElapsedTime(at) is var since && since < Pause) return new HaproxySight(null, Pause - since);
        // What it knows of its members is told to the next, which would think that all of them work.
        var state = HaproxyState.ForNext(await HaproxySocket.AskAsync(place.Socket, "show servers state", clock, cancel), before, next);
        return await BeginAsync(intent, configuration, place, running, state, true, cancel);
    }

    /// <param name="takesOver">Whether there is a process that has sockets to hand over.</param>
    private async Task<HaproxySight> BeginAsync(
        NetworkIntent intent, HaproxyConfiguration configuration, HaproxyPlace place, IReadOnlyList<ProcessSight> running, string state, bool takesOver, CancellationToken cancel)
    {
        Write(configuration, place);
        string[] check = ["-c", "-q", "-f", configuration.Path];
        var checkedResult = await commands.TryRunAsync(Program, check, cancel);
        if (!checkedResult.Succeeded) return new HaproxySight($"haproxy does not take its configuration, and goes on with the one before: {Last(checkedResult.Error)}");
        DurableFiles.Write(place.StateFile, Encoding.ASCII.GetBytes(state), AgentModes.PrivateFile);
        var arguments = new List<string> { "-D", "-f", configuration.Path, "-p", place.PidFile };
        if (takesOver) arguments.AddRange(["-x", place.Socket]);
        if (running.Count > 0) arguments.AddRange(["-sf", .. running.Select(process => process.Id.ToString(CultureInfo.InvariantCulture))]);
        _replaced[place.Directory] = clock.GetTimestamp();
        var result = await commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, Program, arguments), cancel);
        if (!result.Succeeded) return new HaproxySight($"haproxy could not be started: {Last(result.Error)}");
        await _processes.EndOldestAsync(running, OldMax, cancel);
        Tidy(configuration, place);
        return HaproxySight.Right;
    }

    /// <summary>What it has to say against the commands; null if nothing.</summary>
    private async Task<string?> TellAsync(HaproxyPlace place, IReadOnlyList<string> lines, CancellationToken cancel)
    {
        var words = new List<string>();
        foreach (var line in lines) words.Add(Last(await HaproxySocket.AskAsync(place.Socket, line, clock, cancel) ?? ""));
        return Last(string.Join('\n', words)) is { Length: > 0 } text ? text : null;
    }

    /// <summary>Ends all of the network's processes and removes their files, keys among them.</summary>
    public async Task StopAsync(string directory, CancellationToken cancel)
    {
        var place = new HaproxyPlace(In(directory), 0);
        if (!Directory.Exists(place.Directory)) return;
        await _processes.EndAsync(HaproxyProcesses.Find(place), cancel);
        _replaced.TryRemove(place.Directory, out _);
        Directory.Delete(place.Directory, recursive: true);
    }

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

/// <param name="Lacking">What keeps it from serving, in a sentence; null if nothing does.</param>
/// <param name="Again">When to look again, as a change waits; null if none does.</param>
public sealed record HaproxySight(string? Lacking, TimeSpan? Again = null)
{
    public static HaproxySight Right { get; } = new(Lacking: null);
}
