using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Agent.Tests.Client;

/// <summary>Goal: snapshots are taken, used and deleted by commands. Method: the program itself, a server, and a host that does what it is told.</summary>
public sealed class SnapshotCommandTests
{
    private static async Task<(int Code, string Output, string Error)> RunAsync(TestCloud cloud, string token, string language, string[] arguments)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "kumoi.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true } };
        foreach (var (name, value) in new[] { ("KUMOI_URL", cloud.Url), ("KUMOI_TOKEN", token), ("LC_ALL", language) }) process.StartInfo.Environment[name] = value;
        process.Start();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    [Fact]
    public async Task Commands_take_use_and_delete_snapshots()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        await host.ReportStoresAsync(new ObservedStore("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1));
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        await admin.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny" });
        var token = admin.Http.DefaultRequestHeaders.Authorization!.Parameter!;
        using var stop = new CancellationTokenSource();
        var keeping = KeepAsync(host, stop.Token);
        try
        {
            await DoAsync("volume", "create", "data", "--size", "1GiB");
            await DoAsync("volume", "attach", "data", "web-1", "--wait");
            var taken = JsonNode.Parse(await DoAsync("volume", "snapshot", "data", "monday", "--description", "before", "--wait", "-o", "json"))!;
            Assert.Equal(("available", "before", "crash"), ((string?)taken["state"], (string?)taken["description"], (string?)taken["consistency"]));
            Assert.Contains("monday", await DoAsync("snapshot", "list", "--volume", "data", "--state", "available"), StringComparison.Ordinal);
            Assert.Contains("tuesday", await DoAsync("snapshot", "update", "monday", "--name", "tuesday"), StringComparison.Ordinal);
            var copy = JsonNode.Parse(await DoAsync("volume", "create", "copy", "--from-snapshot", "tuesday", "--wait", "-o", "json"))!;
            Assert.Equal(("tuesday", 1), ((string?)copy["snapshot"]!["name"], (int?)copy["sizeGib"]));
            var refused = await RunAsync(cloud, token, "ja_JP.UTF-8", ["volume", "restore", "data", "tuesday"]);
            Assert.NotEqual(0, refused.Code);
            Assert.Contains("停止していない web-1", refused.Error, StringComparison.Ordinal);
            var rootless = await RunAsync(cloud, token, "C.UTF-8", ["instance", "snapshot", "web-1", "night"]);
            Assert.Contains("does not start from a volume", rootless.Error, StringComparison.Ordinal);
            await DoAsync("instance", "stop", "web-1", "--wait");
            Assert.Equal("in-use", (string?)JsonNode.Parse(await DoAsync("volume", "restore", "data", "tuesday", "--wait", "-o", "json"))!["state"]);
            await DoAsync("volume", "detach", "data", "--wait");
            var deleted = await RunAsync(cloud, token, "C.UTF-8", ["volume", "delete", "data", "--wait"]);
            Assert.Equal(0, deleted.Code);
            Assert.Contains("The 1 snapshot(s) of data stay.", deleted.Error, StringComparison.Ordinal);
            Assert.Equal("retained", (string?)JsonNode.Parse(await DoAsync("volume", "list", "--state", "retained", "-o", "json"))![0]!["state"]);
            await DoAsync("snapshot", "delete", "tuesday", "--wait");
            Assert.Equal("[]", JsonSerializer.Serialize(JsonNode.Parse(await DoAsync("snapshot", "list", "-o", "json"))));
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
        }

        async Task<string> DoAsync(params string[] arguments)
        {
            var ran = await RunAsync(cloud, token, "C.UTF-8", arguments);
            Assert.True(ran.Code == 0, $"{string.Join(' ', arguments)} ended with {ran.Code}: {ran.Output}{ran.Error}");
            return ran.Output;
        }
    }

    private static async Task KeepAsync(FakeHost host, CancellationToken stop)
    {
        try
        {
            for (var revision = -1L; !stop.IsCancellationRequested;)
                if ((await host.AskAsync(revision, 1, new Dictionary<string, long>(), stop))?.Document is { } news) revision = Math.Max(news.Revision, (await host.ObeyWithVolumesAsync()).Revision);
                else await host.ReportAsync();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }
}
