using System.Net;
using System.Text;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Kumoi.Agent.Tests.Metadata;

/// <summary>
/// Goal: a guest is told of itself alone, also when a guest of another account has the same address on the same host. Method: two such guests; everything
/// that the service has is read by each, under every version and with headers that claim to be the other.
/// </summary>
public sealed class MetadataIsolationTests
{
    private const string Address = "10.0.0.11", Theirs = "net-0000000000000000f";

    private readonly ManualTime _clock = new();
    private readonly MetadataEndpoint _endpoint;

    public MetadataIsolationTests()
    {
        var state = new AgentState();
        _endpoint = new MetadataEndpoint(state, new MetadataTokens(new byte[32], _clock), _clock);
        var mine = Samples.Instance(11, "running") with { PublicKey = "ssh-ed25519 AAAAmine me", UserData = Convert.ToBase64String("secret of mine"u8) };
        var theirs = Samples.Instance(12, "running") with
        {
            AccountId = "a-2", Name = "theirs", Hostname = "theirs", PublicKey = "ssh-ed25519 AAAAtheirs them", UserData = Convert.ToBase64String("secret of theirs"u8), Labels = new DesiredLabels("huge", "theirimage", "z1", "theirkey", ["theirgroup"]),
            Interfaces = [Samples.Instance(12, "running").Interfaces[0] with { NetworkId = Theirs, SubnetId = "subnet-theirs", Address = Address, FloatingAddress = "198.51.100.77", SecurityGroupIds = ["sg-theirs"] }],
        };
        var document = Samples.Document(1, null, [], mine, theirs);
        state.Replace(document with { Networks = [document.Networks[0] with { Names = [] }, document.Networks[0] with { Id = Theirs, Name = "theirs", Domain = "theirs.internal", Subnets = [document.Networks[0].Subnets[0] with { Id = "subnet-theirs" }] }] });
    }

    [Fact]
    public void Everything_a_guest_reads_is_its_own()
    {
        var (mine, theirs) = (ReadAll(Samples.Network), ReadAll(Theirs));
        Assert.True(mine.Count > 30, $"only {mine.Count} values");
        Assert.Contains("secret of mine", mine);
        Assert.Contains("secret of theirs", theirs);
        foreach (var mark in (string[])["their", "huge", "198.51.100.77", "52:54:00:00:00:0c", Samples.InstanceId(12), "a-2", Theirs]) Assert.DoesNotContain(mine, value => value.Contains(mark, StringComparison.Ordinal));
        foreach (var mark in (string[])["mine", "vm11", "198.51.100.11", "52:54:00:00:00:0b", Samples.InstanceId(11), "\"a-1\"", Samples.Network, "mykey"]) Assert.DoesNotContain(theirs, value => value.Contains(mark, StringComparison.Ordinal));
    }

    [Fact]
    public void A_token_of_the_other_opens_nothing()
    {
        var token = Send(Theirs, "PUT", "/latest/api/token", ("X-aws-ec2-metadata-token-ttl-seconds", "60")).Body;
        Assert.Equal("secret of theirs", Send(Theirs, "GET", "/latest/user-data", ("X-aws-ec2-metadata-token", token)).Body);
        Assert.Equal(401, Send(Samples.Network, "GET", "/latest/user-data", ("X-aws-ec2-metadata-token", token)).Status);
    }

    private List<string> ReadAll(string network)
    {
        var values = new List<string>();
        foreach (var version in Send(network, "GET", "/").Body.Split('\n')) Walk($"/{version.TrimEnd('/')}/");
        return values;

        void Walk(string path)
        {
            foreach (var name in Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (name.EndsWith('/')) Walk(path + name);
                else if (path.EndsWith("public-keys/", StringComparison.Ordinal)) Walk(path + "0/");
                else Read(path + name);
            }
        }

        string Read(string path)
        {
            // A guest that asks this fast is held back; time is not what this is about.
            _clock.Advance(TimeSpan.FromSeconds(1));
            var (status, body) = Send(network, "GET", path, ("X-Forwarded-For", "10.0.0.12"), ("X-Real-IP", "10.0.0.12"), ("Forwarded", "for=10.0.0.12"), ("X-Instance-ID", Samples.InstanceId(12)), ("X-Tenant-ID", "a-2"), ("Host", "theirs.internal"));
            Assert.Equal(200, status);
            values.Add(body);
            return body;
        }
    }

    private (int Status, string Body) Send(string network, string method, string path, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(new NetworkOrigin(network));
        context.Connection.RemoteIpAddress = IPAddress.Parse(Address);
        (context.Request.Method, context.Request.Path) = (method, path);
        foreach (var (name, value) in headers) context.Request.Headers[name] = value;
        using var body = new MemoryStream();
        context.Response.Body = body;
        _endpoint.HandleAsync(context).GetAwaiter().GetResult();
        return (context.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
