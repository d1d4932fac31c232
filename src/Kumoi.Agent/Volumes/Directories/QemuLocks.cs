using Kumoi.Agent.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// The locks by which processes of QEMU's tell each other that they have an image open (open file description locks on bytes from 100 on, as
/// <c>block/file-posix.c</c> of QEMU describes): who asks for them hears from the kernel whether any does, whatever that process would answer.
/// </summary>
internal static class QemuLocks
{
    private const long First = 100, Count = 200, Writing = 101;

    /// <summary>True if a process of QEMU's has the file open for writing, or shares it with nobody who writes.</summary>
    public static bool AreHeld(string path) => AreHeld(path, Asked());

    /// <summary>True if a process of QEMU's has the file open for writing.</summary>
    public static bool IsWritten(string path) => AreHeld(path, new Libc.FileLock { Kind = Libc.WriteLock, Start = Writing, Length = 1 });

    private static bool AreHeld(string path, Libc.FileLock asked)
    {
        using var file = Open(path, Libc.ReadOnly);
        if (Libc.Control((int)file.DangerousGetHandle(), Libc.OpenFileGetLock, ref asked) < 0) throw Libc.Failed($"Asking for the locks of {path} failed");
        return asked.Kind != Libc.NoLock;
    }

    /// <summary>Keeps QEMU from opening the file until it is disposed; null if one has it open.</summary>
    public static SafeFileHandle? TryTake(string path)
    {
        var file = Open(path, Libc.ReadWrite);
        var asked = Asked();
        if (Libc.Control((int)file.DangerousGetHandle(), Libc.OpenFileSetLock, ref asked) == 0) return file;
        var busy = System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is Libc.WouldBlock;
        var failure = Libc.Failed($"Locking {path} failed");
        file.Dispose();
        return busy ? null : throw failure;
    }

    private static Libc.FileLock Asked() => new() { Kind = Libc.WriteLock, Start = First, Length = Count };

    private static SafeFileHandle Open(string path, int mode)
    {
        var file = new SafeFileHandle(Libc.Open(path, mode | Libc.CloseOnExec, 0), ownsHandle: true);
        return file.IsInvalid ? throw Libc.Failed($"Opening {path} failed") : file;
    }
}
