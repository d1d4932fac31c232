using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Storage;

/// <summary>
/// A directory of disks that several hosts have mounted. It has an id of its own, by which the cloud knows which hosts see the same disks, and
/// keeps for each instance the highest incarnation that was ever granted: a fencing token, checked where the disk is.
/// </summary>
public sealed class SharedStorage
{
    /// <summary>Lock files that instances share. Too few: hosts wait for each other; too many: a directory full of empty files.</summary>
    private const int Stripes = 64;

    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(10), LockPause = TimeSpan.FromMilliseconds(20);

    private readonly string _directory;
    private readonly TimeProvider _clock;

    private SharedStorage(string directory, string id, TimeProvider clock) => (_directory, Id, _clock) = (directory, id, clock);

    public string Id { get; }

    /// <summary>Reads the id, or gives the directory one: of several hosts that do so together, one succeeds and the others read what it wrote.</summary>
    public static SharedStorage Open(string directory, TimeProvider clock)
    {
        var file = IdFile(directory);
        if (!File.Exists(file))
        {
            var own = $"{file}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
            DurableFiles.Write(own, Encoding.ASCII.GetBytes($"st-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(9))[..17]}"), AgentModes.PublicFile);
            try
            {
                // A link is never made over a file that is there, on network file systems too.
                if (Libc.Link(own, file) < 0 && !File.Exists(file)) throw Libc.Failed($"Marking {directory} as shared storage failed");
            }
            finally
            {
                File.Delete(own);
            }
            DurableFiles.FlushDirectory(directory);
        }
        return new SharedStorage(directory, ReadId(directory) ?? throw new IOException($"The file {file} does not hold the id of a shared storage."), clock);
    }

    /// <summary>
    /// Does something to an instance's disk in the name of an incarnation, alone among all hosts. The grant is raised to that incarnation first;
    /// one that is lower than the grant is refused, since the disk has been another host's since then.
    /// </summary>
    public async Task HoldAsync(string instanceId, int incarnation, Action act, CancellationToken cancel)
    {
        // Where nothing is mounted any more, the directory below would look like a new and empty storage.
        if (ReadId(_directory) != Id)
            throw new HypervisorException("storage-away", $"The directory {_directory} is not the shared storage {Id} any more: it is not mounted, or another is.", null);
        using var held = await LockAsync(instanceId, cancel);
        var granted = Granted(instanceId);
        if (granted > incarnation) throw Fenced(incarnation);
        if (granted < incarnation)
        {
            DurableFiles.MakeDirectory(DirectoryOf(instanceId), AgentModes.Passable);
            DurableFiles.Write(GrantOf(instanceId), Encoding.ASCII.GetBytes(incarnation.ToString(CultureInfo.InvariantCulture)), AgentModes.PrivateFile);
            DurableFiles.FlushDirectory(DirectoryOf(instanceId));
        }
        act();
    }

    /// <summary>What is said to a placement that is over.</summary>
    public static HypervisorException Fenced(int incarnation) =>
        new("fenced", $"The instance was given to another host since: its disk belongs to a later incarnation than {incarnation}.", null);

    /// <summary>The highest incarnation granted; 0 if none was.</summary>
    public int Granted(string instanceId)
    {
        var file = GrantOf(instanceId);
        if (!File.Exists(file)) return 0;
        return int.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var incarnation) ? incarnation
            : throw new IOException($"The file {file} does not hold an incarnation; without it nobody can tell whose the disk is.");
    }

    private async Task<SafeFileHandle> LockAsync(string instanceId, CancellationToken cancel)
    {
        var locks = Path.Combine(_directory, ".kumoi-locks");
        DurableFiles.MakeDirectory(locks, AgentModes.PrivateDirectory);
        var stripe = SHA256.HashData(Encoding.ASCII.GetBytes(instanceId))[0] % Stripes;
        // Never removed, so that two hosts cannot hold locks on two files of one name. Opened without .NET's file classes, which lock what they open.
        var path = Path.Combine(locks, stripe.ToString("00", CultureInfo.InvariantCulture));
        var file = new SafeFileHandle(Libc.Open(path, Libc.ReadWrite | Libc.Create | Libc.CloseOnExec, (int)AgentModes.PrivateFile), ownsHandle: true);
        if (file.IsInvalid) throw Libc.Failed($"Opening {path} failed");
        var since = _clock.GetTimestamp();
        try
        {
            while (Libc.Lock((int)file.DangerousGetHandle(), Libc.LockExclusive | Libc.LockWithoutWaiting) < 0)
            {
                if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Libc.WouldBlock) throw Libc.Failed($"Locking {path} failed");
                if (_clock.GetElapsedTime(since) > LockLimit) throw new HypervisorException("storage-busy", "Another host has held the instance's lock on the shared storage for more than 10 s.", null);
                await Task.Delay(LockPause, _clock, cancel);
            }
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static string? ReadId(string directory)
    {
        var file = IdFile(directory);
        return File.Exists(file) && File.ReadAllText(file).Trim() is var id && ObjectNames.IsId(id) ? id : null;
    }

    private static string IdFile(string directory) => Path.Combine(directory, ".kumoi-storage");

    private string DirectoryOf(string instanceId) => Path.Combine(_directory, instanceId);

    private string GrantOf(string instanceId) => Path.Combine(DirectoryOf(instanceId), "grant");
}
