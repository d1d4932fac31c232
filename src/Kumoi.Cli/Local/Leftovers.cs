namespace Kumoi.Cli.Local;

/// <summary>Files that somebody may still be writing: a child of a command that was killed, or a process that is just ending.</summary>
public static class Leftovers
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Deletes a directory with everything in it, again and again while others put things in.</summary>
    public static async Task DeleteAsync(string directory, CancellationToken cancel)
    {
        var told = "";
        if (!await Until.TrueAsync(() => Task.FromResult(TryDelete(directory, out told)), Limit, cancel)) throw new UserException("delete-failed", directory, told);
    }

    private static bool TryDelete(string directory, out string told)
    {
        told = "";
        try
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            told = e.Message;
            return false;
        }
    }
}
