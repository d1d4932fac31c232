using System.Diagnostics;
using Kumoi.Api.Agent;
using Kumoi.Server.Dialects.Ec2;
using Kumoi.Server.Tests.Http;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Dialects;

/// <summary>Goal: clients that nobody here wrote get along. Method: those of Debian's packages, against a cloud whose host does at once what it is asked.</summary>
public sealed class Ec2ClientTests
{
    /// <summary>Debian's own interpreter: another one in the path has not its packages.</summary>
    private const string Python = "/usr/bin/python3";

    private static async Task<string> RunAsync(Ec2Scene scene, string program, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("kumoi-clients-").FullName;
        using var gone = new Folder(folder);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.Combine(GoldenTests.Tree, "tests/clients") };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = scene.Key.Id, ["AWS_SECRET_ACCESS_KEY"] = scene.Key.Secret, ["AWS_DEFAULT_REGION"] = scene.Key.Region, ["AWS_ENDPOINT_URL_EC2"] = scene.Url, ["AWS_EC2_METADATA_DISABLED"] = "true", ["AWS_PAGER"] = "", ["AWS_CONFIG_FILE"] = "/dev/null",
            ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null", ["HOME"] = folder, ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["PYTHONDONTWRITEBYTECODE"] = "1", ["PYTHONIOENCODING"] = "utf-8", ["LANG"] = "C.UTF-8",
        }) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}\n{await output}\n{await error}");
    }

    private sealed record Folder(string Path) : IDisposable
    {
        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    private static async Task WithHostAsync(Func<Ec2Scene, Task> use)
    {
        await using var scene = await Ec2Scene.StartAsync(options => options with { VcpuRatio = 16 });
        using var stop = new CancellationTokenSource();
        await scene.Scene.Host.ReportStoresAsync(new ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1, true));
        var host = scene.Scene.Host.KeepAsync(FakeHost.Obeyed, (_, _) => Task.CompletedTask, stop.Token);
        await use(scene);
        await stop.CancelAsync();
        await host;
    }

    [Fact]
    public Task Boto3_does_every_action_and_finds_nothing_that_its_model_does_not_know() => WithHostAsync(async scene =>
    {
        var answered = (await RunAsync(scene, Python, "ec2_actions.py")).Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        // Consoles need a guest; they are tried with one.
        Assert.Empty(scene.Scene.Cloud.Services.GetRequiredService<Ec2Actions>().All.Select(action => action.Name).Where(name => name != "GetConsoleOutput" && !answered.Contains(name)));
    });

    // The AWS command line does it end to end, with real guests.
    [Theory]
    [InlineData(Python, "ec2_boto3.py")]
    [InlineData(Python, "ec2_libcloud.py")]
    [InlineData("/bin/bash", "ec2_ansible.sh")]
    public Task A_guests_life_by_each_client(string program, string script) => WithHostAsync(scene => RunAsync(scene, program, script));
}
