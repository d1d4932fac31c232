using Kumoi.Agent.Instances.Qemu;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>Goal: a guest that has taken its process over speaks for no volume but its own.</summary>
public sealed class GuestLinksTests
{
    private const string Own = "vol-19a3f2b4c5d6e0001", Others = "vol-19a3f2b4c5d6e0002", Hostile = "i-19a3f2b4c5d6e7f80", Victim = "i-19a3f2b4c5d6e7f81";

    [Fact]
    public async Task A_process_is_believed_to_have_what_the_kernel_says_it_has_open()
    {
        await using var peer = await QmpPeer.StartAsync();
        await using var qmp = await peer.GreetedAsync(TimeProvider.System);
        var links = new GuestLinks();
        var freeze = new GuestFreeze(new AgentOptions { StateDirectory = Path.GetTempPath(), Tag = "0001", Name = "host-1", Address = "127.0.0.1" }.Paths, TimeProvider.System);
        links.Add(Hostile, 1, qmp, freeze);
        links.Note(Hostile, [Own, Others], [Own]);
        Assert.Equal(Hostile, links.With(Own)!.InstanceId);
        Assert.Null(links.With(Others));

        // The one that has it is found whoever else says so, also where the kernel sees nothing.
        links.Add(Victim, 2, qmp, freeze);
        links.Note(Victim, [Others], [Others]);
        Assert.Equal(Victim, links.With(Others)!.InstanceId);
        Assert.Equal(Victim, links.Claiming(Others)!.InstanceId);
        links.Note(Victim, [Others], []);
        Assert.NotNull(links.Claiming(Others));

        // What a process is about to get is its own.
        links.Note(Hostile, [Own]);
        Assert.Equal(Hostile, links.With(Own)!.InstanceId);
        links.Remove(Hostile);
        Assert.Null(links.With(Own));
    }
}
