namespace Kumoi.Agent.Linux;

/// <summary>Files that are whole or absent, whenever the machine stops.</summary>
public static class DurableFiles
{
    /// <summary>Writes beside the target, flushes, and renames over it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        FaultPoints.Reach("write " + path);
        var temporary = path + ".tmp";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.SetUnixFileMode(temporary, mode);
        FaultPoints.Reach("rename " + path);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Makes a directory with a mode; sets the mode again if it is there.</summary>
    public static void MakeDirectory(string path, UnixFileMode mode)
    {
        Directory.CreateDirectory(path, mode);
        File.SetUnixFileMode(path, mode);
    }

    /// <summary>Makes what was created, renamed or removed in a directory survive a stop of the machine.</summary>
    public static void FlushDirectory(string path)
    {
        FaultPoints.Reach("flush " + path);
        Flush(path);
    }

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

    /// <summary>Takes a file from its user: it is root's, and only a group may read it.</summary>
    public static void Seal(string path, uint group)
    {
        FaultPoints.Reach("seal " + path);
        File.SetUnixFileMode(path, AgentModes.SealedFile);
        if (Libc.ChangeOwner(path, 0, group) < 0) throw Libc.Failed($"Taking {path} from its user failed");
    }

    /// <summary>Gives a file to a user and the group of the same number.</summary>
    public static void Own(string path, uint user)
    {
        FaultPoints.Reach("own " + path);
        if (Libc.ChangeOwner(path, user, user) < 0) throw Libc.Failed($"Giving {path} to user {user} failed");
    }

    /// <summary>The same, and sets what its user may do.</summary>
    public static void Own(string path, uint user, UnixFileMode mode)
    {
        Own(path, user);
        File.SetUnixFileMode(path, mode);
    }
}
