namespace Kumoi.Agent.Instances.Qemu;

/// <summary>The object tree of a running QEMU, as far as devices are plugged into it.</summary>
internal static class QemuPorts
{
    /// <summary>Where devices with an id are.</summary>
    public const string Peripherals = "/machine/peripheral";

    // A guest that has taken its process over must not keep the agent asking.
    private const int PortsMax = 64;

    /// <summary>Root ports that nothing is plugged into.</summary>
    public static async Task<IReadOnlyCollection<string>> FreeAsync(QmpClient qmp, CancellationToken cancel)
    {
        var free = new List<string>();
        foreach (var port in (await ListAsync(qmp, Peripherals, cancel)).Where(child => child.Type == "child<pcie-root-port>").Select(child => child.Name).Take(PortsMax))
            if ((await ListAsync(qmp, $"{Peripherals}/{port}/{port}", cancel)).All(child => !child.Name.StartsWith("child[", StringComparison.Ordinal))) free.Add(port);
        return free;
    }

    /// <summary>Ids of the devices of a driver.</summary>
    public static Task<IReadOnlySet<string>> DevicesAsync(QmpClient qmp, string driver, CancellationToken cancel) => DevicesAsync(qmp, [driver], cancel);

    /// <summary>Ids of the devices of any of some drivers.</summary>
    public static async Task<IReadOnlySet<string>> DevicesAsync(QmpClient qmp, IReadOnlyList<string> drivers, CancellationToken cancel)
    {
        var types = drivers.Select(driver => $"child<{driver}>").ToHashSet();
        return (await ListAsync(qmp, Peripherals, cancel)).Where(child => types.Contains(child.Type)).Select(child => child.Name).ToHashSet();
    }

    public static Task<IReadOnlyList<(string Name, string Type)>> ListAsync(QmpClient qmp, string path, CancellationToken cancel) => qmp.AskAsync<IReadOnlyList<(string, string)>>(
        "qom-list", arguments => arguments.WriteString("path", path), found => [.. found.EnumerateArray().Select(child => (child.GetProperty("name").GetString() ?? "", child.GetProperty("type").GetString() ?? ""))], cancel);

    /// <summary>Asks the guest for a device. Whether and when it gives it back is its business.</summary>
    /// <param name="fixedDevice">What is said of a device that cannot be taken out at all.</param>
    public static async Task AskBackAsync(QmpClient qmp, string device, Func<Exception, HypervisorException> fixedDevice, CancellationToken cancel)
    {
        try
        {
            await qmp.ExecuteAsync("device_del", arguments => arguments.WriteString("id", device), cancel);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("in the process of unplug", StringComparison.Ordinal) || e.Words.Contains("not found", StringComparison.Ordinal))
        {
            // Asked before, or given back since it was looked at.
        }
        catch (QmpRefusedException e) when (e.Words.Contains("does not support hotplugging", StringComparison.Ordinal))
        {
            throw fixedDevice(e);
        }
    }
}
