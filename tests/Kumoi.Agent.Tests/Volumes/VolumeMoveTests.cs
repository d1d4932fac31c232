using System.Globalization;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>
/// Goal: what takes a volume's place has what that has, when it is there at all, and takes no more room. Method: the real qemu-storage-daemon and qemu-img, two machines; each step is taken by
/// objects of its own, as by an agent that was killed in between.
/// </summary>
public sealed class VolumeMoveTests : IAsyncDisposable
{
    private const long Gib = VolumeSizes.Gib;

    private static readonly string Key = new('a', 64), Secret = Convert.ToBase64String(new byte[32]), OtherSecret = Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)]);

    private readonly Machine _from = new("qemu"), _to = new("qemu");
    private DesiredVolume _volume = new("vol-19a3f2b4c5d6e0001", "", 1, 1, VolumeDesire.Present, 1), _place = new("vol-19a3f2b4c5d6e0002", "", 1, 1, VolumeDesire.Present, 1);

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task It_has_all_that_was_written_and_nothing_else(bool isSameHost, bool isEncrypted)
    {
        var to = isSameHost ? _from : _to;
        if (isEncrypted) (_volume, _place) = (_volume with { Encryption = new VolumeEncryption(Secret) }, _place with { Encryption = new VolumeEncryption(OtherSecret) });
        await MakeAsync(to);
        await WriteAsync("write -P 7 0 1M", "write -P 9 700M 64k", "write -z 1M 1M");
        // Not given yet: there is nothing to be made, and an empty one least of all.
        _place = _place with { Move = new VolumeMove(_volume.Id, 2 * 1024 * 1024, new VolumeRemote(VolumeProtocols.Nbd, "127.0.0.1", null, 1, Key)) };
        Assert.Equal(VolumePlan.Wait, VolumePlanner.Plan(_place, await SeeAsync(to, _place), true));
        await GiveAsync();
        await TakeAsync(to);
        Assert.Equal((Gib, false), await SeeAsync(to, _place) is var seen ? (seen.SizeBytes!.Value, seen.InUse) : default);
        Assert.Equal(VolumePlan.Nothing, VolumePlanner.Plan(_place with { Move = null, Made = true }, await SeeAsync(to, _place), true));
        Assert.InRange(FileStates.BytesUsed(FileOf(to, _place)), 1024 * 1024, 5 * 1024 * 1024);
        Assert.Null(Qcow2Header.Read(FileOf(to, _place))!.Backing);
        Assert.Equal(isEncrypted, Qcow2Header.Read(FileOf(to, _place))!.IsEncrypted);
        foreach (var read in new[] { "read -P 7 0 1M", "read -P 9 700M 64k", "read -P 0 1M 600M" }) Assert.DoesNotContain("verification failed", await AskAsync(to, _place, read), StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(to.Options.Paths.VolumeKeys) ? Directory.GetDirectories(to.Options.Paths.VolumeKeys) : []);
    }

    [Fact]
    public async Task Nothing_can_be_written_to_what_is_read_and_nobody_else_can_open_it()
    {
        await MakeAsync(_to);
        await WriteAsync("write -P 7 0 1M");
        await GiveAsync();
        Assert.Equal((true, _place.Id), await SeeAsync(_from, _volume) is var seen ? (seen.InUse, seen.Export!.InstanceId) : default);
        var keys = Directory.CreateDirectory(Path.Combine(_to.State, "keys")).FullName;
        File.WriteAllText(Path.Combine(keys, "keys.psk"), $"kumoi:{Key}\n");
        string[] target = ["--object", $"tls-creds-psk,id=tls,endpoint=client,username=kumoi,dir={keys}", "--image-opts", $"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={seen.Export.Port},export={_volume.Id},tls-creds=tls"];
        Assert.Contains("Permission", (await Machine.RunAsync("qemu-io", ["-c", "write -P 1 0 64k", .. target])).Output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("read 1048576/1048576", (await Machine.RunAsync("qemu-io", ["-r", "-c", "read -P 7 0 1M", .. target])).Output, StringComparison.Ordinal);
        // One that is to grow meanwhile stays as it is, and counts as done: it is as large in its new place.
        var plan = VolumePlanner.Plan(_volume with { SizeGib = 2 }, seen, true);
        Assert.Equal(VolumePlan.Nothing, plan);
        // A guest that was started all the same would not get it.
        await using var driver = await _from.VolumesAsync(null);
        var opened = await driver.OpenAsync(_volume, null, 4242, default);
        Assert.Contains("lock", (await Machine.RunAsync("qemu-io", ["-f", "qcow2", "-c", "write 0 512", opened.File])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_is_killed_at_any_point_is_followed_by_one_that_fills_it_anew()
    {
        await MakeAsync(_to);
        await WriteAsync("write -P 7 0 8M", "write -P 9 100M 8M");
        await GiveAsync();
        for (var point = 0; ; point++)
        {
            var (left, reached) = (point, false);
            FaultPoints.Reached.Value = _ =>
            {
                reached |= left-- <= 0;
                if (reached) throw new OperationCanceledException();
            };
            _place = _place with { Id = string.Create(CultureInfo.InvariantCulture, $"vol-19a3f2b4c5d6e1{point:x3}") };
            try
            {
                await TakeAsync(_to);
            }
            catch (OperationCanceledException)
            {
                Assert.True(reached);
                Assert.Null((await SeeAsync(_to, _place)).SizeBytes is { } size && size != Gib ? size : null);
            }
            finally
            {
                FaultPoints.Reached.Value = null;
            }
            await TakeAsync(_to);
            foreach (var read in new[] { "read -P 7 0 8M", "read -P 9 100M 8M", "read -P 0 8M 90M" }) Assert.DoesNotContain("verification failed", await AskAsync(_to, _place, read), StringComparison.Ordinal);
            if (!reached) break;
        }
    }

    [Fact]
    public async Task What_gives_it_may_end_in_the_middle_and_it_is_filled_anew_when_that_is_back()
    {
        await MakeAsync(_to);
        await WriteAsync("write -P 7 0 512M");
        await GiveAsync();
        await using var driver = await _to.VolumesAsync(null);
        await driver.ReceiveAsync(_place, default);
        await Wait.ForAsync("bytes", async () => (await driver.ObserveAsync(_place, default)).Snapshots.Work is { DoneBytes: > 0 } || (await driver.ObserveAsync(_place, default)).SizeBytes is not null, TimeSpan.FromSeconds(30));
        foreach (var daemon in Processes.All().Where(process => process.Arguments[0] == "qemu-storage-daemon" && process.Arguments.Any(argument => argument.Contains(_from.Options.Paths.RunRoot + "/", StringComparison.Ordinal)))) Processes.Signal(daemon.Id, Libc.SignalKill);
        await Wait.ForAsync("its end", async () => (await SeeAsync(_from, _volume)).Export is null, TimeSpan.FromSeconds(10));
        await GiveAsync();
        await TakeAsync(_to, driver);
        foreach (var read in new[] { "read -P 7 0 512M", "read -P 0 512M 512M" }) Assert.DoesNotContain("verification failed", await AskAsync(_to, _place, read), StringComparison.Ordinal);
    }

    private async Task MakeAsync(Machine to)
    {
        foreach (var machine in new[] { _from, to }) DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        _volume = _volume with { Store = await StoreOfAsync(_from) };
        _place = _place with { Store = await StoreOfAsync(to) };
        await using var driver = await _from.VolumesAsync(null);
        await driver.MakeAsync(_volume, null, default);
    }

    private static async Task<string> StoreOfAsync(Machine machine)
    {
        await using var driver = await machine.VolumesAsync(null);
        return (await driver.LookAsync(default)).There[^1].Store.Id;
    }

    private async Task GiveAsync()
    {
        _volume = _volume with { Export = new VolumeExport(VolumeProtocols.Nbd, _place.Id, 1, Key, ReadOnly: true) };
        await using (var driver = await _from.VolumesAsync(null)) await driver.ExportAsync(_volume, null, default);
        var port = (await SeeAsync(_from, _volume)).Export!.Port;
        _place = _place with { Move = new VolumeMove(_volume.Id, 16 * 1024 * 1024, new VolumeRemote(VolumeProtocols.Nbd, "127.0.0.1", port, 1, Key)) };
    }

    private async Task TakeAsync(Machine to)
    {
        await using var driver = await to.VolumesAsync(null);
        await TakeAsync(to, driver);
    }

    /// <summary>Follows the plan until it is there; what failed is tried again.</summary>
    private Task TakeAsync(Machine to, DirectoryVolumes driver) => Wait.ForAsync("it to be there", async () =>
    {
        var seen = await driver.ObserveAsync(_place, default);
        var plan = VolumePlanner.Plan(_place, seen, true);
        if (seen.SizeBytes is not null) return true;
        if (plan.Step is null) return false;
        Assert.Equal(VolumeStep.Receive, plan.Step);
        try
        {
            await driver.ReceiveAsync(_place, default);
        }
        catch (HypervisorException e) when (e.Reason is "volume-failed" or "volume-unreachable")
        {
            // As the queue would, a little later.
        }
        return false;
    }, TimeSpan.FromSeconds(60));

    private static async Task<VolumeSight> SeeAsync(Machine machine, DesiredVolume volume)
    {
        await using var driver = await machine.VolumesAsync(null);
        return await driver.ObserveAsync(volume, default);
    }

    private static string FileOf(Machine machine, DesiredVolume volume) => Path.Combine(machine.Options.Paths.Volumes, volume.Id, "base.qcow2");

    private Task WriteAsync(params string[] commands) => AskAsync(_from, _volume, commands);

    private static async Task<string> AskAsync(Machine machine, DesiredVolume volume, params string[] commands)
    {
        var (secret, file) = (Path.Combine(machine.State, "secret"), FileOf(machine, volume));
        File.WriteAllText(secret, volume.Encryption?.Key ?? "");
        string[] target = volume.Encryption is null ? ["--image-opts", $"driver=qcow2,file.driver=file,file.filename={file}"]
            : ["--object", $"secret,id=key,file={secret}", "--image-opts", $"driver=qcow2,encrypt.format=luks,encrypt.key-secret=key,file.driver=file,file.filename={file}"];
        var said = (await Machine.RunAsync("qemu-io", [.. commands.SelectMany(command => new[] { "-c", command }), .. target])).Output;
        Assert.DoesNotContain("can't open", said, StringComparison.Ordinal);
        return said;
    }

    public async ValueTask DisposeAsync()
    {
        await _from.DisposeAsync();
        await _to.DisposeAsync();
    }
}
