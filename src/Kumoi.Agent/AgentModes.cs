namespace Kumoi.Agent;

/// <summary>Permissions of what the agent makes.</summary>
internal static class AgentModes
{
    /// <summary>rwx--x--x: guests' users pass through to the files they are given by name, and cannot list.</summary>
    public const UnixFileMode Passable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>rwx------.</summary>
    public const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>rw-------.</summary>
    public const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>r--r-----.</summary>
    public const UnixFileMode SealedFile = UnixFileMode.UserRead | UnixFileMode.GroupRead;

    /// <summary>r--r--r--.</summary>
    public const UnixFileMode ReadableFile = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>rw-r--r--.</summary>
    public const UnixFileMode PublicFile = ReadableFile | UnixFileMode.UserWrite;
}
