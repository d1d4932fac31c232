using System.Text;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// Remembers the disks of simulated hosts beyond the process: one file for all of them, a line for each that is made or removed, written
/// anew without what is over when it is opened. Not flushed: if the machine itself stops, the last disks may be missing, as on a host that lost them.
/// </summary>
public sealed class SimulatedJournal : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<string>> _read = [];
    private readonly FileStream _file;

    private SimulatedJournal(string path)
    {
        if (File.Exists(path)) Read(path);
        var compact = path + ".tmp";
        using (var lines = new StreamWriter(compact, append: false, new UTF8Encoding(false)))
            foreach (var (store, ids) in _read)
                foreach (var id in ids)
                    lines.Write($"+ {id} {store}\n");
        File.Move(compact, path, overwrite: true);
        // Unbuffered, so that a line is the kernel's as soon as it is written.
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    public static SimulatedJournal Open(string path) => new(path);

    /// <summary>The disks of a storage as the last process left them. Each storage is opened once.</summary>
    public SimulatedDisks Disks(string store)
    {
        var disks = new SimulatedDisks(store, this);
        lock (_gate)
        {
            if (_read.Remove(store, out var ids)) disks.Restore(ids);
        }
        return disks;
    }

    internal void Made(string store, string id) => Append($"+ {id} {store}\n");

    internal void Removed(string store, string id) => Append($"- {id} {store}\n");

    private void Append(string line)
    {
        lock (_gate) _file.Write(Encoding.UTF8.GetBytes(line));
    }

    private void Read(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            // A line cut off by the end of a process tells nothing.
            if (line.Split(' ', 3) is not [("+" or "-") and var change, var id, var store]) continue;
            if (!_read.TryGetValue(store, out var ids)) _read[store] = ids = [];
            if (change == "+") ids.Add(id);
            else ids.Remove(id);
        }
    }

    public void Dispose() => _file.Dispose();
}
