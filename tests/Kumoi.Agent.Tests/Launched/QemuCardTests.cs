using System.Security.Cryptography;
using System.Text.Json;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// Network cards of a real QEMU on real taps, with an empty disk: no system in the guest delays what is asked of it. Each step is taken by a
/// hypervisor object of its own, as by an agent that was killed in between.
/// </summary>
public sealed class QemuCardTests
{
    private static readonly string[] Ids = ["eni-19a3f2b4c5d6e0001", "eni-19a3f2b4c5d6e0002", "eni-19a3f2b4c5d6e0003"];

    [Fact]
    public async Task Cards_are_plugged_in_taken_out_and_put_right_from_every_half_of_them()
    {
        await using var machine = new Machine("qemu");
        var record = await StartAsync(machine);
        await CardsAsync(machine, record, Whole(0));

        // The guest's processors run, and nothing in it has taken its new cards into use: these go at once.
        await OnceAsync(machine, hypervisor => hypervisor.ResumeAsync(record.Id, default));
        await OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 1), default));
        await OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 2), default));
        await CardsAsync(machine, record, Whole(0), Whole(1), Whole(2));
        Assert.Contains("host_mtu", await AskAsync(machine, record, "qom-list", "path", "/machine/peripheral/" + Ids[2]), StringComparison.Ordinal);
        Assert.Contains("1400", await AskAsync(machine, record, "qom-get", "path", "/machine/peripheral/" + Ids[2], "property", "host_mtu"), StringComparison.Ordinal);

        await GoneAsync(machine, record, 2);
        await CardsAsync(machine, record, Whole(0), Whole(1), new GuestCard(Ids[2], false, true));
        // A tap whose backend is left is not free; the same card is plugged in again all the same.
        await OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 2), default));
        await CardsAsync(machine, record, Whole(0), Whole(1), Whole(2));

        // Both parts, and repeated.
        await GoneAsync(machine, record, 1);
        foreach (var _ in new[] { 1, 2 }) await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[1], default));
        await CardsAsync(machine, record, Whole(0), Whole(2));
        using (var free = await TapDevices.OpenAsync(Namespace(machine), ObjectNames.Tap(Ids[1]))) Assert.False(free.IsInvalid);
        await OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 1), default));
        await CardsAsync(machine, record, Whole(0), Whole(1), Whole(2));

        // A descriptor that was handed over, and nothing made of it.
        await GoneAsync(machine, record, 2);
        await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[2], default));
        await HandOverAsync(machine, record, 2);
        await Assert.ThrowsAsync<IOException>(() => TapDevices.OpenAsync(Namespace(machine), ObjectNames.Tap(Ids[2])));
        await OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 2), default));
        await CardsAsync(machine, record, Whole(0), Whole(1), Whole(2));
        await GoneAsync(machine, record, 2);
        await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[2], default));
        await HandOverAsync(machine, record, 2);
        await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[2], default));
        using (var free = await TapDevices.OpenAsync(Namespace(machine), ObjectNames.Tap(Ids[2]))) Assert.False(free.IsInvalid);

        await GoneAsync(machine, record, 1);
        await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[1], default));

        // The card that was there from the start is in use: a system in the guest would have to let it go. Asked again at once, QEMU refuses, which is no failure.
        foreach (var _ in new[] { 1, 2 }) await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[0], default));
        await CardsAsync(machine, record, Whole(0));
        var e = await Assert.ThrowsAnyAsync<IOException>(() => OnceAsync(machine, hypervisor => hypervisor.PlugAsync(record.Id, Card(record, 0) with { Interface = record.Interfaces[0] with { Id = "eni-f" } }, default)));
        Assert.Equal("The tap device tf is not there.", e.Message);
        await CardsAsync(machine, record, Whole(0));
    }

    private static GuestCard Whole(int number) => new(Ids[number], true, true);

    private static CardIntent Card(DesiredInstance record, int number) => new(record.Interfaces[number], 1400);

    private static string Namespace(Machine machine) => ObjectNames.Namespace(machine.Tag, Samples.Network);

    /// <summary>A guest with the first of its three interfaces.</summary>
    private static async Task<DesiredInstance> StartAsync(Machine machine)
    {
        var file = Path.Combine(machine.State, "empty.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", file, "8M")).Code);
        var bytes = await File.ReadAllBytesAsync(file);
        var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var cache = new ImageCache(machine.Options.Paths);
        await cache.FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
        Assert.Equal(0, (await Machine.RunAsync("ip", "netns", "add", Namespace(machine))).Code);
        foreach (var id in Ids) Assert.Equal(0, (await Machine.RunAsync("ip", "-n", Namespace(machine), "tuntap", "add", "dev", ObjectNames.Tap(id), "mode", "tap")).Code);
        var record = Samples.Instance(22, "running");
        record = record with { MemoryMib = 64, Interfaces = [.. Ids.Select((id, index) => record.Interfaces[0] with { Id = id, Index = index, MacAddress = $"52:54:00:00:00:0{index}" })] };
        await OnceAsync(machine, hypervisor => hypervisor.MakeDiskAsync(record, image, default));
        await OnceAsync(machine, hypervisor => hypervisor.StartAsync(record, image, [Card(record, 0)], [], null, default));
        return record;
    }

    private static async Task OnceAsync(Machine machine, Func<QemuHypervisor, Task> step)
    {
        await using var hypervisor = new QemuHypervisor(machine.Options, "tcg", null, new ImageCache(machine.Options.Paths), await machine.VolumesAsync(null), new Commands(TimeProvider.System), TimeProvider.System);
        await step(hypervisor);
    }

    private static Task CardsAsync(Machine machine, DesiredInstance record, params GuestCard[] expected) =>
        OnceAsync(machine, async hypervisor => Assert.Equal(expected, (await hypervisor.ObserveAsync(record.Id, default)).Process!.Cards));

    private static async Task GoneAsync(Machine machine, DesiredInstance record, int number)
    {
        await OnceAsync(machine, hypervisor => hypervisor.UnplugAsync(record.Id, Ids[number], default));
        await Wait.ForAsync("the card to go", async () =>
        {
            var there = true;
            await OnceAsync(machine, async hypervisor => there = (await hypervisor.ObserveAsync(record.Id, default)).Process!.Cards!.Any(card => card.Id == Ids[number] && card.Device));
            return !there;
        }, TimeSpan.FromSeconds(20));
    }

    private static async Task HandOverAsync(Machine machine, DesiredInstance record, int number)
    {
        await using var qmp = await ConnectAsync(machine, record);
        using var tap = await TapDevices.OpenAsync(Namespace(machine), ObjectNames.Tap(Ids[number]));
        await qmp.ExecuteAsync("getfd", arguments => arguments.WriteString("fdname", "tap-" + Ids[number]), tap, default);
    }

    private static async Task<string> AskAsync(Machine machine, DesiredInstance record, string command, params string[] arguments)
    {
        await using var qmp = await ConnectAsync(machine, record);
        return await qmp.AskAsync(command, writer =>
        {
            for (var at = 0; at < arguments.Length; at += 2) writer.WriteString(arguments[at], arguments[at + 1]);
        }, answer => answer.GetRawText(), default);
    }

    private static async Task<QmpClient> ConnectAsync(Machine machine, DesiredInstance record) =>
        await QmpClient.ConnectAsync((await QemuGuest.ConnectAsync(machine.Options.Paths.Socket(record.Id, "qmp"), default))!, TimeProvider.System, _ => { }, default);
}
