using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Storage;

/// <summary>
/// A directory of disks with an id of its own, by which one that is not mounted is missed, and by which the cloud knows which hosts see the same disks.
/// One that several hosts have mounted keeps for each disk the highest incarnation that was ever granted: a fencing token, checked where the disk is.
/// </summary>
public sealed class StoreDirectory
{
    /// <summary>What the file with the id is called, and what begins with it while it is made.</summary>
    public const string Mark = ".kumoi-storage";

    /// <summary>Lock files that disks share. Too few: hosts wait for each other; too many: a directory full of empty files.</summary>
    private const int Stripes = 64;

    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(10), LockPause = TimeSpan.FromMilliseconds(20);

    private readonly string _marked, _away;
    private readonly bool _shared;
    private readonly TimeProvider _clock;

    private StoreDirectory(string marked, string directory, string id, bool shared, string away, TimeProvider clock) =>
        (_marked, Disks, Id, _shared, _away, _clock) = (marked, directory, id, shared, away, clock);

    public string Id { get; }

    /// <summary>Where the disks are, a directory each.</summary>
    public string Disks { get; }

    /// <summary>Reads the id, or gives the directory one: of several hosts that do so together, one succeeds and the others read what it wrote.</summary>
    /// <param name="shared">Several hosts have mounted it.</param>
    /// <param name="away">The word for conditions that it is not mounted any more.</param>
    public static StoreDirectory Open(string directory, bool shared, string away, TimeProvider clock)
    {
        var file = MarkOf(directory);
        if (!File.Exists(file))
        {
            var own = $"{file}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
            DurableFiles.Write(own, Encoding.ASCII.GetBytes($"st-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(9))[..17]}"), AgentModes.PublicFile);
            try
            {
                // A link is never made over a file that is there, on network file systems too.
                if (Libc.Link(own, file) < 0 && !File.Exists(file)) throw Libc.Failed($"Marking {directory} as a place for disks failed");
            }
            finally
            {
                File.Delete(own);
            }
            DurableFiles.FlushDirectory(directory);
        }
        return new StoreDirectory(directory, directory, IdOf(directory) ?? throw new IOException($"The file {file} does not hold the id of a storage."), shared, away, clock);
    }

    /// <summary>A directory below it that has the same id.</summary>
    public StoreDirectory Part(string name, string away)
    {
        CheckMounted();
        var directory = Path.Combine(Disks, name);
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        return new StoreDirectory(_marked, directory, Id, _shared, away, _clock);
    }

    /// <summary>The id that the directory is marked with; null if with none.</summary>
    public static string? IdOf(string directory)
    {
        var file = MarkOf(directory);
        return File.Exists(file) && File.ReadAllText(file).Trim() is var id && ObjectNames.IsId(id) ? id : null;
    }

    /// <summary>Throws if the directory is not the one that was opened.</summary>
    public void CheckMounted()
    {
        // Where nothing is mounted any more, the directory below would look like a new and empty storage.
        if (IdOf(_marked) != Id)
            throw new HypervisorException(_away, $"The directory {_marked} is not the storage {Id} any more: it is not mounted, or another is.", null);
    }

    /// <summary>The same for what takes no time.</summary>
    public Task HoldAsync(string diskId, int incarnation, Action act, CancellationToken cancel) => HoldAsync(diskId, incarnation, () =>
    {
        act();
        return Task.CompletedTask;
    }, cancel);

    /// <summary>
    /// Does something to a disk in the name of an incarnation, alone among all hosts. The grant is raised to that incarnation first;
    /// one that is lower than the grant is refused, since the disk has been another host's since then.
    /// </summary>
    public async Task HoldAsync(string diskId, int incarnation, Func<Task> act, CancellationToken cancel)
    {
        CheckMounted();
        if (!_shared)
        {
            await act();
            return;
        }
        using var held = await LockAsync(diskId, cancel);
        var granted = Granted(diskId);
        if (granted > incarnation) throw Fenced(incarnation);
        if (granted < incarnation)
        {
            DurableFiles.MakeDirectory(DirectoryOf(diskId), AgentModes.Passable);
            DurableFiles.Write(GrantOf(diskId), Encoding.ASCII.GetBytes(incarnation.ToString(CultureInfo.InvariantCulture)), AgentModes.PrivateFile);
            DurableFiles.FlushDirectory(DirectoryOf(diskId));
        }
        await act();
    }

    /// <summary>What is said to a placement that is over.</summary>
    public static HypervisorException Fenced(int incarnation) =>
        new("fenced", $"It was given to another host since: the disk belongs to a later incarnation than {incarnation}.", null);

    /// <summary>The highest incarnation granted; 0 if none was.</summary>
    public int Granted(string diskId)
    {
        var file = GrantOf(diskId);
        if (!_shared || !File.Exists(file)) return 0;
        return int.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var incarnation) ? incarnation
            : throw new IOException($"The file {file} does not hold an incarnation; without it nobody can tell whose the disk is.");
    }

    public string DirectoryOf(string diskId) => Path.Combine(Disks, diskId);

    private async Task<SafeFileHandle> LockAsync(string diskId, CancellationToken cancel)
    {
        var locks = Path.Combine(Disks, ".kumoi-locks");
        DurableFiles.MakeDirectory(locks, AgentModes.PrivateDirectory);
        var stripe = SHA256.HashData(Encoding.ASCII.GetBytes(diskId))[0] % Stripes;
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
                if (_clock.GetElapsedTime(since) > LockLimit) throw new HypervisorException("storage-busy", "Another host has held the disk's lock on the shared storage for more than 10 s.", null);
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

    private static string MarkOf(string directory) => Path.Combine(directory, Mark);

    private string GrantOf(string diskId) => Path.Combine(DirectoryOf(diskId), "grant");
}
