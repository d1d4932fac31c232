using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

public sealed partial class CloudTests
{
    [Fact]
    public async Task Backups_of_a_volume_that_a_guest_writes_to_are_restored_as_they_were_whatever_is_killed()
    {
        (await cloud.OperatorKumoiAsync("volume-type", "create", "sealed", "--encrypted")).Ok.ToString();
        var data = await GuestVolume.MakeAsync(cloud, "kept", "--size", "1GiB", "--type", "sealed");
        await data.AttachAsync("first");
        var before = await data.FillAsync("first");
        (await cloud.KumoiAsync("backup", "create", data.Name, "--name", "b1", "--wait")).Ok.ToString();
        var after = (await cloud.InGuestAsync("first", "sh", "-c", "dd if=/dev/urandom of=/mnt/file bs=1M count=16 2>/dev/null && sync && sha256sum </mnt/file")).Ok.Trim();
        // The increment, with the agent killed in its middle.
        (await cloud.KumoiAsync("backup", "create", data.Name, "--incremental", "--name", "b2")).Ok.ToString();
        await Machine.KillAsync(await cloud.PidAsync("agent"));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.JsonAsync("backup", "show", "b2")).GetProperty("state").GetString() == "available", 120, "the increment is made");
        var (full, increment) = (await cloud.JsonAsync("backup", "show", "b1"), await cloud.JsonAsync("backup", "show", "b2"));
        Assert.Equal(("full", "incremental", true), (full.GetProperty("kind").GetString(), increment.GetProperty("kind").GetString(), increment.GetProperty("encrypted").GetBoolean()));
        // What is encrypted costs 2 MiB more; else what was written is what is moved.
        Assert.InRange(increment.GetProperty("movedBytes").GetInt64(), 16L << 20, 24L << 20);
        (await cloud.KumoiAsync("backup", "verify", "b2", "--wait")).Ok.ToString();
        // The one that the other builds on goes; what it had stays with the other.
        (await cloud.KumoiAsync("backup", "restore", "b1", "--to", "earlier", "--wait")).Ok.ToString();
        (await cloud.KumoiAsync("backup", "delete", "b1", "--wait")).Ok.ToString();
        (await cloud.KumoiAsync("backup", "restore", "b2", "--to", "later", "--wait")).Ok.ToString();
        await data.UnmountAsync("first");
        foreach (var (name, sum) in ((string, string)[])[("earlier", before), ("later", after)])
        {
            var restored = await GuestVolume.OfAsync(cloud, name);
            Assert.True((await restored.ShowAsync()).GetProperty("encrypted").GetBoolean());
            await restored.AttachAsync("first");
            Assert.Equal(sum, await restored.SumAsync("first"));
            await restored.UnmountAsync("first");
        }
        (await cloud.KumoiAsync("backup", "delete", "b2", "--wait")).Ok.ToString();
        foreach (var name in (string[])["earlier", "later", data.Name])
        {
            (await cloud.KumoiAsync("volume", "detach", name)).Ok.ToString();
            await Wait.UntilAsync(async () => (await cloud.JsonAsync("volume", "show", name)).GetProperty("state").GetString() == "available", 60, $"{name} is free");
            (await cloud.KumoiAsync("volume", "delete", name)).Ok.ToString();
        }
        await Wait.UntilAsync(async () => !VolumesOnHost().Contains(data.Id) && (await cloud.JsonAsync("volume", "list")).EnumerateArray().All(one => one.GetProperty("slot").ValueKind == JsonValueKind.Number), 120, "nothing is left of them");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(cloud.State, "backups")).Where(path => !Path.GetFileName(path).StartsWith('.')));
        (await cloud.OperatorKumoiAsync("volume-type", "delete", "sealed")).Ok.ToString();
    }
}
