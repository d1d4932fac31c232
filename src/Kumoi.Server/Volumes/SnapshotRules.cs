using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Volumes;

/// <summary>What requests about snapshots must satisfy, and how those that are taken together are called.</summary>
public static class SnapshotRules
{
    /// <summary>Of one volume. More would make its chain of layers so long that opening it takes its time; fewer is less history than a day of hourly ones and a month of daily ones.</summary>
    public const int PerVolumeMax = 64;

    private const int DescriptionMax = 1000;

    public static IEnumerable<Violation> Check(CreateSnapshot create, string? name) => new[] { name is null ? null : Names.Check("name", name), Description(create.Description) }.OfType<Violation>().Concat(Tags.CheckNew(create.Tags));

    public static IEnumerable<Violation> Check(UpdateSnapshot update) => new[] { update.Name is { } name ? Names.Check("name", Names.Normal(name)) : null, Description(update.Description) }.OfType<Violation>().Concat(Tags.Check(update.Tags));

    /// <summary>The name of the snapshot of one of several volumes, no longer than names may be.</summary>
    public static string NameOf(string name, string volumeName)
    {
        var both = name + "-" + volumeName;
        var elements = new StringInfo(both);
        var cut = elements.LengthInTextElements > Names.LengthMax ? elements.SubstringByTextElements(0, Names.LengthMax) : both;
        // What is cut off must not leave half a character, nor a blank at the end.
        while (Names.Check("name", cut) is not null && cut.Length > 1) cut = new StringInfo(cut) is { LengthInTextElements: > 1 } longer ? longer.SubstringByTextElements(0, longer.LengthInTextElements - 1) : cut[..1];
        return cut;
    }

    private static Violation? Description(string? text) => text?.Length > DescriptionMax ? new Violation("description", "too-long", DescriptionMax) : null;
}
