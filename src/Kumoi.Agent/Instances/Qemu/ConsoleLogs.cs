using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The files QEMU appends the serial line to. A guest may write without end, so the file's head is given back to the file system
/// (fallocate, FALLOC_FL_PUNCH_HOLE) while QEMU goes on appending: offsets stay, nothing is copied, no byte of the tail can be lost.
/// </summary>
internal static class ConsoleLogs
{
    /// <summary>Bytes of text kept. Too low loses the boot messages of a long-running guest; too high multiplies by all guests.</summary>
    private const long Keep = 1024 * 1024;

    /// <summary>The head is freed in steps of this, so that it is not done for every line.</summary>
    private const long Step = 4 * 1024 * 1024;

    /// <summary>The last bytes of the log; empty if there is none.</summary>
    public static byte[] ReadTail(string path, int most)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            var length = Math.Min(most, file.Length);
            file.Seek(-length, SeekOrigin.End);
            var bytes = new byte[length];
            return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Frees the head of a log that has grown by a step since the last time; <paramref name="freed"/> is where that ended.</summary>
    public static long Trim(string path, long freed)
    {
        if (!File.Exists(path)) return 0;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 1);
        if (file.Length < freed) freed = 0;
        if (file.Length - freed < Keep + Step) return freed;
        var end = file.Length - Keep;
        if (Libc.Allocate((int)file.SafeFileHandle.DangerousGetHandle(), Libc.PunchHole | Libc.KeepSize, 0, end) < 0)
            // A file system without holes: the log starts afresh, which QEMU, appending, takes in its stride.
            file.SetLength(0);
        return end;
    }
}
