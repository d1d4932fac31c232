using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Hosts;

/// <summary>How guests' instructions are run, and why so, in a sentence for the host's page.</summary>
/// <param name="Name"><c>kvm</c>, <c>tcg</c> or <c>simulated</c>.</param>
public sealed record Accelerator(string Name, string Reason);

/// <summary>
/// Finds out whether KVM works rather than whether it is there: it counts only once a test guest has answered. The finding is kept for
/// the machine's boot id, since neither kernel nor firmware settings change without a restart.
/// </summary>
public sealed class AcceleratorProbe(Commands commands, AgentPaths paths)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    private string Cache => Path.Combine(paths.State, "accelerator.json");

    /// <summary>The accelerator to use; never fails, as TCG works everywhere.</summary>
    public async Task<Accelerator> FindAsync(string wanted, string bootId, CancellationToken cancel)
    {
        if (wanted == "tcg") return new Accelerator("tcg", "TCG was chosen in the host's settings.");
        if (wanted == "kvm") return new Accelerator("kvm", "KVM was chosen in the host's settings.");
        if (Remembered(bootId) is { } remembered) return remembered;
        var found = await ProbeAsync(cancel);
        Keep(bootId, found);
        return found;
    }

    /// <summary>Keeps what was found for the machine's boot, here or by another agent of the same machine.</summary>
    public void Keep(string bootId, Accelerator found)
    {
        DurableFiles.MakeDirectory(paths.State, AgentModes.Passable);
        DurableFiles.Write(
            Cache, JsonSerializer.SerializeToUtf8Bytes(new ProbeFinding(bootId, found.Name, found.Reason), ProbeJson.Default.ProbeFinding),
            UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private async Task<Accelerator> ProbeAsync(CancellationToken cancel)
    {
        if (!File.Exists("/dev/kvm")) return new Accelerator("tcg", "The machine offers no KVM; using TCG.");
        try
        {
            // ARCH_CAPABILITIES is taken out, as some KVM implementations refuse to set it and QEMU then aborts.
            return await RunAsync("kvm", "max,-arch-capabilities", cancel) == ProbeRom.Answer
                ? new Accelerator("kvm", "A test guest ran under KVM.")
                : new Accelerator("tcg", "KVM is present but a test guest failed; using TCG.");
        }
        catch (CommandFailedException)
        {
            return new Accelerator("tcg", "KVM is present but a test guest did not finish within 3 s; using TCG.");
        }
    }

    /// <summary>Runs the test guest; its exit status.</summary>
    public async Task<int> RunAsync(string accelerator, string model, CancellationToken cancel)
    {
        DurableFiles.MakeDirectory(paths.State, AgentModes.Passable);
        var rom = Path.Combine(paths.State, $"probe-{accelerator}.rom");
        await File.WriteAllBytesAsync(rom, ProbeRom.Build(), cancel);
        try
        {
            // It ends by itself too, should this process be killed meanwhile: where KVM does not work it would run for ever.
            var result = await commands.TryRunAsync("timeout",
                [
                    "--signal=KILL", $"{Limit.TotalSeconds + 1:0}", "qemu-system-x86_64", "-M", "q35", "-accel", accelerator, "-cpu", model, "-m", "64", "-nodefaults", "-no-user-config", "-display", "none",
                    "-no-reboot", "-bios", rom, "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
                ], null, [], Limit, cancel);
            return result.ExitCode;
        }
        finally
        {
            File.Delete(rom);
        }
    }

    private Accelerator? Remembered(string bootId)
    {
        try
        {
            var finding = JsonSerializer.Deserialize(File.ReadAllBytes(Cache), ProbeJson.Default.ProbeFinding);
            return finding is not null && finding.BootId == bootId ? new Accelerator(finding.Name, finding.Reason) : null;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // Not there, or half of another version's: probing again is the answer to both.
            return null;
        }
    }
}

internal sealed record ProbeFinding(string BootId, string Name, string Reason);

[JsonSerializable(typeof(ProbeFinding))]
internal sealed partial class ProbeJson : JsonSerializerContext;
