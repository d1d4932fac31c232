using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Hosts;

/// <summary>Goal: what a host that was taken over says does no harm to others whose reports are recorded together with its own.</summary>
public sealed class HostileReportTests
{
    private static readonly ObservedReport Plain = new(false, 0, FakeHost.Facts("host-1"), [], [], []);

    private static byte[] With(string field, string json)
    {
        var report = JsonSerializer.SerializeToNode(Plain, ApiJson.Default.ObservedReport)!.AsObject();
        var at = field.Split('.') is [var outer, _] ? report[outer]!.AsObject() : report;
        at[field.Split('.')[^1]] = JsonNode.Parse(json);
        return Encoding.UTF8.GetBytes(report.ToJsonString());
    }

    [Theory]
    [InlineData("instances", "[null]")]
    [InlineData("traffic", "[null]")]
    [InlineData("vpns", "[null]")]
    [InlineData("listeners", "[null]")]
    [InlineData("departed", "[null]")]
    [InlineData("strays", "[null]")]
    [InlineData("conditions", "[null]")]
    [InlineData("facts.segmentDevices", "[null]")]
    [InlineData("vpns", """[{"id":"vpn-1","problem":null,"peers":[null]}]""")]
    [InlineData("traffic", "{}")]
    [InlineData("facts", "null")]
    public void What_is_no_report_is_taken_for_none(string field, string json) => Assert.Null(AgentBodies.Parse(With(field, json)));

    [Fact]
    public void Texts_of_reports_can_be_kept_and_shown()
    {
        var read = AgentBodies.Parse(With("strays", """["a\u0000b", "\uD83D\uDE00 c"]"""))!;
        Assert.Equal(["a b", "😀 c"], read.Strays);
        Assert.Equal(4096, AgentBodies.Parse(With("strays", $"[\"{new string('x', 100_000)}\"]"))!.Strays[0].Length);
        Assert.Null(AgentBodies.Parse("{\"strays\":[\"\\ud800\"]}"u8));
        Assert.Null(AgentBodies.Parse("{\"strays\":"u8));
        Assert.NotNull(AgentBodies.Parse(With("traffic", "null")));
    }

    [Theory]
    [InlineData("abc", 2, "ab")]
    [InlineData("a😀b", 2, "a ")]
    [InlineData("a😀b", 3, "a😀")]
    [InlineData("a\u0007\u0000b", 9, "a  b")]
    [InlineData("", 9, "")]
    public void Texts_are_cut_between_characters(string text, int most, string plain) => Assert.Equal((plain, plain + " "), (PlainText.Of(text, most), PlainText.Of(plain + '\ud800', 99)));

    [Fact]
    public async Task Others_leases_are_renewed_whatever_a_host_reports()
    {
        await using var scene = await Scene.StartAsync();
        var id = (await scene.LaunchAsync("web-1")).Interfaces[0].Id;
        using var hostile = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        string[] bodies =
        [
            Encoding.UTF8.GetString(With("vpns", "[null]")), Encoding.UTF8.GetString(With("facts.segmentDevices", "[null]")),
            Encoding.UTF8.GetString(With("vpns", $$"""[{"id":"vpn-\u0000","problem":"{{new string('x', 499)}}😀y","peers":[]}]""")),
            // What another host's guest is said to have sent, so that the host's own word is passed over.
            Encoding.UTF8.GetString(With("traffic", $$"""[{"interface":"{{id}}","counting":"\u0000","bytesSent":1,"bytesReceived":1,"packetsSent":1,"packetsReceived":1}]""")),
        ];
        for (var round = 0; round < 5; round++)
        {
            var said = bodies.Select(async body =>
            {
                using var content = new StringContent(body, Encoding.UTF8, "application/json");
                using var answer = await hostile.Http.PostAsync("/agent/v1/observed", content);
                return answer.StatusCode;
            }).ToList();
            var honest = scene.Host.ReportTrafficAsync(new ObservedTraffic(id, "boot/1/1", 1000 * (round + 1), 500, 10, 5));
            Assert.Equal(HttpStatusCode.OK, await honest);
            Assert.DoesNotContain(HttpStatusCode.InternalServerError, await Task.WhenAll(said));
        }
        Assert.Equal(5000, (await scene.Tenant.GetAsync<InterfaceTraffic>($"/interfaces/{id}/traffic")).BytesSent);
    }
}
