using System.Globalization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// A numeric user per guest, from a range derived from the cloud's tag, so that a guest that broke out of its process could touch no
/// other guest's files. The number is kept beside the disk it owns, and needs no entry in /etc/passwd.
/// </summary>
public sealed class GuestUsers(AgentPaths paths, string tag)
{
    /// <summary>First of 4,096 blocks of 65,536 numbers; far from the users of people, containers and services.</summary>
    private const uint Base = 0x5000_0000;

    private readonly Lock _gate = new();

    private uint First => Base + (uint.Parse(tag, NumberStyles.HexNumber, CultureInfo.InvariantCulture) * 2654435761u >> 20 << 16);

    /// <summary>The guest's user; one is set aside if it has none.</summary>
    public uint Assign(string id)
    {
        lock (_gate)
        {
            if (Find(id) is { } known) return known;
            var taken = Directory.Exists(paths.Instances)
                ? Directory.EnumerateDirectories(paths.Instances).Select(path => Find(Path.GetFileName(path))).ToHashSet()
                : [];
            var free = Enumerable.Range(0, 65_536).Select(number => First + (uint)number).First(user => !taken.Contains(user));
            DurableFiles.Write(Record(id), System.Text.Encoding.ASCII.GetBytes(free.ToString(CultureInfo.InvariantCulture)), AgentModes.PrivateFile);
            return free;
        }
    }

    private uint? Find(string id) =>
        File.Exists(Record(id)) && uint.TryParse(File.ReadAllText(Record(id)), NumberStyles.None, CultureInfo.InvariantCulture, out var user) ? user : null;

    private string Record(string id) => Path.Combine(paths.Instance(id), "user");
}
