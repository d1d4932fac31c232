using System.Globalization;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>
/// The command line of a process that gives a volume to another host: the volume's layers as a guest's process has them, with a server of the NBD protocol in place of the disk; or with a
/// file in its place, which nobody sees but this process and the target that gives it by iSCSI. Pure.
/// </summary>
internal static class ExportCommand
{
    public const string Program = "qemu-storage-daemon", KeyFile = "keys.psk";

    private const string Credentials = "tls";

    /// <summary>The file, in the export's directory.</summary>
    public const string File = "disk";

    /// <param name="user">As which user and group it runs.</param>
    /// <param name="listener">The descriptor of the socket that it listens at.</param>
    /// <param name="keys">The directory with the key.</param>
    /// <param name="socket">Where it takes commands.</param>
    public static IReadOnlyList<string> Build(QemuDrive drive, uint user, int listener, string keys, string socket)
    {
        string[] server =
        [
            "--object", $"tls-creds-psk,id={Credentials},endpoint=server,dir={QemuCommand.Escape(keys)}",
            // One connection: what a broken one has sent cannot be written after what was sent again by the next.
            "--nbd-server", string.Create(CultureInfo.InvariantCulture, $"addr.type=fd,addr.str={listener},tls-creds={Credentials},max-connections=1"),
            "--export", string.Join(',', ExportOf(drive.Volume).Select(one => $"{one.Key}={one.Value}")),
        ];
        return [.. As(user), Program, .. Layers(drive), .. server, .. Monitor(socket)];
    }

    /// <summary>The process as it is for a target of iSCSI. It mounts the file in a mount namespace of its own, which ends with the last process in it; what that needs, it may do in a user namespace of its own only.</summary>
    /// <param name="file">The file that is the volume, as long as the process lives.</param>
    public static IReadOnlyList<string> BuildFile(QemuDrive drive, uint user, string file, string socket) =>
    [
        .. InNamespaces(user), Program, .. Layers(drive),
        // Its user alone, which the target runs as too.
        "--export", $"type=fuse,id={drive.Volume.Id},node-name={DriveParts.Throttle}{drive.Volume.Id},mountpoint={QemuCommand.Escape(file)},writable=on,writethrough=on,growable=on,allow-other=off", .. Monitor(socket),
    ];

    /// <summary>As a user that may do nothing else.</summary>
    public static IEnumerable<string> As(uint user)
    {
        var number = user.ToString(CultureInfo.InvariantCulture);
        return ["--reuid", number, "--regid", number, "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"];
    }

    /// <summary>As such a user, in a user and a mount namespace of its own, in which it may mount.</summary>
    public static IEnumerable<string> InNamespaces(uint user) =>
    [
        // What is mounted or unmounted elsewhere is so here: this keeps no store from being unmounted.
        .. As(user), "unshare", "--user", "--map-root-user", "--mount", "--propagation", "slave", "--", "setpriv", "--bounding-set=-all,+sys_admin", "--",
    ];

    private static IEnumerable<string> Layers(QemuDrive drive)
    {
        // What the guest may use of it is limited where the guest is.
        var open = drive with { Volume = drive.Volume with { Limits = null } };
        return [.. DriveParts.Objects(open).SelectMany(one => new[] { "--object", one.ToJsonString() }), .. DriveParts.Nodes(open).SelectMany(node => new[] { "--blockdev", node.ToJsonString() })];
    }

    private static string[] Monitor(string socket) => ["--chardev", $"socket,id=qmp,path={QemuCommand.Escape(socket)},server=on,wait=off", "--monitor", "chardev=qmp"];

    /// <summary>The export, under the volume's own name. Each write is made to last before it is answered: the guest outlives this process, knows of no power cut, and asks for nothing to be written again.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> ExportOf(DesiredVolume volume) =>
    [
        new("type", VolumeProtocols.Nbd), new("id", volume.Id), new("node-name", DriveParts.Throttle + volume.Id), new("name", volume.Id),
        .. volume.Export is { ReadOnly: true } ? Array.Empty<KeyValuePair<string, string>>() : [new("writable", "on"), new("writethrough", "on")],
    ];

    /// <summary>The key as both ends read it.</summary>
    public static string KeyText(string key) => $"{VolumeProtocols.User}:{key}\n";
}
