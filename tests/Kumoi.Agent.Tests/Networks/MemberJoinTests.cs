using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: news of who else is in a network, and new rules, are in force without a look at everything, in a group of a thousand, too. Method: the controller with the real driver;
/// a guest on another host asks without pause until it is let in. How long that takes is measured by bench/network.
/// </summary>
public sealed class MemberJoinTests
{
    private const int Members = 1000;

    [Fact]
    public async Task A_member_that_joins_on_another_host_is_let_in_and_one_that_leaves_is_not()
    {
        await using var hosts = await TwoHosts.StartAsync(Members);
        for (var round = 0; round < 3; round++)
        {
            Assert.NotNull(await hosts.JoinAsync());
            Assert.True(await hosts.LeaveAsync());
        }
        Assert.NotNull(await hosts.OpenAsync());
        Assert.True(await hosts.CloseAsync());
    }
}
