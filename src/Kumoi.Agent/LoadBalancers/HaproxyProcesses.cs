using System.Globalization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>The processes of a network's haproxy, as their command lines tell: the one that serves, and those before it, which still serve what they had open.</summary>
public sealed class HaproxyProcesses(Commands commands, TimeProvider clock)
{
    public static bool Has(ProcessSight process, string argument) => process.Arguments.Contains(argument);

    /// <summary>The configuration that a process was started with.</summary>
    public static string? ConfigurationOf(ProcessSight process) => process.Arguments.SkipWhile(argument => argument != "-f").Skip(1).FirstOrDefault();

    /// <summary>The network's, wherever they are.</summary>
    public static IReadOnlyList<ProcessSight> Find(HaproxyPlace place) =>
        [.. Processes.All().Where(process => Path.GetFileName(process.Arguments[0]) == Haproxy.Program && Has(process, place.PidFile))];

    /// <summary>Those in the network's namespace. One that is left in a namespace of the same name that is gone serves nobody, and is ended.</summary>
    public async Task<IReadOnlyList<ProcessSight>> RunningAsync(string networkNamespace, HaproxyPlace place, CancellationToken cancel)
    {
        var found = Find(place);
        if (found.Count == 0) return found;
        var here = await NetworkNamespaces.RunInsideAsync(networkNamespace, () => NamespaceOf("thread-self"));
        var lost = found.Where(process => NamespaceOf(process.Id.ToString(CultureInfo.InvariantCulture)) != here).ToArray();
        await EndAsync(lost, cancel);
        return [.. found.Except(lost)];
    }

    public async Task EndAsync(IReadOnlyList<ProcessSight> processes, CancellationToken cancel)
    {
        foreach (var process in processes) Processes.Signal(process.Id, Libc.SignalKill);
        foreach (var process in processes) await Processes.WaitForEndAsync(process.Id, TimeSpan.FromSeconds(5), clock, cancel);
    }

    /// <summary>Of processes that no longer serve, ends all but the newest.</summary>
    public Task EndOldestAsync(IReadOnlyList<ProcessSight> old, int kept, CancellationToken cancel) =>
        EndAsync([.. old.OrderByDescending(process => Processes.StartedAt(process.Id)).ThenByDescending(process => process.Id).Skip(kept)], cancel);

    /// <summary>
    /// Ends the namespace's own connections to places: those of processes that have given up their socket for questions can be reached in no other way. A kernel without
    /// CONFIG_INET_DIAG_DESTROY leaves them.
    /// </summary>
    public async Task CutAsync(string networkNamespace, IReadOnlyList<string> places, CancellationToken cancel)
    {
        if (places.Count == 0) return;
        string[] filter = [.. places.SelectMany((place, i) => i == 0 ? new[] { "dst", place } : ["or", "dst", place])];
        _ = await commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(networkNamespace, "ss", ["-K", "-H", "-n", "-t", .. filter]), cancel);
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
}
