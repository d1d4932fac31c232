using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>A volume's files as a guest's process opens them.</summary>
/// <param name="File">The layer that the guest writes to.</param>
/// <param name="ImageFile">The cached image under it; null for none.</param>
public sealed record QemuDrive(DesiredVolume Volume, string File, string? ImageFile, string? ImageFormat)
{
    /// <summary>All of its layers, from the lowest to the one that the guest writes to.</summary>
    public IReadOnlyList<QemuLayer> Layers { get; init; } = [new QemuLayer(0, File)];

    /// <summary>Where the process finds the key at its start; null: the volume is not encrypted, or the key is told by QMP.</summary>
    public string? KeyFile { get; init; }

    /// <summary>What is opened of a volume that is no files; null for files.</summary>
    public Volumes.Blocks.BlockNode? Block { get; init; }

    /// <summary>Where the key is of one that another host has; null for one of this host's.</summary>
    public string? KeyDirectory { get; init; }
}

/// <summary>A layer of a volume.</summary>
public sealed record QemuLayer(int Number, string File);

/// <summary>
/// What QEMU makes a volume from, the same on the command line and by QMP: nodes for the file, the format and the limits, one on another, and the disk
/// on top. The limits are always there, so that they can be changed while the guest runs. Pure.
/// </summary>
internal static class DriveParts
{
    private const string Driver = "virtio-blk-pci", EmulatedDriver = "ide-hd";

    /// <summary>What a volume's disk may be.</summary>
    public static IReadOnlyList<string> Drivers { get; } = [Driver, EmulatedDriver];

    /// <summary>What the names of the parts begin with; a node's name has 31 characters at most, and the longest of these 24; those of layers are <see cref="LayerNames"/>'.</summary>
    public const string Throttle = "t-", Group = "g-", Key = "k-", Image = "b-", ImageFile = "bf-", Network = "n-", Credentials = "p-", Block = "d-";

    /// <summary>
    /// How long requests wait for a host that has the volume and does not answer, in seconds; after that the guest is held, and no request is lost. Too low: the guest is held
    /// each time that the host starts the process anew; too high: QEMU, which lets nobody in while it waits for requests to end, does not answer so long.
    /// </summary>
    private const int ReconnectSeconds = 10;

    /// <summary>From the lowest to the highest; each but the first is over one before it.</summary>
    public static IReadOnlyList<JsonObject> Nodes(QemuDrive drive)
    {
        var id = drive.Volume.Id;
        if (drive.Volume.Remote is { } remote)
            return
            [
                remote.Protocol == VolumeProtocols.Iscsi ? Target(drive.Volume, remote) : new JsonObject
                {
                    ["driver"] = "nbd", ["node-name"] = Network + id, ["export"] = id, ["tls-creds"] = Credentials + id, ["reconnect-delay"] = ReconnectSeconds, ["discard"] = "unmap", ["detect-zeroes"] = "unmap",
                    ["server"] = new JsonObject { ["type"] = "inet", ["host"] = remote.Address, ["port"] = remote.Port!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), ["keep-alive"] = true },
                },
                new JsonObject { ["driver"] = "throttle", ["node-name"] = Throttle + id, ["throttle-group"] = Group + id, ["file"] = Network + id },
            ];
        if (drive.Block is { } block)
        {
            var node = new JsonObject { ["node-name"] = Block + id, ["detect-zeroes"] = "unmap" };
            foreach (var (name, value) in block.Options) node[name] = value?.DeepClone();
            if (block.Secret is not null) node["key-secret"] = Key + id;
            return [node, new JsonObject { ["driver"] = "throttle", ["node-name"] = Throttle + id, ["throttle-group"] = Group + id, ["file"] = Block + id }];
        }
        var nodes = new List<JsonObject>();
        if (drive.ImageFile is { } image)
        {
            nodes.Add(new JsonObject { ["driver"] = "file", ["node-name"] = ImageFile + id, ["filename"] = image, ["read-only"] = true });
            nodes.Add(new JsonObject { ["driver"] = drive.ImageFormat, ["node-name"] = Image + id, ["file"] = ImageFile + id, ["read-only"] = true });
        }
        var below = drive.ImageFile is null ? null : Image + id;
        foreach (var layer in drive.Layers)
        {
            nodes.AddRange(LayerNodes(drive.Volume, layer, below, layer == drive.Layers[^1]));
            below = LayerNames.Node(layer.Number, id);
        }
        nodes.Add(new JsonObject { ["driver"] = "throttle", ["node-name"] = Throttle + id, ["throttle-group"] = Group + id, ["file"] = below });
        return nodes;
    }

    /// <summary>QEMU's own initiator, which comes back by itself, and sends again what was not answered, for as long as it takes.</summary>
    private static JsonObject Target(DesiredVolume volume, VolumeRemote remote) => new()
    {
        ["driver"] = "iscsi", ["node-name"] = Network + volume.Id, ["transport"] = "tcp", ["portal"] = RemoteVolumes.PlaceOf(remote).ToString(), ["target"] = TargetCommand.TargetName(volume.Id), ["lun"] = TargetCommand.Unit,
        ["initiator-name"] = TargetCommand.InitiatorName(volume.InstanceId!, remote.Incarnation), ["user"] = VolumeProtocols.User, ["password-secret"] = Credentials + volume.Id, ["discard"] = "unmap", ["detect-zeroes"] = "unmap",
    };

    /// <param name="below">The node that it is over; null for none.</param>
    /// <param name="isHead">The guest writes to it. What it does not write to may become writable, for a time, when layers are brought together.</param>
    public static IEnumerable<JsonObject> LayerNodes(DesiredVolume volume, QemuLayer layer, string? below, bool isHead)
    {
        var id = volume.Id;
        var file = LayerNames.FileNode(layer.Number, id);
        // The file is open for writing only while something above writes to it.
        yield return new JsonObject { ["driver"] = "file", ["node-name"] = file, ["filename"] = layer.File, ["auto-read-only"] = true, ["discard"] = "unmap" };
        // What is below is always said, so that nothing is opened because the file names it.
        var node = new JsonObject { ["driver"] = "qcow2", ["node-name"] = LayerNames.Node(layer.Number, id), ["file"] = file, ["backing"] = below, ["discard"] = "unmap", ["detect-zeroes"] = "unmap" };
        if (volume.Encryption is not null) node["encrypt"] = LayerKey.Encryption(Key + id);
        if (!isHead) node["read-only"] = true;
        yield return node;
    }

    /// <summary>The key of an encrypted volume, or of the place of one that is no files, for QMP; null: it needs none.</summary>
    public static JsonObject? KeyOf(QemuDrive drive) =>
        drive.Block is { } block ? block.Secret is { } secret ? new() { ["qom-type"] = "secret", ["id"] = Key + drive.Volume.Id, ["format"] = "base64", ["data"] = secret } : null
            : LayerKey.WordsOf(drive.Volume.Id, drive.Volume.Encryption) is { } key ? new() { ["qom-type"] = "secret", ["id"] = Key + drive.Volume.Id, ["data"] = key } : null;

    /// <summary>What the nodes need, beside. Of a key, for a process whose arguments all can read, only where it is.</summary>
    public static IReadOnlyList<JsonObject> Objects(QemuDrive drive) =>
    [
        GroupOf(drive.Volume),
        .. drive.KeyFile is { } file ? [SecretOf(drive, file)] : Array.Empty<JsonObject>(),
        .. drive.KeyDirectory is { } keys ? [Credential(drive.Volume, keys)] : Array.Empty<JsonObject>(),
    ];

    private static JsonObject Credential(DesiredVolume volume, string keys) => volume.Remote?.Protocol == VolumeProtocols.Iscsi
        ? new() { ["qom-type"] = "secret", ["id"] = Credentials + volume.Id, ["file"] = Path.Combine(keys, ExportCommand.KeyFile) }
        : new() { ["qom-type"] = "tls-creds-psk", ["id"] = Credentials + volume.Id, ["endpoint"] = "client", ["dir"] = keys, ["username"] = VolumeProtocols.User };

    private static JsonObject SecretOf(QemuDrive drive, string file)
    {
        var secret = new JsonObject { ["qom-type"] = "secret", ["id"] = Key + drive.Volume.Id, ["file"] = file };
        if (drive.Block is not null) secret["format"] = "base64";
        return secret;
    }

    public static JsonObject GroupOf(DesiredVolume volume) => new() { ["qom-type"] = "throttle-group", ["id"] = Group + volume.Id, ["limits"] = Limits(volume.Limits) };

    /// <summary>0 for no limit.</summary>
    public static JsonObject Limits(VolumeLimits? limits) => new() { ["iops-total"] = limits?.Iops ?? 0, ["bps-total"] = (limits?.MibPerSecond ?? 0) * Mib };

    /// <summary>The reverse; one that no record can ask for becomes a limit that differs from all of them.</summary>
    public static VolumeLimits? Read(JsonElement limits)
    {
        var (iops, bytes) = (limits.GetProperty("iops-total").GetInt64(), limits.GetProperty("bps-total").GetInt64());
        return iops == 0 && bytes == 0 ? null : new VolumeLimits(iops == 0 ? null : (int)Math.Min(iops, int.MaxValue), bytes == 0 ? null : bytes % Mib == 0 ? (int)Math.Min(bytes / Mib, int.MaxValue) : -1);
    }

    /// <summary>The disk that a guest starts from, which stays.</summary>
    /// <param name="node">The node that holds it.</param>
    /// <param name="emulated">A disk that systems without drivers for virtio know.</param>
    public static JsonObject StartDevice(string id, string node, bool emulated)
    {
        var device = new JsonObject { ["driver"] = emulated ? EmulatedDriver : Driver, ["id"] = id, ["drive"] = node, ["bootindex"] = 1 };
        if (emulated) (device["bus"], device["rotation_rate"]) = ("ide.0", 1);
        return device;
    }

    /// <param name="port">The root port that it is plugged into; null for the disk that the guest starts from.</param>
    public static JsonObject Device(DesiredVolume volume, string? port, bool emulated)
    {
        var device = port is null ? StartDevice(volume.Id, Throttle + volume.Id, emulated)
            // Without an address it is put beside another device in the port, where no guest looks for it.
            : new JsonObject { ["driver"] = Driver, ["id"] = volume.Id, ["drive"] = Throttle + volume.Id, ["bus"] = port, ["addr"] = "0x0" };
        device["serial"] = ObjectNames.Serial(volume.Of ?? volume.Id);
        // A host that is away for a time is no fault of the disk: the guest is held, and asks again when it goes on.
        if (volume.Remote is not null) (device["rerror"], device["werror"]) = ("stop", "stop");
        return device;
    }

    /// <summary>A device as an argument of the command line.</summary>
    public static string Argument(JsonObject device) => string.Join(',', device.Select(one => one.Key == "driver" ? one.Value!.ToString() : $"{one.Key}={one.Value}"));

    /// <summary>The arguments that give a guest the drive from its start.</summary>
    public static IEnumerable<string> Arguments(QemuDrive drive, bool emulated) =>
    [
        .. Objects(drive).SelectMany(one => new[] { "-object", Text(one) }), .. Nodes(drive).SelectMany(node => new[] { "-blockdev", Text(node) }),
        "-device", Argument(Device(drive.Volume, drive.Volume.Slot == 0 ? null : DrivePorts.Name(drive.Volume.Slot!.Value), emulated)),
    ];

    private const long Mib = 1024 * 1024;

    private static string Text(JsonObject value) => value.ToJsonString();
}
