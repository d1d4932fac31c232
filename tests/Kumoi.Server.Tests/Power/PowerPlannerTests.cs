using Kumoi.Server.Power;
using Xunit;

namespace Kumoi.Server.Tests.Power;

/// <summary>When the power of a silent host is cut.</summary>
public sealed class PowerPlannerTests
{
    private static SilentHost Host(int silence, bool gains, int beat = 10) => new("h-1", "host-1", "z-1", DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(silence), beat, gains);

    [Theory]
    [InlineData(59, 3600, true, PowerDecision.Wait)]
    [InlineData(60, 3600, true, PowerDecision.Cut)]
    [InlineData(3600, 59, true, PowerDecision.Wait)]
    [InlineData(3600, 0, true, PowerDecision.Wait)]
    [InlineData(3600, 3600, false, PowerDecision.Wait)]
    public void Silence_must_be_heard_for_six_heartbeats_and_something_must_be_gained(int silence, int watched, bool gains, PowerDecision decision) =>
        Assert.Equal(decision, PowerPlanner.Judge(Host(silence, gains), new ZoneSilence("z-1", "default", 1, 10), TimeSpan.FromSeconds(watched)));

    [Fact]
    public void A_longer_heartbeat_makes_the_wait_longer()
    {
        var zone = new ZoneSilence("z-1", "default", 1, 10);
        Assert.Equal(PowerDecision.Wait, PowerPlanner.Judge(Host(179, true, beat: 30), zone, TimeSpan.FromHours(1)));
        Assert.Equal(PowerDecision.Cut, PowerPlanner.Judge(Host(180, true, beat: 30), zone, TimeSpan.FromHours(1)));
    }

    [Theory]
    [InlineData(1, 1, PowerDecision.Cut)]
    [InlineData(1, 2, PowerDecision.Cut)]
    [InlineData(2, 2, PowerDecision.Hold)]
    [InlineData(2, 5, PowerDecision.Hold)]
    [InlineData(2, 6, PowerDecision.Cut)]
    [InlineData(33, 100, PowerDecision.Cut)]
    [InlineData(34, 100, PowerDecision.Hold)]
    public void More_than_a_third_of_a_zone_is_a_fault_of_the_network(int silent, int hosts, PowerDecision decision) =>
        Assert.Equal(decision, PowerPlanner.Judge(Host(60, true), new ZoneSilence("z-1", "default", silent, hosts), TimeSpan.FromHours(1)));

    [Fact]
    public void What_would_gain_nothing_is_not_told_to_be_held() =>
        Assert.Equal(PowerDecision.Wait, PowerPlanner.Judge(Host(60, gains: false), new ZoneSilence("z-1", "default", 2, 2), TimeSpan.FromHours(1)));

    [Theory]
    [InlineData("bmc-1", "bmc-1", null)]
    [InlineData("bmc-1.example.net:1623", "bmc-1.example.net", 1623)]
    [InlineData("192.0.2.7", "192.0.2.7", null)]
    [InlineData("[2001:db8::7]", "2001:db8::7", null)]
    [InlineData("[2001:db8::7]:623", "2001:db8::7", 623)]
    public void Addresses_are_read(string text, string host, int? port) => Assert.Equal(new PowerAddress(host, port), PowerAddress.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("-H")]
    [InlineData("bmc 1")]
    [InlineData("bmc:0")]
    [InlineData("bmc:65536")]
    [InlineData("bmc:")]
    [InlineData("2001:db8::7")]
    [InlineData("[192.0.2.7]")]
    [InlineData("bmc\n")]
    [InlineData("bmc;reboot")]
    public void What_is_no_address_is_refused(string text) => Assert.Null(PowerAddress.Parse(text));
}
