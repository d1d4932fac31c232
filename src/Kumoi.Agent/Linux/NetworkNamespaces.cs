using System.Net.Sockets;

namespace Kumoi.Agent.Linux;

/// <summary>Named network namespaces (<c>/run/netns</c>), and work done inside them.</summary>
public sealed class NetworkNamespaces(Commands commands)
{
    private const string Directory = "/run/netns";

    /// <summary>The file that stands for a namespace.</summary>
    public static string PathOf(string name) => $"{Directory}/{name}";

    /// <summary>Names of all namespaces that start with <paramref name="prefix"/>.</summary>
    public static IReadOnlyList<string> List(string prefix) =>
        System.IO.Directory.Exists(Directory)
            ? [.. System.IO.Directory.EnumerateFiles(Directory, prefix + "*").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];

    public static bool Exists(string name) => File.Exists(PathOf(name));

    /// <summary>Makes the namespace unless it is there.</summary>
    public async Task CreateAsync(string name, CancellationToken cancel)
    {
        if (Exists(name)) return;
        await commands.RunAsync("ip", ["netns", "add", name], cancel);
    }

    /// <summary>Removes the name; the namespace ends with the last process and socket in it.</summary>
    public async Task DeleteAsync(string name, CancellationToken cancel)
    {
        if (!Exists(name)) return;
        await commands.RunAsync("ip", ["netns", "delete", name], cancel);
    }

    /// <summary>The command line that runs a program inside a namespace. Not <c>ip netns exec</c>, which hides /sys/fs/cgroup from it.</summary>
    public static IReadOnlyList<string> Inside(string name, string program, params IReadOnlyList<string> arguments) =>
        [$"--net={PathOf(name)}", "--", program, .. arguments];

    /// <summary>
    /// Runs <paramref name="work"/> on a thread of its own that has entered the namespace; the thread ends with it, so no other work
    /// ever runs in the wrong place. What it opens (sockets, taps) stays in the namespace and may be used from any thread.
    /// </summary>
    public static Task<T> RunInsideAsync<T>(string name, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                Enter(name);
                done.SetResult(work());
            }
#pragma warning disable CA1031 // Whatever the work throws belongs to the caller who awaits it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.SetException(e);
            }
        }, 256 * 1024)
        { IsBackground = true, Name = $"netns {name}" };
        thread.Start();
        return done.Task;
    }

    /// <summary>The kernel's number of the namespace that the thread is in, which no other has as long as the machine runs; 0 from kernels that do not tell (before 5.14).</summary>
    public static ulong Cookie()
    {
        const int socketLevel = 1, netnsCookie = 71; // SOL_SOCKET, SO_NETNS_COOKIE
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Span<byte> cookie = stackalloc byte[sizeof(ulong)];
        try
        {
            return socket.GetRawSocketOption(socketLevel, netnsCookie, cookie) == cookie.Length ? BitConverter.ToUInt64(cookie) : 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static void Enter(string name)
    {
        var descriptor = Libc.Open(PathOf(name), Libc.ReadOnly | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw Libc.Failed($"Opening the network namespace {name} failed");
        try
        {
            if (Libc.SetNamespace(descriptor, Libc.CloneNewNet) < 0) throw Libc.Failed($"Entering the network namespace {name} failed");
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }
}
