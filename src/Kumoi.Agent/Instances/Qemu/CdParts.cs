using System.Text.Json.Nodes;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// What QEMU makes a CD drive from. The drive is always there, so that a CD can be put in while the guest runs; what is in it is a node that carries the
/// image's id, so that the process itself tells which it is. Pure.
/// </summary>
internal static class CdParts
{
    public const string Device = "cd0";

    /// <summary>What the names of the parts begin with; a node's name has 31 characters at most, and the longest of these 25.</summary>
    private const string Medium = "cd-", File = "cdf-";

    public static string MediumOf(string imageId) => Medium + imageId;

    /// <summary>The image whose medium a node is; null for any other node.</summary>
    public static string? ImageOf(string node) => node.StartsWith(Medium, StringComparison.Ordinal) && ObjectNames.IsId(node[Medium.Length..]) ? node[Medium.Length..] : null;

    /// <summary>True of a node that is a part of any medium.</summary>
    public static bool IsPart(string node) => ImageOf(node) is not null || (node.StartsWith(File, StringComparison.Ordinal) && ObjectNames.IsId(node[File.Length..]));

    /// <summary>From the lowest to the highest. The bytes are a CD's, whatever else they look like.</summary>
    public static IReadOnlyList<JsonObject> Nodes(string imageId, string file)
    {
        if (!ObjectNames.IsId(imageId)) throw new HypervisorException("cd-refused", "The CD has no valid id.", null);
        return
        [
            new JsonObject { ["driver"] = "file", ["node-name"] = File + imageId, ["filename"] = file, ["read-only"] = true },
            new JsonObject { ["driver"] = "raw", ["node-name"] = Medium + imageId, ["file"] = File + imageId, ["read-only"] = true },
        ];
    }

    /// <summary>The arguments that give a guest the drive, and what is in it from the start. A guest starts from the CD if there is one that can be started from, else from its disk.</summary>
    public static IEnumerable<string> Arguments((string ImageId, string File)? medium) =>
    [
        .. medium is { } one ? Nodes(one.ImageId, one.File).SelectMany(node => new[] { "-blockdev", node.ToJsonString() }) : [],
        "-device", $"ide-cd,id={Device},bus=ide.1,bootindex=0{(medium is { } present ? $",drive={MediumOf(present.ImageId)}" : "")}",
    ];
}
