using System.Net;
using System.Text;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Kumoi.Agent.Tests.Metadata;

public sealed class MetadataTests
{
    private readonly ManualTime _clock = new();
    private readonly AgentState _state = new();
    private readonly MetadataEndpoint _endpoint;

    public MetadataTests()
    {
        _endpoint = new MetadataEndpoint(_state, new MetadataTokens(new byte[32], _clock), _clock);
        var one = Samples.Instance(11, "running") with { PublicKey = "ssh-ed25519 AAAA me\n", UserData = Convert.ToBase64String([0, 255, 10, 35]) };
        _state.Replace(Samples.Document(1, null, [], one, Samples.Instance(12, "running")));
    }

    [Theory]
    [InlineData("/latest/meta-data/instance-id", "i-19a3f2b4c5d6e000b")]
    [InlineData("/2009-04-04/meta-data/local-ipv4", "10.0.0.11")]
    [InlineData("/1.0/meta-data/public-ipv4", "198.51.100.11")]
    [InlineData("/latest/meta-data/hostname", "vm11.default.internal")]
    [InlineData("/latest/meta-data/public-keys/", "0=mykey")]
    [InlineData("/latest/meta-data/public-keys/0/", "openssh-key")]
    [InlineData("/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA me")]
    [InlineData("/latest/meta-data/placement/", "availability-zone\nregion")]
    [InlineData("/latest/meta-data/network/interfaces/macs/", "52:54:00:00:00:0b/")]
    [InlineData("/latest/meta-data/network/interfaces/macs/52:54:00:00:00:0b/subnet-ipv4-cidr-block", "10.0.0.0/24")]
    [InlineData("/latest/", "dynamic/\nmeta-data/\nuser-data")]
    [InlineData("/latest/dynamic/instance-identity/", "document")]
    public void Values_and_listings_are_those_of_ec2(string path, string expected) => Assert.Equal((200, expected), Get(path));

    [Fact]
    public void The_whole_tree_is_as_reviewed()
    {
        var text = new StringBuilder();
        Walk("/latest/", text);
        Golden.Check("tree", text.ToString());
    }

    [Fact]
    public void User_data_is_handed_over_byte_by_byte_and_absent_without()
    {
        Assert.Equal([0, 255, 10, 35], Send("GET", "/latest/user-data", "10.0.0.11").Body);
        Assert.Equal(404, Send("GET", "/latest/user-data", "10.0.0.12").Status);
    }

    [Theory]
    [InlineData("/latest/meta-data/nothing")]
    [InlineData("/latest/meta-data/instance")]
    [InlineData("/2009/meta-data/")]
    [InlineData("/latest/../etc/passwd")]
    [InlineData("/openstack/latest/meta_data.json")]
    public void What_is_not_there_is_not_found(string path) => Assert.Equal(404, Get(path).Status);

    [Fact]
    public void A_caller_is_known_by_network_and_address_alone()
    {
        Assert.Equal("i-19a3f2b4c5d6e000c", Text(Send("GET", "/latest/meta-data/instance-id", "10.0.0.12").Body));
        Assert.Equal(404, Send("GET", "/latest/meta-data/instance-id", "10.0.0.99").Status);
        Assert.Equal(404, Send("GET", "/latest/meta-data/instance-id", "10.0.0.11", network: "net-0000000000000000f").Status);
    }

    [Fact]
    public void Each_interface_of_either_family_is_told_and_calls_from_all_of_them_are_known()
    {
        const string Other = "net-0000000000000000f", Mac = "/latest/meta-data/network/interfaces/macs/52:54:00:00:00:63/";
        var one = Samples.Instance(11, "running");
        var second = new DesiredInterface(
            "eni-19a3f2b4c5d6e0099", 1, Other, "subnet-4", "52:54:00:00:00:63", "10.9.0.5", null, ["sg-1", "sg-2"],
            [new DesiredAddress("subnet-6", "fd00:9::5", true), new DesiredAddress("subnet-4", "10.9.0.6", false)]);
        var document = Samples.Document(2, null, [], one with { Interfaces = [.. one.Interfaces, second] });
        var network = document.Networks[0] with
        {
            Id = Other, Subnets = [new DesiredSubnet("subnet-1", "10.8.0.0/24", "10.8.0.1", []), new DesiredSubnet("subnet-6", "fd00:9::/64", "fd00:9::1", []), new DesiredSubnet("subnet-4", "10.9.0.0/24", "10.9.0.1", [])],
        };
        _state.Replace(document with { Networks = [.. document.Networks, network] });
        Assert.Equal((200, "52:54:00:00:00:0b/\n52:54:00:00:00:63/"), Get("/latest/meta-data/network/interfaces/macs/"));
        foreach (var (name, expected) in new[]
        {
            ("device-number", "1"), ("interface-id", second.Id), ("local-ipv4s", "10.9.0.5\n10.9.0.6"), ("ipv6s", "fd00:9::5"), ("security-group-ids", "sg-1\nsg-2"), ("subnet-id", "subnet-4"),
            ("subnet-ipv4-cidr-block", "10.9.0.0/24"), ("subnet-ipv6-cidr-blocks", "fd00:9::/64"), ("vpc-id", Other), ("vpc-ipv4-cidr-blocks", "10.8.0.0/24\n10.9.0.0/24"), ("vpc-ipv6-cidr-blocks", "fd00:9::/64"),
        }) Assert.Equal((200, expected), Get(Mac + name));
        Assert.Equal(404, Get(Mac + "public-ipv4s").Status);
        Assert.Equal(404, Get("/latest/meta-data/ipv6").Status);
        foreach (var address in new[] { "10.9.0.5", "10.9.0.6", "fd00:9::5", "fd00:9:0:0::5", "::ffff:10.9.0.5" })
            Assert.Equal(one.Id, Text(Send("GET", "/latest/meta-data/instance-id", address, Other).Body));
        foreach (var address in new[] { "fd00:9::6", "10.9.0.7", "10.0.0.11", "::1" }) Assert.Equal(404, Send("GET", "/latest/meta-data/instance-id", address, Other).Status);
        Assert.Equal(404, Send("GET", "/latest/meta-data/instance-id", "fd00:9::5").Status);
    }

    [Fact]
    public void A_guest_without_ipv4_is_told_its_ipv6_address_alone()
    {
        var one = Samples.Instance(11, "running");
        _state.Replace(Samples.Document(2, null, [], one with { Interfaces = [one.Interfaces[0] with { Address = "fd00:9::5", FloatingAddress = null }] }));
        Assert.Equal("fd00:9::5", Text(Send("GET", "/latest/meta-data/ipv6", "fd00:9::5").Body));
        Assert.Equal(404, Send("GET", "/latest/meta-data/local-ipv4", "fd00:9::5").Status);
        Assert.Contains("\"privateIp\": null", Text(Send("GET", "/latest/dynamic/instance-identity/document", "fd00:9::5").Body), StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_are_given_for_a_time_to_one_instance()
    {
        var (status, body, _) = Send("PUT", "/latest/api/token", "10.0.0.11", ("X-aws-ec2-metadata-token-ttl-seconds", "60"));
        Assert.Equal(200, status);
        var token = Text(body);
        Assert.Equal(200, Send("GET", "/latest/meta-data/instance-id", "10.0.0.11", ("X-aws-ec2-metadata-token", token)).Status);
        Assert.Equal(401, Send("GET", "/latest/meta-data/instance-id", "10.0.0.12", ("X-aws-ec2-metadata-token", token)).Status);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(401, Send("GET", "/latest/meta-data/instance-id", "10.0.0.11", ("X-aws-ec2-metadata-token", token)).Status);
        Assert.Equal(200, Send("GET", "/latest/meta-data/instance-id", "10.0.0.11").Status);
    }

    [Theory]
    [InlineData("0", 400)]
    [InlineData("21601", 400)]
    [InlineData("-5", 400)]
    [InlineData("x", 400)]
    [InlineData(null, 400)]
    [InlineData("21600", 200)]
    public void Tokens_live_between_a_second_and_six_hours(string? life, int expected) =>
        Assert.Equal(expected, Send("PUT", "/latest/api/token", "10.0.0.11", life is null ? [] : [("X-aws-ec2-metadata-token-ttl-seconds", life)]).Status);

    [Fact]
    public void Forwarded_requests_get_no_token_and_damaged_tokens_open_nothing()
    {
        Assert.Equal(403, Send("PUT", "/latest/api/token", "10.0.0.11", ("X-aws-ec2-metadata-token-ttl-seconds", "60"), ("X-Forwarded-For", "1.2.3.4")).Status);
        var token = Text(Send("PUT", "/latest/api/token", "10.0.0.11", ("X-aws-ec2-metadata-token-ttl-seconds", "60")).Body);
        string[] damaged = ["", "x", token + "A", token[..^1], "B" + token[1..], new string('A', 5000), "%%%"];
        Assert.All(damaged, bad => Assert.Equal(401, Send("GET", "/latest/", "10.0.0.11", ("X-aws-ec2-metadata-token", bad)).Status));
        Assert.Equal(405, Send("POST", "/latest/meta-data/", "10.0.0.11").Status);
        Assert.Equal(405, Send("PUT", "/latest/meta-data/", "10.0.0.11").Status);
    }

    [Fact]
    public void A_guest_that_asks_too_often_is_held_back_and_the_others_are_not()
    {
        Assert.Contains(503, Enumerable.Range(0, 600).Select(_ => Get("/latest/").Status));
        Assert.Equal(200, Send("GET", "/latest/", "10.0.0.12").Status);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, Get("/latest/").Status);
    }

    private void Walk(string path, StringBuilder text)
    {
        foreach (var name in Get(path).Body.Split('\n'))
        {
            if (name.EndsWith('/')) Walk(path + name, text);
            else if (path.EndsWith("public-keys/", StringComparison.Ordinal)) Walk(path + "0/", text.Append(path).Append(" = ").Append(name).Append('\n'));
            else text.Append(path).Append(name).Append(" = ").Append(Get(path + name).Body.Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');
        }
    }

    private (int Status, string Body) Get(string path)
    {
        var (status, body, _) = Send("GET", path, "10.0.0.11");
        return (status, Text(body));
    }

    private (int Status, byte[] Body, HttpContext Context) Send(string method, string path, string address, params (string Name, string Value)[] headers) =>
        Send(method, path, address, Samples.Network, headers);

    private (int Status, byte[] Body, HttpContext Context) Send(string method, string path, string address, string network, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(new NetworkOrigin(network));
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        (context.Request.Method, context.Request.Path) = (method, path);
        foreach (var (name, value) in headers) context.Request.Headers[name] = value;
        var body = new MemoryStream();
        context.Response.Body = body;
        _endpoint.HandleAsync(context).GetAwaiter().GetResult();
        return (context.Response.StatusCode, body.ToArray(), context);
    }

    private static string Text(byte[] body) => Encoding.UTF8.GetString(body);
}
