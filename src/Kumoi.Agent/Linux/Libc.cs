using System.Runtime.InteropServices;

namespace Kumoi.Agent.Linux;

/// <summary>The calls of the C library that .NET does not offer. Numbers are those of Linux on x86-64 and AArch64.</summary>
internal static partial class Libc
{
    public const int CloneNewNet = 0x40000000;
    public const int ReadWrite = 2, CloseOnExec = 0x80000, ReadOnly = 0, WriteOnly = 1, Create = 0x40, NonBlocking = 0x800;
    public const int SetDescriptorFlags = 2, DescriptorCloseOnExec = 1;
    public const ulong TunSetInterface = 0x400454ca;
    public const short InterfaceTap = 0x0002, InterfaceNoPacketInfo = 0x1000, InterfaceVnetHeader = 0x4000;
    public const ulong GetInterfaceMtu = 0x8921;
    public const int PunchHole = 0x02, KeepSize = 0x01;
    public const int SignalHangUp = 1, SignalKill = 9, SignalTerminate = 15;
    public const int NoSuchProcess = 3, NoSuchEntry = 2, NobodyThere = 6;
    public const int NetlinkFamily = 16, RawSocket = 3, NetfilterProtocol = 12;
    public const int BootTimeClock = 7;
    public const int OpenFileGetLock = 36, OpenFileSetLock = 37;
    public const short WriteLock = 1, NoLock = 2;
    public const int CurrentDirectory = -100, NotThroughLinks = 0x100;
    public const uint BasicStatus = 0x7ff, MemoryCloseOnExec = 1;
    public const int KeepIdentity = -1;
    public const int LockExclusive = 2, LockWithoutWaiting = 4, WouldBlock = 11, Interrupted = 4;

    public static long SetUsers => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;

    public static long SetGroups => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 149 : 119;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakePipe(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(int descriptor, int kind);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, ref FileLock argument);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Status(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int InterfaceRequest(int descriptor, ulong request, ref InterfaceFlags argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int InterfaceRequest(int descriptor, ulong request, ref InterfaceNumber argument);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    public static partial int ChangeOwner(int descriptor, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenMemory(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(int descriptor, int level, int name, ref PeerCredentials value, ref int length);

    [LibraryImport("libc", EntryPoint = "if_nametoindex", StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint NumberOfDevice(string name);

    /// <summary>The call itself, which changes the calling thread alone; the C library's function of that name changes all threads.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial long Call(long number, nint real, nint effective, nint saved);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int GetTime(int clock, out TimeSpecification time);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string existing, string path);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(int descriptor, ref Message message, int flags);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int OpenSocket(int family, int kind, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static unsafe partial nint Send(int descriptor, byte* data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static unsafe partial nint Receive(int descriptor, byte* data, nuint length, int flags);

    /// <summary>Throws the error of the call just made.</summary>
    public static IOException Failed(string what) => new($"{what}: {Marshal.GetLastPInvokeErrorMessage()}.");

    /// <summary>struct flock on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    public struct FileLock
    {
        public short Kind;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    /// <summary>struct statx, as far as it is read here: the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct FileStatus
    {
        [FieldOffset(20)] public uint User;
        [FieldOffset(24)] public uint Group;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(48)] public ulong Blocks;
    }

    /// <summary>struct ifreq, as far as TUNSETIFF reads it: 40 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    public unsafe struct InterfaceFlags
    {
        public fixed byte Name[16];
        public short Flags;
    }

    /// <summary>struct ifreq, as far as requests for a number of a device fill it.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    public unsafe struct InterfaceNumber
    {
        public fixed byte Name[16];
        public int Value;
    }

    /// <summary>struct ucred: who was behind the other end of a unix socket when it connected or listened.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PeerCredentials
    {
        public int Process;
        public uint User;
        public uint Group;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Part
    {
        public byte* Start;
        public nuint Length;
    }

    /// <summary>struct msghdr on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Message
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct cmsghdr with one descriptor, on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct DescriptorMessage
    {
        public nuint Length;
        public int Level;
        public int Kind;
        public int Descriptor;
        public int Padding;
    }

    /// <summary>struct timespec on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
