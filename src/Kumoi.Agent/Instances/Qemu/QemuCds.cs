using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The CD drive of a running QEMU: read and changed by QMP. What is in the drive is read from the process each time, so that each part of a change may be the last
/// one before the agent ends. Only a tray that is open with the right CD in it does not tell who has left it so; a change to what is there already closes it.
/// </summary>
internal static class QemuCds
{
    /// <summary>Told of a medium that no image is: it is taken out, whatever it is.</summary>
    private const string Unknown = "";

    /// <summary>Null if the process has no drive.</summary>
    public static Task<GuestCd?> ReadAsync(QmpClient qmp, CancellationToken cancel) => qmp.AskAsync("query-block", null, Understand, cancel);

    private static GuestCd? Understand(JsonElement drives)
    {
        foreach (var drive in drives.EnumerateArray())
        {
            if (!drive.TryGetProperty("qdev", out var device) || device.GetString() != CdParts.Device) continue;
            string? image = drive.TryGetProperty("inserted", out var medium) ? CdParts.ImageOf(NameOf(medium)) ?? Unknown : null;
            return new GuestCd(image, drive.TryGetProperty("tray_open", out var open) && open.GetBoolean(), drive.GetProperty("locked").GetBoolean());
        }
        return null;
    }

    /// <param name="file">Where the image is; asked only if there is one.</param>
    /// <param name="force">The tray is opened though the guest keeps it closed.</param>
    public static async Task ChangeAsync(QmpClient qmp, DesiredImage? image, Func<DesiredImage, string> file, bool force, CancellationToken cancel)
    {
        var before = await ReadAsync(qmp, cancel) ?? throw new HypervisorException("no-cd-drive", "The guest has no CD drive; it has one after its next stop and start.", null);
        if (before.ImageId == image?.Id)
        {
            if (before.TrayOpen) await CloseAsync(qmp, cancel);
            return;
        }
        if (!before.TrayOpen)
        {
            // Of a tray that the guest keeps closed this is only a request; that it was opened is told by an event.
            await QemuDrives.SendAsync(qmp, "blockdev-open-tray", new JsonObject { ["id"] = CdParts.Device, ["force"] = force }, cancel);
            if (await ReadAsync(qmp, cancel) is not { TrayOpen: true }) return;
        }
        await QemuDrives.SendAsync(qmp, "blockdev-remove-medium", new JsonObject { ["id"] = CdParts.Device }, cancel);
        foreach (var node in await LeftAsync(qmp, cancel)) await QemuDrives.SendAsync(qmp, "blockdev-del", new JsonObject { ["node-name"] = node }, cancel);
        if (image is not null)
        {
            foreach (var node in CdParts.Nodes(image.Id, file(image))) await QemuDrives.SendAsync(qmp, "blockdev-add", node, cancel);
            await QemuDrives.SendAsync(qmp, "blockdev-insert-medium", new JsonObject { ["id"] = CdParts.Device, ["node-name"] = CdParts.MediumOf(image.Id) }, cancel);
        }
        await CloseAsync(qmp, cancel);
    }

    private static Task CloseAsync(QmpClient qmp, CancellationToken cancel) => QemuDrives.SendAsync(qmp, "blockdev-close-tray", new JsonObject { ["id"] = CdParts.Device }, cancel);

    /// <summary>Parts of media that are in no drive, those first that are over others.</summary>
    private static Task<IReadOnlyList<string>> LeftAsync(QmpClient qmp, CancellationToken cancel) => qmp.AskAsync<IReadOnlyList<string>>(
        "query-named-block-nodes", arguments => arguments.WriteBoolean("flat", true), found => [.. found.EnumerateArray().Select(NameOf).Where(CdParts.IsPart).OrderBy(name => CdParts.ImageOf(name) is null)], cancel);

    private static string NameOf(JsonElement node) => node.TryGetProperty("node-name", out var name) ? name.GetString() ?? "" : "";
}
