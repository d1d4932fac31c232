using System.Diagnostics;
using System.Security.Cryptography;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// Goal: a system that runs in a guest gets an interface, uses it and gives it back, whatever happens to the agent meanwhile. Method: the agent
/// as a process of its own with the tiny guest, killed in the middle; the guest is known to use an interface by its answers at its address.
/// </summary>
public sealed class PluggedGuestTests(ITestOutputHelper output)
{
    private const string Other = "net-19a3f2b4c5d6e7f90", OtherSubnet = "subnet-19a3f2b4c5d6e7f91";

    private static readonly TimeSpan Boot = TimeSpan.FromSeconds(120), Soon = TimeSpan.FromSeconds(60);
    private static readonly DesiredInterface First = Samples.Instance(21, "running").Interfaces[0];

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private DesiredImage _image = Samples.ImageOf("", 0, 0);
    private DesiredInstance _record = Samples.Instance(21, "running");
    private long _revision;

    [Fact]
    public async Task A_guest_gets_interfaces_and_gives_them_back_though_the_agent_is_killed()
    {
        await using var machine = new Machine("qemu");
        await using var server = await FakeServer.StartAsync();
        server.Answer = new ReportAnswer(1, 600);
        server.ImageFile = await TinyImage.FindAsync();
        var bytes = await File.ReadAllBytesAsync(server.ImageFile);
        _image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(24)));
        var token = Path.Combine(machine.State, "token");
        await File.WriteAllTextAsync(token, server.Token);

        var agent = new AgentProcess(machine, token);
        try
        {
            Want(server, First);
            await AnswersAsync(machine, First);
            Tell("the guest answers");
            var guest = Guest(machine);

            // Attached, and the agent killed before it was done.
            var second = Second(32, 1);
            Want(server, First, second);
            await Task.Delay(Random.Shared.Next(200));
            await agent.KillAsync();
            agent = new AgentProcess(machine, token);
            await AnswersAsync(machine, second);
            await HasAsync(server, First, second);
            Tell("attached");

            // Detached, and the agent killed when it had asked: what the guest gives back meanwhile is found half-way by the next one.
            Want(server, First);
            await agent.SaysAsync(": Unplug", Soon);
            await agent.KillAsync();
            await Wait.ForAsync("the guest to give the card back", async () => (await CardsAsync(machine)).SequenceEqual([new GuestCard(First.Id, true, true), new GuestCard(second.Id, false, true)]), Soon);
            Assert.Contains(ObjectNames.Tap(second.Id), await LinksAsync(machine, Other), StringComparison.Ordinal);
            server.Seen.Clear();
            agent = new AgentProcess(machine, token);
            await HasAsync(server, First);
            Assert.DoesNotContain(ObjectNames.Tap(second.Id), await LinksAsync(machine, Other), StringComparison.Ordinal);
            Tell("detached");

            // Again; and the guest's first interface goes, while the other one serves on.
            var third = Second(33, 1);
            Want(server, First, third);
            await AnswersAsync(machine, third);
            await HasAsync(server, First, third);
            Tell("attached again");
            Want(server, third);
            await HasAsync(server, third);
            Assert.True(await IsAnswering(machine, third));
            Assert.DoesNotContain(ObjectNames.Tap(First.Id), await LinksAsync(machine, Samples.Network), StringComparison.Ordinal);
            Tell("the first one detached");
            Assert.Equal(guest, Guest(machine));
            Assert.Empty(server.LastReport!.Strays);
        }
        finally
        {
            await agent.KillAsync();
            Tell(agent.Said);
        }
    }

    private void Tell(string what) => output.WriteLine($"{_watch.Elapsed.TotalSeconds:0.0} s: {what}");

    private static DesiredInterface Second(int number, int index) => new(
        $"eni-19a3f2b4c5d6e{number:x4}", index, Other, OtherSubnet, $"52:54:00:00:00:{number:x2}", $"10.1.0.{number}", null, [Samples.Group]);

    private void Want(FakeServer server, params DesiredInterface[] interfaces)
    {
        _record = _record with { Generation = ++_revision, Interfaces = interfaces };
        var document = Samples.Document(_revision, _image, [Samples.EgressAll], Samples.Instance(21, "running"));
        var other = new DesiredNetwork(Other, "other", 8, "100.64.0.6", "other.internal", [new DesiredSubnet(OtherSubnet, "10.1.0.0/24", "10.1.0.1", [])], []);
        server.Set(document with { Networks = [.. document.Networks, other], Instances = [_record] });
    }

    private Task HasAsync(FakeServer server, params DesiredInterface[] interfaces) => Wait.ForAsync($"the interfaces {string.Join(' ', interfaces.Select(one => one.Id))}", () =>
        server.Seen.GetValueOrDefault(_record.Id) is { Power: PowerState.Running, Conditions.Count: 0 } seen && seen.Generation == _record.Generation
        && seen.Interfaces!.Order().SequenceEqual(interfaces.Select(one => one.Id).Order()), Soon);

    private static Task AnswersAsync(Machine machine, DesiredInterface wanted) => Wait.ForAsync($"an answer from {wanted.Address}", () => IsAnswering(machine, wanted), Boot);

    /// <summary>Asked from the subnet's gateway: the answer is then sent by this interface, whatever the guest has as its default.</summary>
    private static async Task<bool> IsAnswering(Machine machine, DesiredInterface wanted) =>
        (await Machine.RunAsync("nsenter", $"--net={NetworkNamespaces.PathOf(ObjectNames.Namespace(machine.Tag, wanted.NetworkId))}", "ping", "-c1", "-W1", "-I", wanted.NetworkId == Other ? "10.1.0.1" : "10.0.0.1", wanted.Address)).Code == 0;

    private static async Task<string> LinksAsync(Machine machine, string network) =>
        (await Machine.RunAsync("ip", "-n", ObjectNames.Namespace(machine.Tag, network), "-o", "link")).Output;

    private async Task<IReadOnlyList<GuestCard>> CardsAsync(Machine machine)
    {
        await using var qmp = await QmpClient.ConnectAsync((await QemuGuest.ConnectAsync(machine.Options.Paths.Socket(_record.Id, "qmp"), default))!, TimeProvider.System, _ => { }, default);
        return await QemuCards.ReadAsync(qmp, default);
    }

    private int Guest(Machine machine) =>
        Processes.All().Single(process => process.Arguments[0] == QemuCommand.Emulator && process.Arguments.Any(argument => argument.Contains($"{machine.Options.Paths.Sockets(_record.Id)}/qmp", StringComparison.Ordinal))).Id;
}
