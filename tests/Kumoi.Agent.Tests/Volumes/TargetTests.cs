using System.Net;
using Kumoi.Agent.Volumes.Exports;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What is sent to a target, and who may come to it.</summary>
public sealed class TargetTests
{
    [Fact]
    public void Nobody_may_come_while_somebody_is_there_and_two_are_one_too_many()
    {
        Assert.Equal(TargetMove.Open, TargetGate.Next(0, null));
        Assert.Equal(TargetMove.Open, TargetGate.Next(0, false));
        Assert.Equal(TargetMove.Stay, TargetGate.Next(0, true));
        Assert.Equal(TargetMove.Close, TargetGate.Next(1, null));
        Assert.Equal(TargetMove.Close, TargetGate.Next(1, true));
        Assert.Equal(TargetMove.Stay, TargetGate.Next(1, false));
        foreach (var open in new bool?[] { null, true, false }) Assert.Equal(TargetMove.End, TargetGate.Next(2, open));
    }

    [Fact]
    public void Sessions_are_counted_in_what_a_target_shows()
    {
        Assert.Equal(0, TargetGate.SessionsIn("Target 1: iqn.2026-11.cloud.kumoi:vol-1\n    I_T nexus information:\n    LUN information:\n"));
        Assert.Equal(2, TargetGate.SessionsIn("    I_T nexus information:\n        I_T nexus: 1\n            Initiator: iqn.2026-11.cloud.kumoi:i-1:1 alias: none\n        I_T nexus: 3\n            Initiator: x\n"));
    }

    [Fact]
    public void Requests_are_as_the_protocol_has_them_and_no_argument_has_the_key()
    {
        var bytes = TargetRequest.New(TargetMode.Account, "user=kumoi,password=secret").ToBytes();
        Assert.Equal((120 + 27, 7, 0, 147, 1), (bytes.Length, BitConverter.ToInt32(bytes, 0), BitConverter.ToInt32(bytes, 4), BitConverter.ToInt32(bytes, 72), BitConverter.ToInt32(bytes, 76)));
        Assert.Equal("iscsi\0"u8, bytes.AsSpan(8, 6));
        Assert.Equal("user=kumoi,password=secret\0"u8, bytes.AsSpan(120));
        Assert.Equal((12, 0), TargetRequest.ReadAnswer([12, 0, 0, 0, 8, 0, 0, 0]));
        var arguments = TargetCommand.Build(300777, "/run/kumoi/x/vol-1", new IPEndPoint(IPAddress.Parse("2001:db8::1"), 10809));
        Assert.Contains("portal=[2001:db8::1]:10809,nop_interval=5,nop_count=3", arguments);
        Assert.Contains("password=secret", Assert.Single(TargetCommand.Setup("vol-1", "/disk", "secret"), request => request.Text.Contains("secret", StringComparison.Ordinal)).Text, StringComparison.Ordinal);
    }
}
