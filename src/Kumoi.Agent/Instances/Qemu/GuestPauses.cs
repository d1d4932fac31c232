using System.Collections.Concurrent;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// Has a guest's processors stand still for a moment, so that nothing is written. That it may stand still is noted before; while the note is there and nobody of this agent holds the
/// guest, it goes on by whoever finds the note.
/// </summary>
internal sealed class GuestPauses(AgentPaths paths)
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();
    private readonly ConcurrentDictionary<string, byte> _held = new();

    private string NoteOf(string id) => Path.Combine(paths.Instance(id), "paused");

    /// <summary>This agent holds the guest now.</summary>
    public bool IsHeld(string id) => _held.ContainsKey(id);

    /// <summary>Lets a guest go on that an agent before this one held; forgets one whose process has ended.</summary>
    /// <param name="qmp">Null: the process has ended.</param>
    public async Task MendAsync(string id, QmpClient? qmp, CancellationToken cancel)
    {
        if (IsHeld(id) || !File.Exists(NoteOf(id))) return;
        using var mine = await EnterAsync(id, cancel);
        if (qmp is not null && await StatusAsync(qmp, cancel) == "paused") await qmp.ExecuteAsync("cont", null, cancel);
        File.Delete(NoteOf(id));
    }

    /// <summary>Keeps this agent from holding the guest until it is disposed; waits while it does.</summary>
    public async Task<IDisposable> EnterAsync(string id, CancellationToken cancel)
    {
        var gate = _gates.GetOrAdd(id, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancel);
        return new Entered(gate);
    }

    /// <summary>Holds a guest that runs, until it is disposed. When this returns, all that it has written is where it is kept.</summary>
    public async Task<IAsyncDisposable> PauseAsync(string id, QmpClient qmp, CancellationToken cancel)
    {
        var mine = await EnterAsync(id, cancel);
        try
        {
            // One that stands still already writes nothing, and does not go on for this.
            if (await StatusAsync(qmp, cancel) != "running") return new Pause(this, id, null, mine);
            _held[id] = 0;
            var pause = new Pause(this, id, qmp, mine);
            try
            {
                DurableFiles.Write(NoteOf(id), [], AgentModes.PrivateFile);
                await qmp.ExecuteAsync("stop", null, cancel);
                return pause;
            }
            catch
            {
                await pause.EndAsync();
                throw;
            }
        }
        catch
        {
            mine.Dispose();
            throw;
        }
    }

    private static Task<string?> StatusAsync(QmpClient qmp, CancellationToken cancel) => qmp.AskAsync("query-status", null, answer => answer.GetProperty("status").GetString(), cancel);

    private sealed class Pause(GuestPauses owner, string id, QmpClient? qmp, IDisposable entered) : IAsyncDisposable
    {
        public async Task EndAsync()
        {
            if (qmp is null) return;
            try
            {
                FaultPoints.Reach("continue " + id);
                // What could not be let go stays noted.
                await qmp.ExecuteAsync("cont", null, CancellationToken.None);
                File.Delete(owner.NoteOf(id));
            }
            catch (QmpException)
            {
                // Its process has ended, or does not answer: the next look finds the note.
            }
            finally
            {
                owner._held.TryRemove(id, out _);
            }
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                await EndAsync();
            }
            finally
            {
                entered.Dispose();
            }
        }
    }

    private sealed class Entered(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
