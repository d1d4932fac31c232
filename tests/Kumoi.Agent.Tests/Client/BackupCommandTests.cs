using System.Diagnostics;
using System.Text.Json.Nodes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Agent.Tests.Client;

/// <summary>Goal: backups are made, verified, restored and deleted by commands. Method: the program itself, a server, and a host that does what it is told.</summary>
public sealed class BackupCommandTests
{
    private static readonly string Sum = new('a', 64);

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
    public async Task Commands_make_verify_restore_and_delete_backups()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        await host.ReportBackupPlacesAsync([new ObservedStore("st-00000000000000001", "shared", StoreDrivers.Directory, true, false, 100, 1)], new ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 1));
        var token = (await cloud.LoginAsync()).Http.DefaultRequestHeaders.Authorization!.Parameter!;
        using var stop = new CancellationTokenSource();
        var keeping = KeepAsync(host, stop.Token);
        try
        {
            await DoAsync("volume", "create", "data", "--size", "1GiB", "--wait");
            var first = await RunAsync(cloud, token, "C.UTF-8", ["backup", "create", "data", "--incremental", "--name", "monday", "--wait", "-o", "json"]);
            Assert.True(first.Code == 0, first.Error);
            Assert.Equal(("available", "full"), JsonNode.Parse(first.Output) is { } full ? ((string?)full["state"], (string?)full["kind"]) : default);
            Assert.Contains("it is a full one", first.Error, StringComparison.Ordinal);
            var second = JsonNode.Parse(await DoAsync("backup", "create", "data", "--incremental", "--name", "tuesday", "--wait", "-o", "json"))!;
            Assert.Equal(("incremental", "monday"), ((string?)second["kind"], (string?)second["parent"]!["name"]));
            Assert.Contains("tuesday", await DoAsync("backup", "list", "--volume", "data", "--state", "available"), StringComparison.Ordinal);
            Assert.NotNull(JsonNode.Parse(await DoAsync("backup", "verify", "tuesday", "--wait", "-o", "json"))!["verifiedAt"]);
            var restored = JsonNode.Parse(await DoAsync("backup", "restore", "tuesday", "--to", "data3", "--wait", "-o", "json"))!;
            Assert.Equal(("available", "tuesday"), ((string?)restored["state"], (string?)restored["backup"]!["name"]));
            await DoAsync("backup", "delete", "monday", "--wait");
            Assert.Equal("full", (string?)JsonNode.Parse(await DoAsync("backup", "show", "tuesday", "-o", "json"))!["kind"]);
            var refused = await RunAsync(cloud, token, "ja_JP.UTF-8", ["backup", "cancel", "tuesday"]);
            Assert.NotEqual(0, refused.Code);
            Assert.Contains("取りやめるものがありません", refused.Error, StringComparison.Ordinal);
            Assert.Contains("backups", await DoAsync("backup-store", "list"), StringComparison.Ordinal);
            var schedule = JsonNode.Parse(await DoAsync("backup-schedule", "create", "nightly", "--volume", "data", "--at", "03:00", "--time-zone", "Asia/Tokyo", "--keep", "7", "-o", "json"))!;
            Assert.Equal(("03:00", 7, 7), ((string?)schedule["at"], (int?)schedule["keep"], (int?)schedule["fullEvery"]));
            Assert.Contains("nightly", await DoAsync("backup-schedule", "list"), StringComparison.Ordinal);
            Assert.Equal(1440, (int?)JsonNode.Parse(await DoAsync("backup-schedule", "create", "daily", "--volume", "data", "--every", "24h", "--keep-days", "3", "-o", "json"))!["everyMinutes"]);
            await DoAsync("backup-schedule", "delete", "nightly");
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
        }

        async Task<string> DoAsync(params string[] arguments)
        {
            var ran = await RunAsync(cloud, token, "C.UTF-8", arguments);
            Assert.True(ran.Code == 0, $"{string.Join(' ', arguments)}: {ran.Output}{ran.Error}");
            return ran.Output;
        }
    }

    /// <summary>Does what it is asked for as soon as it hears of it.</summary>
    private static async Task KeepAsync(FakeHost host, CancellationToken stop)
    {
        try
        {
            for (var revision = -1L; !stop.IsCancellationRequested;)
            {
                if ((await host.AskAsync(revision, 1, new Dictionary<string, long>(), stop))?.Document is not { } document)
                {
                    await host.ReportAsync();
                    continue;
                }
                revision = document.Revision;
                await host.ReportVolumesAsync([.. (document.Volumes ?? []).Select(FakeHost.Obeyed)]);
                await host.ReportBackupsAsync([.. (document.Backups ?? []).Select(Obeyed)]);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private static ObservedBackup Obeyed(DesiredBackup told) => new(
        told.Id, told.Incarnation, told.Make is { } make ? new MadeBackup(make.ParentId, null, Sum, 4096, 4096, DateTimeOffset.UtcNow, SnapshotConsistency.Crash) : null, told.Desired == VolumeDesire.Deleted,
        told.Into is { } into ? new MergedBackup(into.ChildId, Sum, 8192) : null, told.Verify, null, [], null);
}
