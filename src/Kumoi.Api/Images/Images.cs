namespace Kumoi.Api;

/// <summary>A disk that instances start from.</summary>
/// <param name="Visibility"><c>private</c> (its account) or <c>public</c> (every account may launch from it).</param>
/// <param name="State"><c>pending</c> (bytes still to come or being checked), <c>available</c>, or <c>failed</c> (see conditions).</param>
/// <param name="Format"><c>qcow2</c>, <c>raw</c>, or <c>iso</c>: a CD, which instances start from beside an empty disk.</param>
/// <param name="SizeBytes">Bytes stored; null until all are there.</param>
/// <param name="VirtualSizeBytes">Size of the disk a guest sees; null until checked.</param>
/// <param name="Sha256">SHA-256 of the stored bytes, lower-case hex; null until all are there.</param>
/// <param name="ReceivedBytes">Bytes received so far by an upload or import.</param>
/// <param name="ExpectedBytes">Bytes the source said it would send, if it said so.</param>
/// <param name="Os">What system it holds, as its maker calls it; empty: not said.</param>
/// <param name="MinDiskGib">Instances need a root disk of at least so many GiB.</param>
/// <param name="MinMemoryMib">Instances need at least so many MiB of memory.</param>
/// <param name="DeprecatedAt">Since when another image should be chosen; it still works. Null: it is not deprecated.</param>
/// <param name="Accounts">Other accounts that may use it, while it is private. Told to its own account only.</param>
/// <param name="Hosts">Hosts that have it, or are to; told to operators, of one image.</param>
/// <param name="Architecture">The processors that it is for: <c>x86_64</c>.</param>
/// <param name="Firmware">What starts its instances: <c>bios</c> or <c>uefi</c>.</param>
/// <param name="DeviceModel">What its instances see of disk and network: <c>virtio</c>, or <c>emulated</c> for systems without drivers for that.</param>
public sealed record Image(
    string Id, string Name, Ref Account, string Visibility, string State, string Format, string? SourceUrl, string DefaultUser,
    long? SizeBytes, long? VirtualSizeBytes, string? Sha256, long ReceivedBytes, long? ExpectedBytes,
    IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt, string Description, string Os, int MinDiskGib, int MinMemoryMib, DateTimeOffset? DeprecatedAt, IReadOnlyList<Ref>? Accounts,
    string Architecture, string Firmware, string DeviceModel, IReadOnlyList<ImageOnHost>? Hosts = null);

/// <summary>Registers an image. With <paramref name="Url"/> the cloud fetches the bytes itself; without, they are sent by
/// <c>PUT /images/{id}/content</c>.</summary>
/// <param name="Sha256">If given, other bytes are refused.</param>
/// <param name="FromInstance">It is made of what is on the volume that this instance starts from, while its guest runs or not.</param>
/// <param name="FromVolume">Of what is on this volume.</param>
/// <param name="FromSnapshot">Of this snapshot.</param>
/// <param name="DefaultUser">The name to log in with, shown by clients. Default <c>root</c>.</param>
/// <param name="Format">What the bytes must be; default: a disk or a CD, as they say themselves.</param>
/// <param name="Firmware"><c>bios</c> (default) or <c>uefi</c>.</param>
/// <param name="DeviceModel"><c>virtio</c> (default) or <c>emulated</c>.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateImage(string Name, string? Format, string? Url, string? Sha256, string? Visibility, string? DefaultUser, string? Description = null, string? Os = null, int? MinDiskGib = null, int? MinMemoryMib = null,
    string? Architecture = null, string? Firmware = null, string? DeviceModel = null, string? FromInstance = null, string? FromVolume = null, string? FromSnapshot = null,
    IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes an image; what is absent stays. Its bytes never change.</summary>
/// <param name="Firmware">For instances launched from now on; others keep theirs.</param>
/// <param name="DeviceModel">The same.</param>
/// <param name="Deprecated">Another image should be chosen; it still works, and lists leave it out unless asked.</param>
/// <param name="Accounts">Names or ids of all other accounts that may use it while it is private; empty: none.</param>
public sealed record UpdateImage(
    string? Name, string? Description, string? Os, int? MinDiskGib, int? MinMemoryMib, string? DefaultUser, string? Visibility, bool? Deprecated, IReadOnlyList<string>? Accounts,
    string? Architecture = null, string? Firmware = null, string? DeviceModel = null);
