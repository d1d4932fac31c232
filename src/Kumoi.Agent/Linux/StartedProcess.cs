using System.Diagnostics;
using System.Text;

namespace Kumoi.Agent.Linux;

/// <summary>A process that was started to outlive the agent; see <see cref="Commands.StartAsync"/>.</summary>
public sealed class StartedProcess
{
    /// <summary>Characters of its last words kept.</summary>
    private const int TailLimit = 4096;

    private readonly StringBuilder _tail = new();

    internal StartedProcess(Process process)
    {
        Id = process.Id;
        Ended = WatchAsync(process);
    }

    public int Id { get; }

    /// <summary>Ends with the process; its exit code.</summary>
    public Task<int> Ended { get; }

    /// <summary>The end of what it wrote to its standard error.</summary>
    public string LastWords
    {
        get { lock (_tail) return _tail.ToString().Trim(); }
    }

    private async Task<int> WatchAsync(Process process)
    {
        using (process)
        {
            await Task.WhenAll(DrainAsync(process.StandardOutput, keep: false), DrainAsync(process.StandardError, keep: true));
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }

    private async Task DrainAsync(StreamReader reader, bool keep)
    {
        var buffer = new char[1024];
        int read;
        while ((read = await reader.ReadAsync(buffer)) > 0)
        {
            if (!keep) continue;
            lock (_tail)
            {
                _tail.Append(buffer, 0, read);
                if (_tail.Length > TailLimit) _tail.Remove(0, _tail.Length - TailLimit);
            }
        }
    }
}
