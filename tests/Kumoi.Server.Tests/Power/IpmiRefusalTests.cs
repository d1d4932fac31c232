using Kumoi.Server.Power;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Power;

/// <summary>Controllers that refuse, and one that is silent: the program takes its time with each, so that they are asked side by side.</summary>
public sealed class IpmiRefusalTests
{
    [Fact]
    public async Task What_cannot_be_done_is_told_without_the_password_and_nothing_is_switched()
    {
        using var simulator = IpmiSimulator.Start();
        var driver = new IpmiDriver(TimeProvider.System);
        PowerTarget Target(string user = IpmiSimulator.User, string password = IpmiSimulator.Password, string? address = null) => new(address ?? simulator.Address, user, password);
        await Wait.UntilAsync(async () => await driver.StatusAsync(Target(), default) == new PowerAnswer("on", null), what: "the simulator's first answer");
        var silent = driver.StatusAsync(Target(address: $"127.0.0.1:{IpmiSimulator.FreePort()}"), default);
        await Task.WhenAll(new[] { Target(password: "wrong-one"), Target(user: "nobody") }.Select(async target =>
        {
            var refused = await driver.SwitchAsync(target, on: false, default);
            Assert.Contains(simulator.Address, refused.Problem, StringComparison.Ordinal);
            Assert.DoesNotContain(target.Password, refused.Problem, StringComparison.Ordinal);
            Assert.NotNull((await driver.StatusAsync(target, default)).Problem);
        }));
        Assert.True(simulator.IsOn);
        Assert.Empty(simulator.Orders);
        Assert.Equal((null, true), ((await silent).State, (await silent).Problem is { Length: > 0 }));
    }
}
