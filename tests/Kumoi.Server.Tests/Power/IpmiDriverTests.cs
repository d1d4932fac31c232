using Kumoi.Server.Power;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Power;

/// <summary>The real <c>ipmitool</c> against a simulated controller that speaks IPMI for real, on the loopback.</summary>
public sealed class IpmiDriverTests
{
    private static PowerTarget Target(IpmiSimulator simulator) => new(simulator.Address, IpmiSimulator.User, IpmiSimulator.Password);

    [Fact]
    public async Task Power_is_read_and_switched_and_an_order_may_be_repeated()
    {
        using var simulator = IpmiSimulator.Start();
        var driver = new IpmiDriver(TimeProvider.System);
        Assert.Null(driver.MissingProgram);
        await Wait.UntilAsync(async () => await driver.StatusAsync(Target(simulator), default) == new PowerAnswer("on", null), what: "the simulator's first answer");
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: false, default));
        Assert.False(simulator.IsOn);
        Assert.Equal(new PowerAnswer("off", null), await driver.StatusAsync(Target(simulator), default));
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: false, default));
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: true, default));
        Assert.Equal(new PowerAnswer("on", null), await driver.StatusAsync(Target(simulator), default));
        Assert.Equal(["power 0", "power 0", "power 1"], simulator.Orders);
    }

    [Fact]
    public async Task The_password_is_on_no_command_line()
    {
        // A controller that never answers holds the program for seconds: long enough to look at it.
        var driver = new IpmiDriver(TimeProvider.System);
        var address = $"127.0.0.1:{IpmiSimulator.FreePort()}";
        var asking = driver.StatusAsync(new PowerTarget(address, IpmiSimulator.User, IpmiSimulator.Password), default);
        string[] Lines() => [.. Directory.GetDirectories("/proc").Select(process => Path.Combine(process, "cmdline")).Select(Read).Where(line => line.StartsWith("ipmitool", StringComparison.Ordinal) && line.Contains(address.Split(':')[1], StringComparison.Ordinal))];
        static string Read(string file)
        {
            try
            {
                return File.ReadAllText(file).Replace('\0', ' ');
            }
            catch (IOException)
            {
                return "";
            }
            catch (UnauthorizedAccessException)
            {
                return "";
            }
        }
        await Wait.UntilAsync(() => Task.FromResult(Lines().Length > 0 || asking.IsCompleted), what: "ipmitool among the processes");
        var line = Assert.Single(Lines());
        Assert.Contains("-L OPERATOR -E", line, StringComparison.Ordinal);
        Assert.DoesNotContain(IpmiSimulator.Password, line, StringComparison.Ordinal);
        Assert.NotNull((await asking).Problem);
    }
}
