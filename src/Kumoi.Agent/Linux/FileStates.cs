namespace Kumoi.Agent.Linux;

/// <summary>What the kernel tells of a file beside its length. Links are not followed.</summary>
internal static class FileStates
{
    // The unit of st_blocks, whatever the file system's own is.
    private const long BlockBytes = 512;

    /// <summary>Bytes that the file takes; holes take none. 0 if it is not there.</summary>
    public static long BytesUsed(string path) => Of(path) is { } status ? (long)status.Blocks * BlockBytes : 0;

    /// <summary>The file's user; null if it is not there.</summary>
    public static uint? UserOf(string path) => Of(path)?.User;

    /// <summary>The file's group; null if it is not there.</summary>
    public static uint? GroupOf(string path) => Of(path)?.Group;

    /// <summary>True if the file is there, is root's, and nobody may write to it.</summary>
    public static bool IsSealed(string path) => Of(path) is { User: 0 } status && (status.Mode & 0x92) == 0;

    private static Libc.FileStatus? Of(string path)
    {
        if (Libc.Status(Libc.CurrentDirectory, path, Libc.NotThroughLinks, Libc.BasicStatus, out var status) == 0) return status;
        if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Libc.NoSuchEntry) return null;
        throw Libc.Failed($"Looking at {path} failed");
    }
}
