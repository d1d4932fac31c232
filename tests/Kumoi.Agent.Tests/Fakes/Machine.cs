using System.Diagnostics;
using System.Security.Cryptography;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>A place on the machine for one test: a tag, a state directory that guests can pass, and its removal.</summary>
internal sealed class Machine : IAsyncDisposable
{
    public Machine(string hypervisor)
    {
        if (hypervisor == "qemu" && Environment.UserName != "root")
            throw new InvalidOperationException("This test makes network devices and starts guests: run it as root.");
        Tag = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
        State = Directory.CreateDirectory($"/tmp/kumoi-test-{Tag}").FullName;
        Options = new AgentOptions { StateDirectory = State, Tag = Tag, Name = "host1", Address = "127.0.0.1", Hypervisor = hypervisor, RunDirectory = hypervisor == "qemu" ? null : Path.Combine(State, "run") };
    }

    public string Tag { get; }

    public string State { get; }

    public AgentOptions Options { get; set; }

    /// <summary>What simulated guests run on: it outlives the test's agents.</summary>
    public SimulatedMachine Hardware { get; } = new(new SimulatedDisks("host", null), storage: null, TimeProvider.System);

    /// <summary>Volumes in the directories of the options.</summary>
    /// <param name="shared">The directory of root disks that several hosts have mounted; null if there is none.</param>
    public async Task<DirectoryVolumes> VolumesAsync(StoreDirectory? shared)
    {
        var volumes = Volumes(shared);
        await volumes.LookAsync(default);
        return volumes;
    }

    /// <summary>The same, before anybody has looked at them.</summary>
    public DirectoryVolumes Volumes(StoreDirectory? shared) => new(new Stores(Options, StorePlace.Of(Options), shared, TimeProvider.System), new ExportProcesses(Options, new Commands(TimeProvider.System), TimeProvider.System), new Commands(TimeProvider.System), TimeProvider.System) { BackupPlaces = new Stores(Options, StorePlace.OfBackups(Options), null, TimeProvider.System) };

    public static ILogger Log { get; } = Environment.GetEnvironmentVariable("KUMOI_TEST_LOG") is null
        ? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance
        : LoggerFactory.Create(logging => logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss.fff "; })).CreateLogger("agent");

    public static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    public async ValueTask DisposeAsync()
    {
        if (Options.Hypervisor == "qemu") Assert.True(await AgentCleanup.RunAsync(Options, TimeProvider.System, Log, CancellationToken.None));
        Directory.Delete(State, recursive: true);
    }
}
