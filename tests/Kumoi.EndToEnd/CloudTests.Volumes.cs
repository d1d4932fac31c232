using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

public sealed partial class CloudTests
{
    [Fact]
    public async Task A_volume_keeps_what_guests_write_through_growth_kills_and_changes_of_guests()
    {
        string[] others = [.. VolumesOnHost()];
        var data = await GuestVolume.MakeAsync(cloud, "データ data", "--size", "1GiB");
        await data.AttachAsync("first");
        var sum = await data.FillAsync("first");
        (await cloud.KumoiAsync("volume", "resize", data.Name, "--size", "2GiB", "--wait")).Ok.ToString();
        await Wait.UntilAsync(async () => await data.SizeInAsync("first") == 2L << 30, 30, "the guest sees it grow");
        // The guest's process and the agent are killed; the guest is started again with its volume, and gives it back although no agent asked at first.
        await Machine.KillAsync(QuickstartCloud.Qemu((await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!));
        await Wait.UntilAsync(async () => (await cloud.InGuestAsync("first", "true")).Code == 0, 120, "first is back");
        Assert.Equal(sum, await data.SumAsync("first"));
        await data.UnmountAsync("first");
        var agent = await cloud.PidAsync("agent");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await Machine.KillAsync(agent);
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await data.UntilAsync("available");

        (await cloud.KumoiAsync("instance", "create", "second", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--wait")).Ok.ToString();
        await data.AttachAsync("second");
        var refused = await cloud.KumoiAsync("volume", "attach", data.Name, "first");
        Assert.Equal(4, refused.Code);
        Assert.Contains("second", refused.Error, StringComparison.Ordinal);
        Assert.Equal(sum, await data.SumAsync("second"));
        foreach (var verb in (string[])["stop", "start"]) (await cloud.KumoiAsync("instance", verb, "second", "--wait")).Ok.ToString();
        Assert.Equal(sum, await data.SumAsync("second"));
        var goes = await GuestVolume.MakeAsync(cloud, "goes", "--size", "1GiB");
        await goes.AttachAsync("second", "--delete-on-termination", "true");
        Assert.Equal(1L << 30, await goes.SizeInAsync("second"));
        (await cloud.KumoiAsync("instance", "delete", "second", "--wait")).Ok.ToString();
        await data.UntilAsync("available");
        await Wait.UntilAsync(async () => (await cloud.KumoiAsync("volume", "show", "goes")).Code != 0, 60, "it goes with its instance");
        await Wait.UntilAsync(() => Task.FromResult(VolumesOnHost().Except(others).SequenceEqual([data.Id])), 60, "nothing but the volume is left");
        (await cloud.KumoiAsync("volume", "delete", data.Name, "--wait")).Ok.ToString();
        Assert.Equal(others, VolumesOnHost());
        Assert.DoesNotContain("counters-wrong", (await cloud.KumoiAsync("doctor", "--output", "json")).Output, StringComparison.Ordinal);
    }

    private IEnumerable<string> VolumesOnHost() => Directory.GetDirectories(Path.Combine(cloud.State, "agent/volumes"), "vol-*").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
