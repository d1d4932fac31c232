using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>How a host gives volumes to other hosts, and has them from others. It is asked once, when the agent starts.</summary>
/// <param name="Protocols"><see cref="VolumeProtocols"/>; null: in no way.</param>
/// <param name="Lacking">Why not in all of them, in a sentence for the log; null: in all.</param>
public sealed record ExportWays(IReadOnlyList<string>? Protocols, string? Lacking)
{
    /// <summary>Of a host whose volumes are simulated.</summary>
    public static ExportWays All { get; } = new(VolumeProtocols.Known, null);

    /// <summary>What is needed for iSCSI. QEMU's part is a module of its own in some distributions, and in others built in.</summary>
    private static readonly string[] Programs = [TargetCommand.Program, "unshare"], QemuModules = ["/usr/lib/*/qemu/block-iscsi.so", "/usr/lib*/qemu/block-iscsi.so", "/usr/lib*/qemu-kvm/block-iscsi.so"];

    private const string FuseDevice = "/dev/fuse";

    /// <param name="user">Any that nothing else runs as.</param>
    public static async Task<ExportWays> FindAsync(Commands commands, uint user, CancellationToken cancel)
    {
        if (!Commands.IsThere(ExportCommand.Program)) return new ExportWays(null, $"Volumes are not given to other hosts: the program {ExportCommand.Program} is missing.");
        return await LackingAsync(commands, user, cancel) is { } what
            ? new ExportWays([VolumeProtocols.Nbd, VolumeProtocols.Move], $"Volumes are not given to other hosts by iSCSI: {what}.") : new ExportWays([VolumeProtocols.Nbd, VolumeProtocols.Iscsi, VolumeProtocols.Move], null);
    }

    private static async Task<string?> LackingAsync(Commands commands, uint user, CancellationToken cancel)
    {
        if (Programs.FirstOrDefault(program => !Commands.IsThere(program)) is { } missing) return $"the program {missing} is missing";
        if (!QemuModules.Any(IsAnyThere)) return "QEMU has no driver for it (package qemu-block-extra)";
        // As udev makes it: the process that mounts is a user that may do nothing else.
        if (!File.Exists(FuseDevice) || !File.GetUnixFileMode(FuseDevice).HasFlag(UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) return $"{FuseDevice} is not there, or not open to all users";
        try
        {
            // Kernels and distributions forbid it in several ways: what is tried is what is done later.
            var tried = await commands.TryRunAsync(QemuCommand.Program, [.. ExportCommand.InNamespaces(user), "true"], cancel);
            return tried.Succeeded ? null : $"a user may not mount in a namespace of its own ({(tried.Error.Length > 200 ? tried.Error[^200..] : tried.Error).Trim()})";
        }
        catch (CommandFailedException e)
        {
            return $"it could not be found out whether a user may mount in a namespace of its own ({e.Message})";
        }
    }

    private static bool IsAnyThere(string pattern)
    {
        var parts = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> found = ["/"];
        foreach (var part in parts[..^1]) found = found.Where(Directory.Exists).SelectMany(directory => Directory.EnumerateDirectories(directory, part));
        return found.Any(directory => File.Exists(Path.Combine(directory, parts[^1])));
    }
}
