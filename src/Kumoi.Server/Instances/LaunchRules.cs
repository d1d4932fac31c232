using System.Text;
using Kumoi.Api;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Instances;

/// <summary>What a launch request must satisfy before anything is looked up.</summary>
public static class LaunchRules
{
    public const int CountMax = 100, UserDataBytesMax = 64 * 1024, PriorityMax = 1000;

    public static IReadOnlyList<Violation> Check(LaunchInstance launch, string? name) => [.. new List<Violation?>
    {
        name is null ? null : Names.Check("name", name),
        launch.Count is < 1 or > CountMax ? new Violation("count", "between", 1, CountMax) : null,
        launch.MinCount is { } least && (least < 1 || least > (launch.Count ?? 1)) ? new Violation("minCount", "between", 1, launch.Count ?? 1) : null,
        launch.DeleteRootVolume is not null && launch.RootVolume is not null ? new Violation("deleteRootVolume", "root-volume-or-size") : null,
        launch.UserData is { } data && Encoding.UTF8.GetByteCount(data) > UserDataBytesMax ? new Violation("userData", "too-many-bytes", UserDataBytesMax) : null,
        launch.Recovery is not (null or "wait" or "restart") ? new Violation("recovery", "one-of", "wait, restart") : null,
        launch.RecoveryPriority is < 0 or > PriorityMax ? new Violation("recoveryPriority", "between", 0, PriorityMax) : null,
        launch.Image is null && launch.RootVolume is null ? new Violation("image", "required") : null,
        launch.RootVolume is not null && launch.Count is > 1 ? new Violation("rootVolume", "one-instance-only") : null,
        launch.RootVolume is not null && launch.DiskGib is not null ? new Violation("diskGib", "root-volume-or-size") : null,
        launch.DiskGib is < 1 or > Volumes.VolumeRules.SizeMax ? new Violation("diskGib", "between", 1, Volumes.VolumeRules.SizeMax) : null,
        launch.SecurityGroups is { Count: > InterfaceCatalogue.SecurityGroupsMax } ? new Violation("securityGroups", "at-most", InterfaceCatalogue.SecurityGroupsMax) : null,
    }.OfType<Violation>(), .. InterfaceRules.Check(launch), .. LaunchVolumes.Check(launch.Volumes), .. Tags.CheckNew(launch.Tags), .. Tags.CheckNew(launch.VolumeTags), .. Tags.CheckNew("requiredLabels", launch.RequiredLabels), .. MetadataOptions.Of(launch).Check()];

    /// <summary>One name, or NAME-1 to NAME-N; without a name each is called by its id.</summary>
    public static IReadOnlyList<string?> InstanceNames(string? name, int? count) =>
        name is null ? [.. Enumerable.Repeat<string?>(null, count ?? 1)] : count is null or 1 ? [name] : [.. Enumerable.Range(1, count.Value).Select(i => $"{name}-{i}")];
}
