using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>
/// Goal: whenever the agent or the guest's process is killed, nothing that was written or taken is lost. Method: the agent is killed before its first act, then
/// before its second, and so on until it comes to its end, each time by way of a new snapshot and the removal of an old one.
/// </summary>
public sealed class KilledSnapshotTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Killed_before_any_act_the_next_agent_goes_on_and_each_snapshot_holds_what_it_held(bool runs)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1);
        if (runs) await stand.StartGuestAsync(volume);
        else await stand.SettleAsync(volume);
        DesiredSnapshot? last = null, kept = null;
        var number = 0;
        for (var isKilled = true; isKilled;)
        {
            number++;
            Assert.InRange(number, 1, 150);
            // Each leaves its own mark where the one before did, and one that stays.
            string[] marks = [$"write -P {number} 0 64k", $"write -P {number} {number}M 64k"];
            await (runs ? stand.GuestAsync(volume, marks) : stand.WriteAsync(volume, marks));
            var next = new DesiredSnapshot(Snapshot(number), VolumeDesire.Present);
            volume = volume with { Snapshots = [.. new[] { kept, last is null ? null : last with { Desired = VolumeDesire.Deleted, Taken = true }, next }.OfType<DesiredSnapshot>()] };
            isKilled = await stand.KilledAsync(number, () => stand.SettleAsync(volume));
            await stand.SettleAsync(volume);
            await (runs ? stand.GuestAsync(volume, $"write -P 200 0 64k", $"write -P 200 {number + 200}M 64k") : stand.WriteAsync(volume, "write -P 200 0 64k", $"write -P 200 {number + 200}M 64k"));
            await stand.ReadAsync(volume, next.Id, [$"read -P {number} 0 64k", .. Enumerable.Range(1, number).Select(one => $"read -P {one} {one}M 64k")]);
            await stand.ReadAsync(volume, null, ["read -P 200 0 64k", .. Enumerable.Range(1, number).SelectMany(one => new[] { $"read -P {one} {one}M 64k", $"read -P 200 {one + 200}M 64k" })]);
            if (kept is not null) await stand.ReadAsync(volume, kept.Id, "read -P 3 0 64k", "read -P 0 4M 64k");
            if (number == 3) (kept, last) = (next with { Taken = true }, null);
            else last = next;
            Assert.InRange(stand.FilesOf(volume).Length, 1, runs ? 5 : 4);
        }
        Assert.InRange(number, runs ? 25 : 15, 150);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Put_back_filled_and_removed_wherever_it_was_cut_off(bool isCopied)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { Snapshots = [new DesiredSnapshot(Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume with { Snapshots = null });
        await stand.WriteAsync(volume, "write -P 1 0 1M");
        await stand.SettleAsync(volume);
        var number = 0;
        for (var isKilled = true; isKilled;)
        {
            Assert.InRange(++number, 1, 100);
            await stand.WriteAsync(volume, $"write -P {number + 1} 0 1M");
            if (isCopied)
            {
                var copy = stand.Volume(number + 1) with { Source = new SnapshotSource(volume.Id, Snapshot(1)) };
                isKilled = await stand.KilledAsync(number, () => stand.SettleAsync(copy));
                await stand.SettleAsync(copy);
                await stand.ReadAsync(copy, null, "read -P 1 0 1M");
                isKilled |= await stand.KilledAsync(number, () => stand.SettleAsync(copy with { Desired = VolumeDesire.Deleted }));
                await stand.SettleAsync(copy with { Desired = VolumeDesire.Deleted });
                Assert.False(Directory.Exists(stand.DirectoryOf(copy)));
                await stand.ReadAsync(volume, null, $"read -P {number + 1} 0 1M");
            }
            else
            {
                volume = volume with { Restore = new SnapshotRestore(Snapshot(1), number) };
                isKilled = await stand.KilledAsync(number, () => stand.SettleAsync(volume));
                await stand.SettleAsync(volume);
                await stand.ReadAsync(volume, null, "read -P 1 0 1M");
                Assert.Equal(number, (await stand.SeeAsync(volume)).Snapshots.Restored);
                Assert.Equal(2, stand.FilesOf(volume).Length);
            }
            await stand.ReadAsync(volume, Snapshot(1), "read -P 1 0 1M");
        }
    }

    [Fact]
    public async Task A_guest_that_is_killed_while_layers_are_brought_together_has_lost_nothing()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.StartGuestAsync(volume);
        var killed = 0;
        for (var number = 1; number <= 4; number++)
        {
            await stand.GuestAsync(volume, $"write -P {number} 0 96M", $"write -P {number} {number + 200}M 64k");
            var (one, two) = (new DesiredSnapshot(Snapshot((number * 2) + 1), VolumeDesire.Present), new DesiredSnapshot(Snapshot((number * 2) + 2), VolumeDesire.Present));
            await stand.SettleAsync(volume with { Snapshots = [one] });
            await stand.GuestAsync(volume, $"write -P {number + 100} 32M 64M");
            await stand.SettleAsync(volume with { Snapshots = [one, two] });
            await stand.GuestAsync(volume, "write -P 250 0 1M");
            volume = volume with { Snapshots = [one with { Desired = VolumeDesire.Deleted, Taken = true }, two with { Taken = true }] };
            while ((await stand.RoundAsync(volume)).Step != Kumoi.Agent.Volumes.VolumeStep.Tidy)
            {
                // Until what is long has begun.
            }
            if ((await stand.SeeAsync(volume)).Snapshots.Work is { Kind: VolumeWorks.Merge }) killed++;
            await stand.KillGuestAsync();
            string[] head = ["read -P 250 0 1M", $"read -P {number} 1M 31M", $"read -P {number + 100} 32M 64M", $"read -P {number} {number + 200}M 64k"], snapshot = [$"read -P {number} 0 32M", $"read -P {number + 100} 32M 64M"];
            await stand.ReadAsync(volume, null, head);
            await stand.ReadAsync(volume, two.Id, snapshot);
            // Some go on without a guest, others in the next one.
            if (number % 2 == 0) await stand.SettleAsync(volume);
            await stand.StartGuestAsync(volume);
            await stand.SettleAsync(volume);
            await stand.GuestAsync(volume, head);
            await stand.ReadAsync(volume, two.Id, snapshot);
            volume = volume with { Snapshots = [two with { Desired = VolumeDesire.Deleted, Taken = true }] };
            await stand.SettleAsync(volume);
            await stand.GuestAsync(volume, head);
            Assert.InRange(stand.FilesOf(volume).Length, 1, 2);
        }
        Assert.InRange(killed, 1, 4);
    }
}
