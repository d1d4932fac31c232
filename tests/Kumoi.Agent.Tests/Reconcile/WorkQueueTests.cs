using System.Collections.Concurrent;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Reconcile;
using Xunit;

namespace Kumoi.Agent.Tests.Reconcile;

public sealed class WorkQueueTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static Backoff Waits => new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1));

    [Fact]
    public async Task A_key_rung_many_times_during_a_look_is_looked_at_once_more()
    {
        var looks = 0;
        var (began, go) = (new SemaphoreSlim(0), new SemaphoreSlim(0));
        await using var queue = new WorkQueue<string>(4, Waits, TimeProvider.System, async (_, cancel) =>
        {
            Interlocked.Increment(ref looks);
            began.Release();
            await go.WaitAsync(cancel);
            return Outcome.Done;
        }, (_, _) => { });
        queue.Ring("a");
        Assert.True(await began.WaitAsync(Soon));
        for (var ring = 0; ring < 100; ring++) queue.Ring("a");
        go.Release();
        Assert.True(await began.WaitAsync(Soon));
        go.Release();
        queue.Ring("b");
        Assert.True(await began.WaitAsync(Soon));
        Assert.Equal(3, looks);
        go.Release();
    }

    [Fact]
    public async Task The_same_key_is_never_looked_at_twice_at_a_time_and_others_are_looked_at_together()
    {
        var (running, most, total) = (new ConcurrentDictionary<int, int>(), 0, 0);
        var overlap = false;
        await using var queue = new WorkQueue<int>(4, Waits, TimeProvider.System, async (key, _) =>
        {
            if (running.AddOrUpdate(key, 1, (_, count) => count + 1) > 1) overlap = true;
            most = Math.Max(most, running.Values.Sum());
            await Task.Yield();
            running.AddOrUpdate(key, 0, (_, count) => count - 1);
            Interlocked.Increment(ref total);
            return Outcome.Done;
        }, (_, _) => { });
        await Parallel.ForAsync(0, 2000, (number, _) => { queue.Ring(number % 7); return ValueTask.CompletedTask; });
        queue.Ring(99);
        await Wait.ForAsync("the last key", () => running.ContainsKey(99), Soon);
        Assert.False(overlap);
        Assert.InRange(most, 1, 4);
    }

    [Fact]
    public async Task A_failed_key_is_tried_again_after_growing_waits_and_a_ring_comes_through_at_once()
    {
        var clock = new ManualTime();
        var looks = new SemaphoreSlim(0);
        var fails = true;
        await using var queue = new WorkQueue<string>(1, Waits, clock, (_, _) => { looks.Release(); return Task.FromResult(fails ? Outcome.Failure : Outcome.Done); }, (_, _) => { });
        queue.Ring("a");
        Assert.True(await looks.WaitAsync(Soon));
        for (var (failures, limit) = (1, 1.0); failures < 8; failures++, limit *= 2)
        {
            await Wait.ForAsync("the wait after a failure", () => clock.Pending == 1, Soon);
            var wait = queue.NextTry("a")!.Value - clock.GetUtcNow();
            Assert.InRange(wait.TotalSeconds, Math.Min(limit, 60) / 2, Math.Min(limit, 60));
            Assert.False(await looks.WaitAsync(0));
            clock.Advance(wait);
            Assert.True(await looks.WaitAsync(Soon));
        }
        await Wait.ForAsync("the wait after a failure", () => clock.Pending == 1, Soon);
        fails = false;
        queue.Ring("a");
        Assert.True(await looks.WaitAsync(Soon));
        await Wait.ForAsync("nothing waits", () => clock.Pending == 0 && queue.NextTry("a") is null, Soon);
    }

    [Fact]
    public async Task An_exception_is_handed_on_and_counts_as_a_failure()
    {
        var clock = new ManualTime();
        var broken = new ConcurrentQueue<string>();
        await using var queue = new WorkQueue<string>(1, Waits, clock, (_, _) => throw new InvalidOperationException("bang"), (key, e) => broken.Enqueue($"{key}: {e.Message}"));
        queue.Ring("a");
        await Wait.ForAsync("the wait after a failure", () => clock.Pending == 1, Soon);
        Assert.Equal(["a: bang"], broken);
    }

    [Fact]
    public async Task A_look_that_asks_for_another_gets_it_when_its_time_has_come()
    {
        var clock = new ManualTime();
        var looks = new SemaphoreSlim(0);
        await using var queue = new WorkQueue<string>(1, Waits, clock, (_, _) => { looks.Release(); return Task.FromResult(Outcome.LookAgain(TimeSpan.FromSeconds(5))); }, (_, _) => { });
        queue.Ring("a");
        Assert.True(await looks.WaitAsync(Soon));
        await Wait.ForAsync("the wait", () => clock.Pending == 1, Soon);
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(await looks.WaitAsync(0));
        clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(await looks.WaitAsync(Soon));
    }

    [Fact]
    public async Task A_doorbell_remembers_one_ring_and_gives_up_in_time()
    {
        var clock = new ManualTime();
        var doorbell = new Doorbell(clock);
        doorbell.Ring();
        doorbell.Ring();
        Assert.True(await doorbell.WaitAsync(TimeSpan.FromSeconds(1), default));
        var second = doorbell.WaitAsync(TimeSpan.FromSeconds(1), default);
        await Wait.ForAsync("the timer", () => clock.Pending == 1, Soon);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await second);
    }
}
