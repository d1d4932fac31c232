using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

public sealed partial class HostsTests
{
    private async Task EmptyPoolAsync()
    {
        var home = (await cloud.JsonAsync("instance", "show", "on-1")).GetProperty("host").GetProperty("name").GetString()!["host-".Length..];
        var store = Path.Combine(cloud.State, "hosts", home, "fast");
        Directory.CreateDirectory(store);
        await File.WriteAllTextAsync(Path.Combine(cloud.State, "hosts", home, "agent.options"), $"--store=fast=directory:{store}\n");
        await Machine.KillAsync(await cloud.PidAsync("agent-" + home));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.OperatorKumoiAsync("pool", "show", "fast")).Code == 0, 60, "the host offers its store");
        var (used, free) = (await GuestVolume.MakeAsync(cloud, "drained-1", "--size", "1GiB", "--pool", "fast"), await GuestVolume.MakeAsync(cloud, "drained-2", "--size", "1GiB", "--pool", "fast"));
        await free.AttachAsync("on-1");
        (await cloud.KumoiAsync("volume", "detach", free.Name)).Ok.ToString();
        await free.UntilAsync("available");
        await used.AttachAsync("on-1");
        var written = await used.FillAsync("on-1");
        (await cloud.OperatorKumoiAsync("pool", "drain", "fast", "--to", "local")).Ok.ToString();
        await Wait.UntilAsync(async () => await PoolOfAsync(free) == "local", 120, "the free one has moved");
        Assert.Equal("fast", await PoolOfAsync(used));
        Assert.Contains("The pool fast is in maintenance", (await cloud.KumoiAsync("volume", "create", "late", "--size", "1GiB", "--pool", "fast", "--output", "json")).Error, StringComparison.Ordinal);
        await used.UnmountAsync("on-1");
        (await cloud.KumoiAsync("volume", "detach", used.Name)).Ok.ToString();
        await Wait.UntilAsync(async () => await LeftAsync() == 0, 120, "the pool is empty");
        Assert.Equal("local", await PoolOfAsync(used));
        Assert.Empty(Directory.EnumerateFileSystemEntries(store, "vol-*", SearchOption.AllDirectories));
        await used.AttachAsync("on-1");
        Assert.Equal(written, await used.SumAsync("on-1"));
        await used.UnmountAsync("on-1");
        foreach (var volume in (GuestVolume[])[used, free])
        {
            await cloud.KumoiAsync("volume", "detach", volume.Name);
            await volume.UntilAsync("available");
            (await cloud.KumoiAsync("volume", "delete", volume.Name, "--wait")).Ok.ToString();
        }

        static async Task<string> PoolOfAsync(GuestVolume volume) => (await volume.ShowAsync()).GetProperty("pool").GetProperty("name").GetString()!;
        async Task<int> LeftAsync()
        {
            var drain = JsonDocument.Parse((await cloud.OperatorKumoiAsync("pool", "show", "fast", "--output", "json")).Ok).RootElement.GetProperty("drain");
            return drain.GetProperty("left").GetInt32() + drain.GetProperty("leaving").GetInt32();
        }
    }
}
