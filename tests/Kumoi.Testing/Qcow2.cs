using System.Diagnostics;

namespace Kumoi.Testing;

/// <summary>Disk images for tests, good and bad, made by the real qemu-img.</summary>
public static class Qcow2
{
    public static string Make(string directory, string size = "16M", params string[] options)
    {
        var path = Path.Combine(directory, Guid.NewGuid().ToString("n") + ".qcow2");
        Run("qemu-img", ["create", "-q", "-f", "qcow2", .. options, path, size]);
        return path;
    }

    /// <summary>A small image with some data in it.</summary>
    public static byte[] Good()
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-image-").FullName;
        try
        {
            var path = Make(directory);
            Run("qemu-io", ["-f", "qcow2", "-c", "write -P 0x5a 0 1M", path]);
            return File.ReadAllBytes(path);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    public static void Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }
}
