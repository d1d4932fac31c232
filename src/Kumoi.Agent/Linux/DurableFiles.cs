namespace Kumoi.Agent.Linux;

/// <summary>Files that are whole or absent, whenever the machine stops.</summary>
public static class DurableFiles
{
    /// <summary>Writes beside the target, flushes, and renames over it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var temporary = path + ".tmp";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.SetUnixFileMode(temporary, mode);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Makes a directory with a mode; sets the mode again if it is there.</summary>
    public static void MakeDirectory(string path, UnixFileMode mode)
    {
        Directory.CreateDirectory(path, mode);
        File.SetUnixFileMode(path, mode);
    }

    /// <summary>Makes what was created, renamed or removed in a directory survive a stop of the machine.</summary>
    public static void FlushDirectory(string path) => Flush(path);

    /// <summary>Makes a file that another process has written survive a stop of the machine.</summary>
    public static void Flush(string path)
    {
        var descriptor = Libc.Open(path, Libc.ReadOnly | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw Libc.Failed($"Opening {path} failed");
        try
        {
            if (Libc.Flush(descriptor) < 0) throw Libc.Failed($"Flushing {path} failed");
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Gives a file to a user and the group of the same number.</summary>
    public static void Own(string path, uint user)
    {
        if (Libc.ChangeOwner(path, user, user) < 0) throw Libc.Failed($"Giving {path} to user {user} failed");
    }
}
