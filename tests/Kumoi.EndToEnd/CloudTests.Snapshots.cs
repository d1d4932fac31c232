using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

public sealed partial class CloudTests
{
    [Fact]
    public async Task A_snapshot_has_what_was_there_at_its_moment_whatever_happens_after()
    {
        var data = await GuestVolume.MakeAsync(cloud, "snapped", "--size", "1GiB");
        await data.AttachAsync("first");
        var before = await data.FillAsync("first");
        (await cloud.KumoiAsync("volume", "snapshot", data.Name, "s1", "--wait")).Ok.ToString();
        var after = (await cloud.InGuestAsync("first", "sh", "-c", "dd if=/dev/urandom of=/mnt/file bs=1M count=16 2>/dev/null && sync && sha256sum </mnt/file")).Ok.Trim();
        Assert.NotEqual(before, after);
        var shown = await cloud.JsonAsync("snapshot", "show", "s1");
        Assert.Equal(("available", "snapped"), (shown.GetProperty("state").GetString(), shown.GetProperty("volume").GetProperty("name").GetString()));

        // Of all that the instance has, at one moment, under load; the guest's process and the agent are killed right after.
        (await cloud.InGuestAsync("first", "sh", "-c", "echo kept >/root/kept; sync; (while true; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64 2>/dev/null; done) >/dev/null 2>&1 </dev/null &")).Ok.ToString();
        (await cloud.KumoiAsync("instance", "snapshot", "first", "s2", "--wait")).Ok.ToString();
        await Machine.KillAsync(await cloud.PidAsync("agent"));
        await Machine.KillAsync(QuickstartCloud.Qemu((await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.InGuestAsync("first", "cat", "/root/kept")).Output.Trim() == "kept", 120, "first is back");
        Assert.Equal(after, await data.SumAsync("first"));
        var taken = (await cloud.JsonAsync("snapshot", "list")).EnumerateArray().Where(one => one.GetProperty("name").GetString()!.StartsWith("s2", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, taken.Count);
        Assert.Single(taken.Select(one => one.GetProperty("takenAt").GetString()).Distinct());

        // A volume of its own, with what was there; the one in the middle deleted while the guest writes.
        var copy = await GuestVolume.MakeAsync(cloud, "copied", "--from-snapshot", "s1", "--wait");
        (await cloud.KumoiAsync("snapshot", "delete", "s1", "--wait")).Ok.ToString();
        await copy.AttachAsync("first");
        await data.UnmountAsync("first");
        Assert.Equal(before, await copy.SumAsync("first"));
        await copy.UnmountAsync("first");
        Assert.Equal(after, await data.SumAsync("first"));
        await data.UnmountAsync("first");

        // Put back in place.
        (await cloud.KumoiAsync("volume", "detach", copy.Name)).Ok.ToString();
        await copy.UntilAsync("available");
        (await cloud.KumoiAsync("volume", "snapshot", copy.Name, "s3", "--wait")).Ok.ToString();
        await copy.AttachAsync("first");
        await copy.FillAsync("first");
        var refused = await cloud.KumoiAsync("volume", "restore", copy.Name, "s3");
        Assert.NotEqual(0, refused.Code);
        await copy.UnmountAsync("first");
        (await cloud.KumoiAsync("volume", "detach", copy.Name)).Ok.ToString();
        await copy.UntilAsync("available");
        (await cloud.KumoiAsync("volume", "restore", copy.Name, "s3", "--wait")).Ok.ToString();
        await copy.AttachAsync("first");
        Assert.Equal(before, await copy.SumAsync("first"));
        await copy.UnmountAsync("first");

        foreach (var volume in (string[])[copy.Name, data.Name])
        {
            (await cloud.KumoiAsync("volume", "detach", volume)).Ok.ToString();
            await Wait.UntilAsync(async () => (await cloud.JsonAsync("volume", "show", volume)).GetProperty("state").GetString() == "available", 60, $"{volume} is free");
            (await cloud.KumoiAsync("volume", "delete", volume)).Ok.ToString();
        }
        foreach (var one in (await cloud.JsonAsync("snapshot", "list")).EnumerateArray().Select(one => one.GetProperty("name").GetString()!).ToList()) (await cloud.KumoiAsync("snapshot", "delete", one, "--wait")).Ok.ToString();
        await Wait.UntilAsync(async () => !VolumesOnHost().Contains(data.Id) && !VolumesOnHost().Contains(copy.Id) && (await cloud.JsonAsync("volume", "list")).EnumerateArray().All(one => one.GetProperty("slot").ValueKind == JsonValueKind.Number), 120, "nothing is left of them");
    }

    [Fact]
    public async Task An_image_of_an_instance_starts_others_with_what_was_on_it()
    {
        (await cloud.InGuestAsync("first", "sh", "-c", "echo gold >/root/kind; sync")).Ok.ToString();
        (await cloud.KumoiAsync("image", "create", "gold", "--from-instance", "first", "--wait")).Ok.ToString();
        (await cloud.KumoiAsync("instance", "create", "of-gold", "--image", "gold", "--flavor", "tiny", "--key", "demo", "--wait")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.InGuestAsync("of-gold", "cat", "/root/kind")).Output.Trim() == "gold", 120, "the new guest has what was on the first");
        (await cloud.KumoiAsync("instance", "delete", "of-gold", "--wait")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.KumoiAsync("image", "delete", "gold")).Code == 0, 60, "nothing uses the image");
        Assert.DoesNotContain("counters-wrong", (await cloud.KumoiAsync("doctor", "--output", "json")).Output, StringComparison.Ordinal);
    }
}
