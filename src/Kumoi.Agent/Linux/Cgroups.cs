using System.Globalization;

namespace Kumoi.Agent.Linux;

/// <summary>
/// A control group per guest with limits for processor and memory, in version 2 or 1 of the kernel's interface, whichever is there.
/// Where neither can be written (a container, say) guests run without limits; <see cref="Available"/> says so.
/// </summary>
public sealed class Cgroups
{
    private const string Root = "/sys/fs/cgroup";
    private const int PeriodMicroseconds = 100_000;

    private readonly string _name;
    private readonly bool _unified;
    private readonly string[] _controllers;

    public Cgroups(string name)
    {
        _name = name;
        _unified = File.Exists($"{Root}/cgroup.controllers");
        _controllers = _unified ? [Root] : [.. new[] { $"{Root}/cpu", $"{Root}/memory" }.Where(path => File.Exists($"{path}/cgroup.procs"))];
        Available = TryPrepare();
    }

    public bool Available { get; }

    /// <summary>Makes the group of a guest, sets its limits and moves the process with all its threads into it.</summary>
    /// <param name="memoryBytes">Guest memory and what the hypervisor needs beside it.</param>
    public void Enter(string guest, int process, int vcpus, long memoryBytes)
    {
        if (!Available) return;
        // A quarter of a processor beside the guest's own is for the hypervisor's input and output.
        var quota = vcpus * PeriodMicroseconds + PeriodMicroseconds / 4;
        foreach (var controller in _controllers)
        {
            var path = Directory.CreateDirectory($"{controller}/{_name}/{guest}").FullName;
            if (_unified)
            {
                TryWrite($"{path}/cpu.max", string.Create(CultureInfo.InvariantCulture, $"{quota} {PeriodMicroseconds}"));
                TryWrite($"{path}/memory.max", memoryBytes.ToString(CultureInfo.InvariantCulture));
            }
            else if (controller.EndsWith("/cpu", StringComparison.Ordinal))
            {
                TryWrite($"{path}/cpu.cfs_period_us", PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
                TryWrite($"{path}/cpu.cfs_quota_us", quota.ToString(CultureInfo.InvariantCulture));
            }
            else
            {
                TryWrite($"{path}/memory.limit_in_bytes", memoryBytes.ToString(CultureInfo.InvariantCulture));
            }
            File.WriteAllText($"{path}/cgroup.procs", process.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Removes the group of a guest; one that is absent, or whose last process is still ending, is left to the next call.</summary>
    public void Remove(string guest)
    {
        foreach (var controller in _controllers) TryRemove($"{controller}/{_name}/{guest}");
    }

    /// <summary>Removes the groups of all guests.</summary>
    public void RemoveAll()
    {
        foreach (var path in _controllers.Select(controller => $"{controller}/{_name}").Where(Directory.Exists))
        {
            foreach (var guest in Directory.EnumerateDirectories(path)) TryRemove(guest);
            TryRemove(path);
        }
    }

    private bool TryPrepare()
    {
        try
        {
            foreach (var controller in _controllers)
            {
                Directory.CreateDirectory($"{controller}/{_name}");
                // In version 2 a group's children have a controller only if the group passes it on.
                if (!_unified) continue;
                TryWrite($"{Root}/cgroup.subtree_control", "+cpu +memory");
                TryWrite($"{controller}/{_name}/cgroup.subtree_control", "+cpu +memory");
            }
            return _controllers.Length > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>A limit that this kernel does not offer is left out: a guest without it is better than no guest.</summary>
    private static void TryWrite(string path, string value)
    {
        try
        {
            File.WriteAllText(path, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Trace.WriteLine($"cgroup: {path}: {e.Message}");
        }
    }

    private static void TryRemove(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path);
        }
        catch (IOException e)
        {
            System.Diagnostics.Trace.WriteLine($"cgroup: {path}: {e.Message}");
        }
    }
}
