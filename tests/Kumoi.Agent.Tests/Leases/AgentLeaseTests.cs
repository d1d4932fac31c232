using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Leases;

/// <summary>
/// Goal: a guest that the servers may start elsewhere never runs here without a lease, and no other guest is touched. Method: the whole agent
/// on a simulated host against a server in memory, under a clock that the test moves.
/// </summary>
public sealed class AgentLeaseTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20), Second = TimeSpan.FromSeconds(1);
    private static readonly DesiredInstance Movable = Samples.Instance(1, "running") with { Movable = true }, Fixed = Samples.Instance(2, "running");

    private readonly ManualTime _time = new();
    private readonly MemoryServer _server = new();

    [Fact]
    public async Task Guests_that_may_move_are_ended_with_the_lease_and_start_again_only_after_an_answer()
    {
        var host = Host();
        await using var agent = host.Start();
        await BothRunAsync(host);
        _server.Manner = Manner.Unreachable;
        await PassAsync(50);
        Assert.True(host.Runs(Movable));
        await UntilAsync("the end of the guest", () => !host.Runs(Movable));
        await PassAsync(300);
        Assert.False(host.Runs(Movable));
        Assert.True(host.Runs(Fixed));

        _server.Seen.Clear();
        _server.Reports.Clear();
        _server.Manner = Manner.Answers;
        await UntilAsync("its start", () => _server.Seen.GetValueOrDefault(Movable.Id) is { Power: PowerState.Running, Generation: 1, Conditions.Count: 0 });
        Assert.Contains(_server.Reports.SelectMany(report => report.Instances), seen => seen.Id == Movable.Id && seen.Conditions.Any(condition => condition.Reason == "lease-lost"));
        Assert.DoesNotContain(_server.Reports.SelectMany(report => report.Instances), seen => seen.Id == Fixed.Id && seen.Conditions.Count > 0);
    }

    [Fact]
    public async Task Guests_are_ended_in_time_though_every_mailbox_is_stuck()
    {
        var host = new MemoryHost(_time, _server, new SimulatedDisks("host1", null), null) { Options = MemoryHost.Usual with { Parallelism = 1 } };
        await using var agent = host.Start();
        await BothRunAsync(host);
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Faults.Time = (step, id) =>
        {
            if (id == Samples.InstanceId(3) && step == "MakeDisk") stuck.TrySetResult();
            return id == Samples.InstanceId(3) ? TimeSpan.FromDays(1) : TimeSpan.Zero;
        };
        _server.Set(Samples.Document(2, null, [], Movable, Fixed, Samples.Instance(3, "running")));
        await UntilAsync("the step that takes a day", () => stuck.Task.IsCompleted);
        _server.Manner = Manner.Unreachable;
        await UntilAsync("the end of the guest", () => !host.Runs(Movable));
        Assert.True(host.Runs(Fixed));
    }

    [Fact]
    public async Task The_lease_counts_from_when_the_report_was_sent_however_late_its_answer_comes()
    {
        var host = Host();
        await using var agent = host.Start();
        await BothRunAsync(host);
        var sentAt = new TaskCompletionSource<DateTimeOffset>(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Came = _ =>
        {
            if (!sentAt.TrySetResult(_time.GetUtcNow())) return;
            // The answer takes 40 s, and is the last.
            _time.Jump(TimeSpan.FromSeconds(40));
            _server.Manner = Manner.Unreachable;
        };
        await UntilAsync("the last report", () => sentAt.Task.IsCompleted);
        var over = await sentAt.Task + TimeSpan.FromSeconds(61);
        while (_time.GetUtcNow() < over) await PassAsync(1);
        await Wait.ForAsync("the end of the guest, without another second", () => !host.Runs(Movable), Soon);
    }

    [Fact]
    public async Task After_a_lost_lease_nothing_is_begun_by_a_document_of_before()
    {
        var host = Host();
        await using var agent = host.Start();
        await BothRunAsync(host);
        _server.Manner = Manner.Unreachable;
        await UntilAsync("the end of the guest", () => !host.Runs(Movable));
        // Given to another host meanwhile; the answer to the first report comes before the document that says so.
        _server.Set(Samples.Document(2, null, [], Fixed));
        var started = 0;
        host.Faults.Fault = (step, id) =>
        {
            if (step == "Start" && id == Movable.Id) Interlocked.Increment(ref started);
            return null;
        };
        _server.Asked.Clear();
        _server.Manner = Manner.Answers;
        await UntilAsync("a full report", () => _server.Reports.LastOrDefault() is { Full: true, DesiredRevision: 2 });
        Assert.Equal(0, started);
        Assert.Contains(-1L, _server.Asked);
    }

    [Fact]
    public async Task A_host_that_was_removed_destroys_nothing_though_its_agent_is_refused_and_started_again()
    {
        var host = Host();
        await using (host.Start())
        {
            await BothRunAsync(host);
            _server.Manner = Manner.Refuses;
            await UntilAsync("the end of the guest that may run elsewhere", () => !host.Runs(Movable));
            await PassAsync(600);
            Assert.True(host.Runs(Fixed));
        }
        var calls = _server.Calls;
        await using (host.Start())
        {
            await UntilAsync("refusals", () => _server.Calls >= calls + 5);
            Assert.True(host.Runs(Fixed));
            Assert.False(host.Runs(Movable));
        }
    }

    [Fact]
    public async Task While_every_server_says_that_its_database_is_away_guests_run_on()
    {
        var host = Host();
        await using var agent = host.Start();
        await BothRunAsync(host);
        _server.Manner = Manner.DatabaseAway;
        var calls = _server.Calls;
        await PassAsync(600);
        Assert.True(host.Runs(Movable));
        Assert.True(_server.Calls >= calls + 60, "It is asked at least as often as the heart beats.");
        // One that falls silent may be one that decides.
        _server.Manner = Manner.Unreachable;
        await UntilAsync("the end of the guest", () => !host.Runs(Movable));
        // The database is away again: that gives nothing back.
        _server.Manner = Manner.DatabaseAway;
        await PassAsync(120);
        Assert.False(host.Runs(Movable));
    }

    [Fact]
    public async Task An_agent_killed_in_a_partition_and_started_again_ends_what_may_move_when_the_lease_is_over()
    {
        var host = Host();
        await using (host.Start()) await BothRunAsync(host);
        _server.Manner = Manner.Unreachable;
        await using (host.Start())
        {
            await PassAsync(20);
            Assert.True(host.Runs(Movable));
        }
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.True(host.Runs(Movable));
        await using (host.Start())
        {
            await UntilAsync("the end of the guest", () => !host.Runs(Movable));
            Assert.True(host.Runs(Fixed));
        }
    }

    [Fact]
    public async Task An_agent_away_for_long_that_is_answered_at_once_ends_nothing()
    {
        var host = Host();
        await using (host.Start()) await BothRunAsync(host);
        var started = host.Process(Movable)!.StartedAt;
        _time.Advance(TimeSpan.FromMinutes(10));
        _server.Reports.Clear();
        await using (host.Start())
        {
            await UntilAsync("a full report", () => _server.Reports.LastOrDefault() is { Full: true });
            await PassAsync(30);
        }
        Assert.Equal(started, host.Process(Movable)!.StartedAt);
    }

    [Fact]
    public async Task Guests_that_outlived_their_lease_are_ended_when_no_document_confirms_them()
    {
        var host = Host();
        await using (host.Start()) await BothRunAsync(host);
        _time.Advance(TimeSpan.FromMinutes(10));
        _server.Mute = true;
        _server.Reports.Clear();
        await using (host.Start())
        {
            await UntilAsync("a report that is answered", () => !_server.Reports.IsEmpty);
            Assert.True(host.Runs(Movable));
            await UntilAsync("the end of the guest", () => !host.Runs(Movable));
            Assert.True(host.Runs(Fixed));
            _server.Mute = false;
            await UntilAsync("its start", () => host.Runs(Movable));
        }
    }

    [Fact]
    public async Task A_host_that_was_without_power_has_no_lease()
    {
        var host = Host();
        await using (host.Start()) await BothRunAsync(host);
        host.Hardware.CutPower();
        // The document comes, and reports are not answered.
        _server.Deaf = true;
        await using (host.Start())
        {
            await UntilAsync("the guest that may not move", () => host.Runs(Fixed));
            await PassAsync(30);
            Assert.False(host.Runs(Movable));
            _server.Deaf = false;
            await UntilAsync("the other", () => host.Runs(Movable));
        }
    }

    [Fact]
    public async Task A_pause_between_two_steps_is_noticed_before_the_second()
    {
        var host = Host();
        var begun = new List<string>();
        host.Faults.Fault = (step, id) =>
        {
            if (id != Movable.Id) return null;
            lock (begun) begun.Add(step);
            if (step != "MakeDisk") return null;
            // The whole process stands still for longer than the lease, and the servers are not heard of afterwards.
            _server.Manner = Manner.Unreachable;
            _time.Jump(TimeSpan.FromMinutes(5));
            return null;
        };
        await using var agent = host.Start();
        _server.Set(Samples.Document(1, null, [], Movable, Fixed));
        await UntilAsync("the other guest", () => host.Runs(Fixed));
        await PassAsync(30);
        lock (begun) Assert.Equal(["MakeDisk"], begun);
    }

    [Fact]
    public async Task A_guest_that_no_longer_may_move_runs_on_without_a_lease_though_the_agent_is_new()
    {
        var host = Host();
        await using (host.Start())
        {
            await BothRunAsync(host);
            _server.Set(Samples.Document(2, null, [], Movable with { Movable = false }, Fixed with { Movable = true }));
            await UntilAsync("the new document", () => _server.Reports.LastOrDefault() is { DesiredRevision: 2 });
        }
        _server.Manner = Manner.Unreachable;
        _time.Advance(TimeSpan.FromMinutes(2));
        await using (host.Start())
        {
            await UntilAsync("the end of the one", () => !host.Runs(Fixed));
            Assert.True(host.Runs(Movable));
        }
    }

    [Fact]
    public async Task Reports_come_at_every_beat_and_everything_at_every_third()
    {
        var host = Host();
        _server.Answer = new ReportAnswer(20, 100);
        await using var agent = host.Start();
        await BothRunAsync(host);
        _server.Reports.Clear();
        await PassAsync(1200);
        var reports = _server.Reports.ToArray();
        // 1,200 s at a beat of 20 s, each up to a fifth sooner or later; the clock moves in whole seconds.
        Assert.InRange(reports.Length, 1200 / 26, 1200 / 15);
        Assert.InRange(reports.Count(report => report.Full), 1200 / 90, 1200 / 60);
    }

    [Fact]
    public async Task A_question_that_fails_brings_the_next_report_sooner_and_waits_for_it()
    {
        var host = Host();
        _server.Answer = new ReportAnswer(300, 1200);
        await using var agent = host.Start();
        await BothRunAsync(host);
        await PassAsync(5);
        _server.Reports.Clear();
        _server.Manner = Manner.Unreachable;
        await Wait.ForAsync("the question that fails", () => _server.Unreached > 0, Soon);
        _server.Manner = Manner.Answers;
        // The beat itself is four minutes away.
        await PassAsync(60);
        Assert.NotEmpty(_server.Reports);

        _server.Manner = Manner.Unreachable;
        var calls = _server.Calls;
        _server.Asked.Clear();
        await PassAsync(900);
        Assert.InRange(_server.Calls - calls, 5, 900);
        // While reports fail, questions do not knock as well; each goes once in more than a beat, whatever the reports do.
        Assert.InRange(_server.Asked.Count, 0, 5);
        Assert.True(host.Runs(Movable));
    }

    private MemoryHost Host() => new(_time, _server, new SimulatedDisks("host1", null), null);

    private async Task BothRunAsync(MemoryHost host)
    {
        _server.Set(Samples.Document(1, null, [], Movable, Fixed));
        await UntilAsync("both running", () => _server.Seen.Values.Count(seen => seen.Power == PowerState.Running) == 2 && host.Runs(Movable) && host.Runs(Fixed));
    }

    private Task UntilAsync(string what, Func<bool> condition) => Wait.ForAsync(what, () =>
    {
        if (condition()) return true;
        _time.Advance(Second);
        return false;
    }, Soon);

    /// <summary>So many seconds, one after another, each with a moment of the real clock for what it sets off.</summary>
    private async Task PassAsync(int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            _time.Advance(Second);
            await Task.Delay(1);
        }
    }
}
