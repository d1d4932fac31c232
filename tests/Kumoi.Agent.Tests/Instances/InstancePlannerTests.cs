using Kumoi.Agent.Instances;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

public sealed class InstancePlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly StopLimits Limits = new(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(20));

    private static GuestProcess Process(RunState state, int epoch) => new(1, epoch, state, Now, Cards, []);

    private static GuestCard[] Cards => [new(Samples.Instance(1, "running").Interfaces[0].Id, true, true)];

    private static ObservedGuest Seen(bool image, bool disk, NetworkReadiness network, GuestProcess? process) => new(image, new GuestSight(disk, disk || process is not null, false, process), network, null, null, null, LeaseState.Held, 0, null, new Dictionary<string, DateTimeOffset>(), GuestVolumes.None);

    public static TheoryData<string, bool, bool, string, string, string> Cases => new()
    {
        // desired, image, disk, network, process, steps
        { "running", false, false, "Gone", "-", "FetchImage" },
        { "running", true, false, "Gone", "-", "MakeDisk" },
        { "running", true, true, "Pending", "-", "wait" },
        { "running", true, true, "Ready", "-", "Start" },
        { "running", false, true, "Ready", "-", "FetchImage" },
        { "running", true, true, "Ready", "Prepared", "Resume" },
        { "running", true, true, "Pending", "Prepared", "wait" },
        { "running", true, true, "Ready", "Running", "settled" },
        { "running", true, true, "Pending", "Running", "wait" },
        { "running", true, true, "Ready", "Shutdown", "settled" },
        { "running", true, true, "Ready", "Paused", "Resume" },
        { "running", true, true, "Ready", "DiskError", "Resume" },
        { "running", true, true, "Ready", "Broken", "Kill" },
        { "running", true, true, "Ready", "Unknown", "wait" },
        { "stopped", true, true, "Ready", "Running", "PressPowerButton" },
        { "stopped", true, true, "Ready", "Shutdown", "Kill" },
        { "stopped", true, true, "Ready", "Prepared", "Kill" },
        { "stopped", true, true, "Ready", "-", "settled" },
        { "stopped", false, false, "Gone", "-", "settled" },
        { "terminated", true, true, "Ready", "Running", "Kill" },
        { "terminated", true, true, "Ready", "-", "Remove" },
        { "terminated", true, false, "Pending", "-", "wait" },
        { "terminated", true, false, "Gone", "-", "settled" },
        { "frozen", true, true, "Ready", "Running", "wait" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Plans_by_table(string desired, bool image, bool disk, string network, string process, string expected)
    {
        var seen = Seen(image, disk, Enum.Parse<NetworkReadiness>(network), process == "-" ? null : Process(Enum.Parse<RunState>(process), 1));
        Assert.Equal(expected, Words(InstancePlanner.Plan(Samples.Instance(1, desired), seen, Now, Limits)));
    }

    [Fact]
    public void A_grown_boot_epoch_stops_gently_then_hard_within_the_limit_of_reboots()
    {
        var record = Samples.Instance(1, "running") with { BootEpoch = 2 };
        var seen = Seen(true, true, NetworkReadiness.Ready, Process(RunState.Running, 1));
        Assert.Equal("PressPowerButton", Words(InstancePlanner.Plan(record, seen, Now, Limits)));
        seen = seen with { StopAskedAt = Now, ButtonPressedAt = Now };
        var plan = InstancePlanner.Plan(record, seen, Now.AddSeconds(1), Limits);
        Assert.Equal(("wait", Now + InstancePlanner.ButtonRepeat), (Words(plan), plan.LookAgainAt));
        Assert.Equal("PressPowerButton", Words(InstancePlanner.Plan(record, seen, Now.AddSeconds(11), Limits)));
        Assert.Equal("Kill", Words(InstancePlanner.Plan(record, seen, Now.AddSeconds(20), Limits)));
        Assert.Equal("Kill", Words(InstancePlanner.Plan(record, seen with { Sight = seen.Sight with { Process = Process(RunState.Shutdown, 1) } }, Now, Limits)));
    }

    [Fact]
    public void A_process_of_an_earlier_placement_is_replaced_and_one_of_a_later_epoch_is_left()
    {
        var record = Samples.Instance(1, "running") with { Incarnation = 2 };
        Assert.Equal("PressPowerButton", Words(InstancePlanner.Plan(record, Seen(true, true, NetworkReadiness.Ready, Process(RunState.Running, 1)), Now, Limits)));
        var later = Seen(true, true, NetworkReadiness.Ready, new GuestProcess(2, 9, RunState.Running, Now, Cards, []));
        Assert.Equal("settled", Words(InstancePlanner.Plan(record, later, Now, Limits)));
    }

    [Fact]
    public void A_guest_that_died_again_and_again_is_started_only_when_its_wait_is_over()
    {
        var record = Samples.Instance(1, "running");
        var seen = Seen(true, true, NetworkReadiness.Ready, null) with { NotBefore = Now.AddSeconds(5) };
        Assert.Equal(("wait", Now.AddSeconds(5)), (Words(InstancePlanner.Plan(record, seen, Now, Limits)), InstancePlanner.Plan(record, seen, Now, Limits).LookAgainAt));
        Assert.Equal("Start", Words(InstancePlanner.Plan(record, seen, Now.AddSeconds(5), Limits)));
    }

    public static TheoryData<string, string, string, int, string> CardCases => new()
    {
        // cards that the guest has (a whole one, =its device, -its backend), network, process, seconds since the guest was asked for eni-9 (-1: it was not), steps
        { "eni-1 eni-2", "Ready", "Running", -1, "settled" },
        { "eni-1", "Ready", "Running", -1, "Plug eni-2" },
        { "", "Ready", "Running", -1, "Plug eni-1 eni-2" },
        { "eni-1", "Pending", "Running", -1, "wait" },
        { "eni-1 -eni-2", "Ready", "Running", -1, "Plug eni-2" },
        { "eni-1 =eni-2", "Ready", "Running", -1, "Unplug eni-2" },
        { "eni-1 eni-2 eni-9", "Ready", "Running", -1, "Unplug eni-9" },
        { "eni-1 eni-2 eni-9", "Pending", "Running", -1, "Unplug eni-9" },
        { "eni-1 eni-2 eni-9", "Ready", "Running", 9, "wait 1" },
        { "eni-1 eni-2 eni-9", "Ready", "Running", 10, "Unplug eni-9" },
        { "eni-1 eni-2 -eni-9", "Ready", "Running", 1, "Unplug eni-9" },
        { "eni-1 eni-9", "Ready", "Running", 1, "Plug eni-2" },
        { "eni-1 eni-9", "Pending", "Running", 1, "wait 9" },
        { "nic0 nic1", "Ready", "Running", -1, "settled" },
        { "nic0 eni-2", "Ready", "Running", -1, "settled" },
        { "nic0 nic1 nic2", "Ready", "Running", -1, "Unplug nic2" },
        { "nic0 -nic1", "Ready", "Running", -1, "Unplug nic1" },
        { "?", "Ready", "Running", -1, "settled" },
        // Not asked of guests that cannot answer, and nothing is plugged before the processors run.
        { "eni-9", "Ready", "Shutdown", -1, "settled" },
        { "eni-9", "Ready", "Prepared", -1, "Resume" },
        { "eni-9", "Ready", "Paused", -1, "Resume" },
    };

    [Theory, MemberData(nameof(CardCases))]
    public void A_running_guest_gets_the_cards_of_its_record_and_is_asked_for_the_others(string cards, string network, string process, int askedAgo, string expected)
    {
        var record = Samples.Instance(1, "running");
        record = record with { Interfaces = [record.Interfaces[0] with { Id = "eni-1" }, record.Interfaces[0] with { Id = "eni-2", Index = 1 }] };
        GuestCard[]? present = cards == "?" ? null
            : [.. cards.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(card => new GuestCard(card.TrimStart('-', '='), card[0] != '-', card[0] != '='))];
        var seen = Seen(true, true, Enum.Parse<NetworkReadiness>(network), Process(Enum.Parse<RunState>(process), 1) with { Cards = present }) with
        {
            CardsAskedAt = askedAgo < 0 ? new Dictionary<string, DateTimeOffset>() : new Dictionary<string, DateTimeOffset> { ["eni-9"] = Now.AddSeconds(-askedAgo) },
        };
        var plan = InstancePlanner.Plan(record, seen, Now, Limits);
        Assert.Equal(expected, string.Join(' ', plan.Cards.Prepend(Words(plan) + (plan.LookAgainAt is { } at ? $" {(at - Now).TotalSeconds}" : ""))));
    }

    public static TheoryData<string, bool, string, string, string> LeaseCases => new()
    {
        // desired, movable, lease, process, steps
        { "running", true, "Over", "Running", "Kill" },
        { "running", true, "Over", "Prepared", "Kill" },
        { "running", true, "Over", "Unknown", "Kill" },
        { "running", true, "Over", "-", "wait" },
        { "running", true, "Unconfirmed", "Prepared", "wait" },
        { "running", true, "Unconfirmed", "Running", "wait" },
        { "running", true, "Unconfirmed", "-", "wait" },
        { "running", true, "Held", "-", "Start" },
        { "stopped", true, "Over", "Running", "Kill" },
        { "stopped", true, "Over", "-", "settled" },
        { "stopped", true, "Unconfirmed", "Running", "PressPowerButton" },
        { "terminated", true, "Over", "Running", "Kill" },
        { "terminated", true, "Over", "-", "Remove" },
        { "running", false, "Over", "Running", "settled" },
        { "running", false, "Over", "-", "Start" },
        { "stopped", false, "Over", "Running", "PressPowerButton" },
    };

    [Theory, MemberData(nameof(LeaseCases))]
    public void A_lease_binds_guests_that_may_move_and_no_others(string desired, bool movable, string lease, string process, string expected)
    {
        var seen = Seen(true, true, NetworkReadiness.Ready, process == "-" ? null : Process(Enum.Parse<RunState>(process), 1)) with { Lease = Enum.Parse<LeaseState>(lease) };
        Assert.Equal(expected, Words(InstancePlanner.Plan(Samples.Instance(1, desired) with { Movable = movable }, seen, Now, Limits)));
    }

    public static TheoryData<string, int, int, bool, bool, string, string> FormerCases => new()
    {
        // desired, former, incarnation of the process (0: none), traces on the host, something on shared storage, network, steps
        { "departed", 2, 2, true, false, "Pending", "Kill" },
        { "departed", 2, 1, true, false, "Pending", "Kill" },
        { "departed", 2, 3, true, false, "Pending", "wait" },
        { "departed", 2, 0, true, true, "Pending", "Discard" },
        { "departed", 2, 0, false, true, "Pending", "wait" },
        { "departed", 2, 0, false, true, "Gone", "settled" },
        { "departed", 2, 0, false, false, "Gone", "settled" },
        // Placed here again.
        { "running", 2, 2, true, true, "Ready", "Kill" },
        { "running", 2, 0, true, true, "Ready", "Start" },
        { "running", 2, 3, true, true, "Ready", "settled" },
        { "stopped", 2, 1, true, true, "Ready", "Kill" },
        { "terminated", 2, 0, false, true, "Gone", "Remove" },
        { "terminated", 2, 0, false, false, "Gone", "settled" },
    };

    [Theory, MemberData(nameof(FormerCases))]
    public void A_former_placement_is_ended_at_once_and_a_later_one_is_left(string desired, int former, int incarnation, bool traces, bool onShared, string network, string expected)
    {
        var process = incarnation == 0 ? null : new GuestProcess(incarnation, 1, RunState.Running, Now, Cards, []);
        var seen = Seen(true, true, Enum.Parse<NetworkReadiness>(network), null) with
        {
            Sight = new GuestSight(true, traces, onShared, process), Former = former, Storage = "st-1",
        };
        var record = Samples.Instance(1, desired) with { Incarnation = desired == "departed" ? former : 3, Storage = desired == "departed" ? null : "st-1" };
        Assert.Equal(expected, Words(InstancePlanner.Plan(record, seen, Now, Limits)));
    }

    [Theory]
    [InlineData("running", null, "st-1")]
    [InlineData("running", "st-1", null)]
    [InlineData("terminated", "st-1", "st-2")]
    [InlineData("stopped", "st-1", "st-2")]
    public void An_instance_whose_disk_is_elsewhere_is_not_touched(string desired, string? recorded, string? here)
    {
        foreach (var process in new[] { null, Process(RunState.Running, 1) })
            Assert.Equal("wait", Words(InstancePlanner.Plan(Samples.Instance(1, desired) with { Storage = recorded }, Seen(true, true, NetworkReadiness.Ready, process) with { Storage = here }, Now, Limits)));
    }

    public static TheoryData<string, string?, string?, bool, bool, bool, int?, string> CdCases => new()
    {
        // desired, wanted, in the drive ("-" for no drive), ready, open, locked, seconds since it was asked for, steps
        { "running", "img-1", null, false, false, false, null, "FetchCd" },
        { "running", "img-1", null, true, false, false, null, "ChangeCd" },
        { "running", "img-1", "img-1", true, false, true, null, "settled" },
        // The guest has opened the tray itself: what is in it is right.
        { "running", "img-1", "img-1", true, true, false, null, "settled" },
        { "running", "img-2", "img-1", false, false, true, null, "FetchCd" },
        { "running", null, "img-1", true, false, true, null, "ChangeCd" },
        { "running", null, "img-1", true, false, true, 0, "wait" },
        { "running", null, "img-1", true, false, true, 29, "wait" },
        { "running", null, "img-1", true, false, true, 30, "ForceCd" },
        { "running", null, "img-1", true, true, true, 1, "ChangeCd" },
        { "running", null, "img-1", true, false, false, 1, "ChangeCd" },
        { "running", null, "", true, false, false, null, "ChangeCd" },
        { "running", null, null, true, true, false, null, "settled" },
        { "running", null, "-", true, false, false, null, "settled" },
        { "running", "img-1", "-", true, false, false, null, "wait" },
        { "stopped", "img-1", null, false, false, false, null, "PressPowerButton" },
    };

    [Theory, MemberData(nameof(CdCases))]
    public void Plans_the_cd_drive_by_table(string desired, string? wanted, string? inside, bool ready, bool open, bool locked, int? asked, string expected)
    {
        var seen = Seen(true, true, NetworkReadiness.Ready, Process(RunState.Running, 1) with { Cd = inside == "-" ? null : new GuestCd(inside, open, locked) }) with
        {
            Cd = new CdIntent(wanted is null ? null : Samples.ImageOf("", 0, 0) with { Id = wanted }, ready, asked is { } ago ? Now.AddSeconds(-ago) : null, Seen: true),
        };
        Assert.Equal(expected, Words(InstancePlanner.Plan(Samples.Instance(1, desired) with { CdImageId = wanted }, seen, Now, Limits)));
    }

    [Theory]
    [InlineData("img-1", true, "settled")]
    [InlineData("img-1", false, "ChangeCd")]
    [InlineData(null, false, "ChangeCd")]
    public void An_open_tray_is_closed_unless_it_was_seen_closed_with_what_is_in_it(string? inside, bool wasSeen, string expected)
    {
        var seen = Seen(true, true, NetworkReadiness.Ready, Process(RunState.Running, 1) with { Cd = new GuestCd(inside, true, false) }) with
        {
            Cd = new CdIntent(inside is null ? null : Samples.ImageOf("", 0, 0) with { Id = inside }, true, null, wasSeen),
        };
        Assert.Equal(expected, Words(InstancePlanner.Plan(Samples.Instance(1, "running") with { CdImageId = inside }, seen, Now, Limits)));
    }

    [Fact]
    public void A_guest_waits_for_the_cd_that_it_may_start_from()
    {
        var waits = Seen(true, true, NetworkReadiness.Ready, null) with { Cd = new CdIntent(Samples.ImageOf("", 0, 0), false, null, false) };
        Assert.Equal("FetchCd", Words(InstancePlanner.Plan(Samples.Instance(1, "running"), waits, Now, Limits)));
        Assert.Equal("settled", Words(InstancePlanner.Plan(Samples.Instance(1, "stopped"), waits, Now, Limits)));
        Assert.Equal("Start", Words(InstancePlanner.Plan(Samples.Instance(1, "running"), waits with { Cd = waits.Cd with { Ready = true } }, Now, Limits)));
    }

    private static string Words(InstancePlan plan) => plan.Settled ? "settled" : plan.Steps.Count == 0 ? "wait" : string.Join(' ', plan.Steps);

    [Theory]
    [InlineData(0, true, "Start")]
    [InlineData(0, false, "wait")]
    [InlineData(1, true, "wait")]
    [InlineData(null, true, "wait")]
    public void One_that_starts_from_a_volume_starts_when_that_is_ready_and_is_never_made_a_disk(int? slot, bool ready, string expected)
    {
        var volumes = slot is null ? GuestVolumes.None
            : new GuestVolumes([new DriveIntent(new DesiredVolume("vol-1", "st-1", 1, 1, VolumeDesire.Present, 1, null, "i-1", slot), null)], new HashSet<string>(ready ? [] : ["vol-1"]), GuestVolumes.None.AskedAt);
        var seen = Seen(false, false, NetworkReadiness.Ready, null) with { Volumes = volumes };
        var plan = InstancePlanner.Plan(Samples.Instance(1, "running") with { RootVolume = true }, seen, Now, Limits);
        Assert.Equal(expected, plan.Steps is [var step] ? step.ToString() : plan.Settled ? "settled" : "wait");
    }
}
