using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// The network between processes: messages take time, come late, twice or never, and a connection breaks with the process at its end.
/// What the caller learns of any of these is an <see cref="IOException"/>, as with the real one.
/// </summary>
internal sealed class Wire(Cloud cloud)
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(1), Usual = TimeSpan.FromMilliseconds(30), Late = TimeSpan.FromSeconds(20);

    private readonly Dictionary<ModelServer, List<Call>> _calls = [];

    /// <summary>Machines that hear and say nothing.</summary>
    public HashSet<string> CutOff { get; } = [];

    /// <summary>Calls a server; fails if no answer comes within <paramref name="limit"/>.</summary>
    public async Task<T> CallAsync<T>(string from, Node caller, ModelServer server, TimeSpan limit, bool repeatable, Func<ModelServer, Task<T>> handle, CancellationToken cancel)
    {
        var call = new Call<T>(caller);
        using var timer = caller.Clock.CreateTimer(_ => call.Fail("The server did not answer in time."), null, limit, Timeout.InfiniteTimeSpan);
        using var cancelled = cancel.UnsafeRegister(_ => call.Fail(new OperationCanceledException(cancel)), null);
        var faults = cloud.Faults;
        if (Passes(from, server) && !cloud.Dice.PerMille(faults.LostRequests)) Send(() => Arrive(from, server, call, handle));
        // Half of what is lost is lost with its connection, and known at once.
        else if (cloud.Dice.OneIn(2) && !CutOff.Contains(from)) Send(() => call.Fail("The connection was reset."));
        if (repeatable && cloud.Dice.PerMille(faults.RepeatedMessages) && Passes(from, server)) Send(() => Arrive(from, server, new Call<T>(caller), handle));
        return await call.Answer;
    }

    private void Arrive<T>(string from, ModelServer server, Call<T> call, Func<ModelServer, Task<T>> handle)
    {
        if (server.Node.Dead)
        {
            Send(() => call.Fail("The connection was refused."));
            return;
        }
        var open = OpenAt(server);
        open.Add(call);
        server.Node.Start(async () =>
        {
            Action deliver;
            try
            {
                var value = await handle(server);
                deliver = () => call.Succeed(value);
            }
            catch (IOException e)
            {
                deliver = () => call.Fail(e);
            }
            open.Remove(call);
            if (Passes(from, server) && !cloud.Dice.PerMille(cloud.Faults.LostAnswers)) Send(deliver);
            else if (cloud.Dice.OneIn(2) && !CutOff.Contains(from)) Send(() => call.Fail("The connection was reset."));
        });
    }

    /// <summary>A process has ended: its machine resets the connections, unless it went away with it.</summary>
    public void Break(ModelServer server)
    {
        foreach (var call in OpenAt(server)) Send(() => call.Fail("The connection was reset."));
        OpenAt(server).Clear();
    }

    private List<Call> OpenAt(ModelServer server) => _calls.TryGetValue(server, out var open) ? open : _calls[server] = [];

    private bool Passes(string from, ModelServer server) => !CutOff.Contains(from) && !CutOff.Contains(server.Name);

    private void Send(Action arrive) => cloud.Simulator.After(
        cloud.Dice.PerMille(cloud.Faults.LateMessages) ? cloud.Dice.Between(Usual, Late) : cloud.Dice.Between(Quick, Usual), arrive);

    private abstract class Call
    {
        public abstract void Fail(Exception e);

        public void Fail(string why) => Fail(new IOException(why));
    }

    private sealed class Call<T>(Node caller) : Call
    {
        private readonly TaskCompletionSource<T> _answer = new();

        public Task<T> Answer => _answer.Task;

        public void Succeed(T value)
        {
            if (!caller.Dead) _answer.TrySetResult(value);
        }

        public override void Fail(Exception e)
        {
            if (!caller.Dead) _answer.TrySetException(e);
        }
    }
}
