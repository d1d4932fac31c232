using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Cli.Local;

/// <summary>
/// The copy of Kumoi that a cloud's processes run from. It lies in the state directory, readable by the unprivileged server, so that
/// building the tree anew neither disturbs running processes nor needs the tree to be readable.
/// </summary>
public static class Programs
{
    /// <summary>Copies this program and the console if that build is not there yet; returns the copy's directory.</summary>
    public static string Install(CloudLayout layout, string? consoleDirectory) => Install(layout, AppContext.BaseDirectory, consoleDirectory);

    /// <param name="consoleDirectory">May be the program's own <c>console</c>, of an installed copy.</param>
    public static string Install(CloudLayout layout, string program, string? consoleDirectory)
    {
        var files = Files(program).Concat(consoleDirectory is null ? [] : Files(consoleDirectory)).ToList();
        var stamp = string.Join('\n', files.Select(f => $"{f.Relative} {f.Info.Length} {f.Info.LastWriteTimeUtc.Ticks}"));
        var target = Path.Combine(layout.Programs, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stamp)))[..16]);
        if (Directory.Exists(target)) return target;
        Directory.CreateDirectory(layout.Programs);
        foreach (var unfinished in Directory.GetDirectories(layout.Programs, "*.new")) Directory.Delete(unfinished, recursive: true);
        var copy = target + ".new";
        CopyAll(program, copy);
        if (consoleDirectory is not null) CopyAll(consoleDirectory, Path.Combine(copy, "console"));
        Directory.Move(copy, target);
        return target;
    }

    private static IEnumerable<(string Relative, FileInfo Info)> Files(string directory) =>
        Directory.GetFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => (Path.GetRelativePath(directory, path), new FileInfo(path)));

    private static void CopyAll(string from, string to)
    {
        const UnixFileMode passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(to, passable);
        foreach (var directory in Directory.GetDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)), passable);
        foreach (var (relative, info) in Files(from))
        {
            var target = Path.Combine(to, relative);
            info.CopyTo(target, overwrite: true);
            File.SetUnixFileMode(target, info.UnixFileMode | UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }
}
