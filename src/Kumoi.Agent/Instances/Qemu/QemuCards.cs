using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The network cards of a running QEMU: read, plugged in and taken out by QMP. Nothing is remembered: what the process has is read from it each
/// time, so that each part of a change may be the last one before the agent ends.
/// </summary>
internal static partial class QemuCards
{
    public const string Driver = "virtio-net-pci";

    // A guest that has taken its process over must not make the report larger than servers take.
    private const int CardsMax = 32;

    private const string BackendPrefix = "net-", FormerBackendPrefix = "net";

    /// <summary>The name of what leads from a card to its tap.</summary>
    public static string BackendOf(string card) =>
        card.StartsWith(GuestCard.FormerPrefix, StringComparison.Ordinal) ? FormerBackendPrefix + card[GuestCard.FormerPrefix.Length..] : BackendPrefix + card;

    public static async Task<IReadOnlyList<GuestCard>> ReadAsync(QmpClient qmp, CancellationToken cancel)
    {
        var devices = await QemuPorts.DevicesAsync(qmp, MachineParts.CardDrivers, cancel);
        // The one place where QEMU names backends that no card uses.
        return Parse(devices, await qmp.AskAsync("human-monitor-command", arguments => arguments.WriteString("command-line", "info network"), text => text.GetString() ?? "", cancel));
    }

    /// <param name="devices">Ids of the network cards.</param>
    /// <param name="networks">What <c>info network</c> prints.</param>
    public static IReadOnlyList<GuestCard> Parse(IReadOnlySet<string> devices, string networks)
    {
        var backends = BackendForm().Matches(networks).Select(match => match.Groups[1].Value).ToHashSet();
        var cards = backends.Select(CardOf).OfType<string>().Union(devices);
        return [.. cards.Order(StringComparer.Ordinal).Take(CardsMax).Select(card => new GuestCard(card, devices.Contains(card), backends.Contains(BackendOf(card))))];
    }

    private static string? CardOf(string backend) =>
        backend.StartsWith(BackendPrefix, StringComparison.Ordinal) ? backend[BackendPrefix.Length..]
        : backend.StartsWith(FormerBackendPrefix, StringComparison.Ordinal) ? GuestCard.FormerPrefix + backend[FormerBackendPrefix.Length..]
        : null;

    /// <param name="openTap">Opens the tap; asked only when nobody else has it open any more.</param>
    public static async Task PlugAsync(QmpClient qmp, CardIntent card, Func<Task<SafeFileHandle>> openTap, CancellationToken cancel)
    {
        var wanted = card.Interface;
        var (backend, descriptor) = (BackendOf(wanted.Id), DescriptorOf(wanted.Id));
        // A tap is opened once at a time, and what an agent that was killed had left half-way still holds it.
        await DropBackendAsync(qmp, wanted.Id, cancel);
        using (var tap = await openTap())
            await qmp.ExecuteAsync("getfd", arguments => arguments.WriteString("fdname", descriptor), tap, cancel);
        await qmp.ExecuteAsync("netdev_add", arguments =>
        {
            arguments.WriteString("type", "tap");
            arguments.WriteString("id", backend);
            arguments.WriteString("fd", descriptor);
            arguments.WriteBoolean("vhost", false);
        }, cancel);
        var port = CardPorts.Choose(wanted.Index, await QemuPorts.FreeAsync(qmp, cancel))
            ?? throw new HypervisorException("no-free-slot", "The guest has no free slot for another network card; it has the card after its next start.", null);
        await qmp.ExecuteAsync("device_add", arguments =>
        {
            arguments.WriteString("driver", MachineParts.CardDriver(card.Emulated));
            arguments.WriteString("id", wanted.Id);
            arguments.WriteString("netdev", backend);
            arguments.WriteString("mac", wanted.MacAddress);
            arguments.WriteString("bus", port);
            // Without an address a card is put beside another one in the port, where no guest looks for it.
            arguments.WriteString("addr", "0x0");
            if (!card.Emulated) arguments.WriteNumber("host_mtu", card.Mtu);
            arguments.WriteString("romfile", "");
        }, cancel);
    }

    public static async Task UnplugAsync(QmpClient qmp, string card, CancellationToken cancel)
    {
        if ((await ReadAsync(qmp, cancel)).Any(present => present.Id == card && present.Device)) await AskAsync(qmp, card, cancel);
        else await DropBackendAsync(qmp, card, cancel);
    }

    private static Task AskAsync(QmpClient qmp, string card, CancellationToken cancel) => QemuPorts.AskBackAsync(
        qmp, card, cause => new HypervisorException("card-fixed", "The guest was started by a version whose first network cards cannot be taken out while it runs; the card is not there after its next start.", cause), cancel);

    /// <summary>Takes away what leads to the tap; nothing happens if it is not there.</summary>
    private static async Task DropBackendAsync(QmpClient qmp, string card, CancellationToken cancel)
    {
        await UnlessMissingAsync(qmp.ExecuteAsync("closefd", arguments => arguments.WriteString("fdname", DescriptorOf(card)), cancel));
        await UnlessMissingAsync(qmp.ExecuteAsync("netdev_del", arguments => arguments.WriteString("id", BackendOf(card)), cancel));
    }

    private static async Task UnlessMissingAsync(Task command)
    {
        try
        {
            await command;
        }
        catch (QmpRefusedException e) when (e.Words.Contains("not found", StringComparison.Ordinal))
        {
            // As it should be.
        }
    }

    private static string DescriptorOf(string card) => "tap-" + card;

    [GeneratedRegex(@"^[ \\]*([A-Za-z0-9._-]+): index=\d+,type=tap,", RegexOptions.Multiline)] private static partial Regex BackendForm();
}
