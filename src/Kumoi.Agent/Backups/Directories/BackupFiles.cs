using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Backups.Directories;

/// <summary>
/// The backups of one volume in a directory: for each a file (qcow2), which names the one that it builds on by its bare name, and beside it the sum of its
/// content in the form of <c>sha256sum</c>.
/// </summary>
internal sealed class BackupFiles(StoreDirectory store, string volumeId, bool encrypted)
{
    /// <summary>Bytes read at once.</summary>
    private const int BufferSize = 1 << 20;

    private const string SumSuffix = ".sha256", PartSuffix = ".part", MergeSuffix = ".merge";

    public string Directory { get; } = store.DirectoryOf(volumeId);

    public static string NameOf(string backupId) => backupId + ".qcow2";

    public string PathOf(string backupId) => Path.Combine(Directory, NameOf(backupId));

    /// <summary>Where it is written: each incarnation has a file of its own, since a host that was slow may be at it still.</summary>
    public string PartOf(DesiredBackup backup) => string.Create(CultureInfo.InvariantCulture, $"{PathOf(backup.Id)}.{backup.Incarnation}{PartSuffix}");

    private string SumFileOf(string backupId) => PathOf(backupId) + SumSuffix;

    /// <summary>There while a backup is being written into the one that is to be deleted, whose sum says nothing meanwhile.</summary>
    public string MergeNoteOf(string childId) => PathOf(childId) + MergeSuffix;

    public void Begin()
    {
        store.CheckMounted();
        DurableFiles.MakeDirectory(Directory, AgentModes.Passable);
        DurableFiles.FlushDirectory(store.Disks);
    }

    /// <summary>The sum beside the file; of two, the later. Null: there is none.</summary>
    public string? SumOf(string backupId) =>
        File.Exists(SumFileOf(backupId)) && File.ReadAllLines(SumFileOf(backupId)) is [.., var last] && last.Split(' ')[0] is { Length: 64 } sum && sum.All(char.IsAsciiHexDigitLower) ? sum : null;

    /// <param name="sums">Two while one file takes the place of the other: one of them holds.</param>
    public void WriteSum(string backupId, params string[] sums)
    {
        DurableFiles.Write(SumFileOf(backupId), Encoding.ASCII.GetBytes(string.Concat(sums.Select(sum => $"{sum}  {NameOf(backupId)}\n"))), AgentModes.PublicFile);
        DurableFiles.FlushDirectory(Directory);
    }

    public bool HasTraces(string backupId) => System.IO.Directory.Exists(Directory) && System.IO.Directory.EnumerateFiles(Directory, NameOf(backupId) + "*").Any();

    /// <summary>Puts what was written in its place, unless another host has.</summary>
    public void Finish(DesiredBackup backup)
    {
        var (part, path) = (PartOf(backup), PathOf(backup.Id));
        if (Libc.Link(part, path) < 0 && !File.Exists(path)) throw Libc.Failed($"Putting {path} in its place failed");
        DurableFiles.FlushDirectory(Directory);
        DeleteParts(backup.Id);
    }

    public void DeleteParts(string backupId)
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        foreach (var left in System.IO.Directory.EnumerateFiles(Directory, NameOf(backupId) + ".*" + PartSuffix)) File.Delete(left);
    }

    /// <summary>Removes everything of a backup on which none builds; the file first, so that nothing offers it.</summary>
    public void Remove(string backupId)
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        File.Delete(PathOf(backupId));
        foreach (var left in System.IO.Directory.EnumerateFiles(Directory, NameOf(backupId) + "*")) File.Delete(left);
        DurableFiles.FlushDirectory(Directory);
        if (System.IO.Directory.EnumerateFileSystemEntries(Directory).Any()) return;
        System.IO.Directory.Delete(Directory);
        DurableFiles.FlushDirectory(store.Disks);
    }

    /// <summary>The header of a backup's file, if it names exactly what was recorded and nothing else that a program would open.</summary>
    /// <exception cref="HypervisorException">It is missing, or names something else.</exception>
    public Qcow2Header Check(BackupFile file)
    {
        var path = PathOf(file.Id);
        if (!File.Exists(path)) throw Damaged($"The file {NameOf(file.Id)} is not in the backup store.");
        return Qcow2Header.Read(path) is { HasDataFile: false } header && header.IsEncrypted == encrypted && header.Backing == (file.ParentId is { } parent ? NameOf(parent) : null) ? header
            : throw Damaged($"The file {NameOf(file.Id)} is not as it was written: its header is damaged, or names other files. It is not opened.");
    }

    /// <summary>The path of a file that is opened without what it builds on, whatever it names as that.</summary>
    public string CheckAlone(string backupId) => File.Exists(PathOf(backupId)) && Qcow2Header.Read(PathOf(backupId)) is { HasDataFile: false } header && header.IsEncrypted == encrypted ? PathOf(backupId)
        : throw Damaged($"The file {NameOf(backupId)} is not in the backup store, or is damaged. It is not opened.");

    /// <summary>Checks a file's header, and then all of it.</summary>
    public async Task CheckWholeAsync(BackupFile file, Action<int> read, CancellationToken cancel)
    {
        Check(file);
        if (await HashAsync(PathOf(file.Id), read, cancel) != file.Sha256)
            throw Damaged($"The file {NameOf(file.Id)} is not as it was written: its content has another sum (SHA-256) than was recorded.");
    }

    public static async Task<string> HashAsync(string path, Action<int> read, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.SequentialScan);
            int bytes;
            while ((bytes = await file.ReadAsync(buffer, cancel)) > 0)
            {
                hash.AppendData(buffer, 0, bytes);
                read(bytes);
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public long LengthOf(string backupId) => new FileInfo(PathOf(backupId)) is { Exists: true } file ? file.Length : 0;

    public static HypervisorException Damaged(string words) => new("backup-damaged", words, null);
}
