using System.Globalization;
using System.Text.RegularExpressions;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// What the layers of a volume are called: the first is <c>base.qcow2</c>, later ones <c>layer-N.qcow2</c>, and in a guest's process each has a node that
/// tells its number. Pure.
/// </summary>
internal static partial class LayerNames
{
    public const string Base = "base.qcow2";

    /// <summary>The highest number. A node's name has 31 characters at most: the letter, eight digits, a dash, and a volume's id.</summary>
    public const int Highest = 99_999_999;

    public static string File(int number) => number == 0 ? Base : string.Create(CultureInfo.InvariantCulture, $"layer-{number}.qcow2");

    /// <summary>The number of a layer's file; null if the name is none of a layer.</summary>
    public static int? NumberOf(string name) =>
        name == Base ? 0 : FileForm().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    /// <summary>The node of the format.</summary>
    public static string Node(int number, string volumeId) => number == 0 ? volumeId : string.Create(CultureInfo.InvariantCulture, $"l{number}-{volumeId}");

    /// <summary>The node of the file below that.</summary>
    public static string FileNode(int number, string volumeId) => string.Create(CultureInfo.InvariantCulture, $"f{(number == 0 ? "" : number.ToString(CultureInfo.InvariantCulture))}-{volumeId}");

    /// <summary>The layer of a volume that a format's node is; null for any other.</summary>
    public static int? NumberOfNode(string node, string volumeId) =>
        node == volumeId ? 0 : node.EndsWith("-" + volumeId, StringComparison.Ordinal) && NodeForm().Match(node[..^(volumeId.Length + 1)]) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    /// <summary>The same of the node of a file.</summary>
    public static int? NumberOfFileNode(string node, string volumeId) =>
        node == FileNode(0, volumeId) ? 0 : node.StartsWith('f') ? NumberOfNode("l" + node[1..], volumeId) : null;

    /// <summary>The name of an image's file, as the cache has it.</summary>
    public static bool IsImage(string name) => ImageForm().IsMatch(name);

    [GeneratedRegex(@"\Alayer-([1-9][0-9]{0,7})\.qcow2\z")] private static partial Regex FileForm();

    [GeneratedRegex(@"\Al([1-9][0-9]{0,7})\z")] private static partial Regex NodeForm();

    [GeneratedRegex(@"\A[0-9a-f]{64}\.[a-z0-9]{1,8}\z")] private static partial Regex ImageForm();
}
