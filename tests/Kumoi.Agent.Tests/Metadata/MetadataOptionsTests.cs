using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Metadata;

/// <summary>
/// Goal: a guest is answered as its instance's record says, from the next document on, and what is listed can be read. Method: one guest with everything that
/// may be told and one without options beside it; the whole tree is walked by its listings.
/// </summary>
public sealed class MetadataOptionsTests
{
    private static readonly DesiredMetadata Open = new(true, false, 1, null);

    private readonly ManualTime _clock = new();
    private readonly AgentState _state = new();
    private readonly MetadataGuest _guest, _other;

    public MetadataOptionsTests()
    {
        var endpoint = new MetadataEndpoint(_state, new MetadataTokens(new byte[32], _clock), _clock);
        (_guest, _other) = (new MetadataGuest(endpoint, _clock, Samples.Network, "10.0.0.11"), new MetadataGuest(endpoint, _clock, Samples.Network, "10.0.0.12"));
        Set(Open);
    }

    private static DesiredInstance One => Samples.Instance(11, "running") with
    {
        PublicKey = "ssh-ed25519 AAAA me", UserData = Convert.ToBase64String("#!/bin/sh"u8), Labels = new DesiredLabels("small", "tiny", "z1", "mykey", ["default"], "kumoi", "zone-19a3f2b4c5d6e7f84", "web"),
    };

    private void Set(DesiredMetadata? metadata, Func<DesiredInstance, DesiredInstance>? change = null) => _state.Replace(Samples.Document(1, null, [], (change ?? (one => one))(One with { Metadata = metadata }), Samples.Instance(12, "running")) with
    {
        Volumes =
        [
            Volume("vol-1", 0), Volume("vol-2", 1), Volume("vol-3", 5), Volume("vol-4", null), Volume("vol-5", 3) with { InstanceId = Samples.InstanceId(12) }, Volume("vol-6", 2) with { Desired = VolumeDesire.Deleted },
        ],
    });

    private static DesiredVolume Volume(string id, int? slot) => new(id, "st-1", 1, 1, VolumeDesire.Present, 1, InstanceId: slot is null ? null : Samples.InstanceId(11), Slot: slot);

    [Fact]
    public void What_is_listed_can_be_read_with_a_token_and_without()
    {
        Set(new DesiredMetadata(true, false, 1, new Dictionary<string, string> { ["role"] = "web" }));
        var found = _guest.Walk("/");
        Assert.True(found.Count > 1000, $"only {found.Count} values");
        Assert.All(found, leaf => Assert.Equal((leaf.Key, 200), (leaf.Key, leaf.Value.Status)));
        Assert.Equal(found, _guest.Walk("/", _guest.Token()));
        // A directory is read with or without its slash, and no value is one.
        foreach (var leaf in found.Keys.Where(leaf => leaf.StartsWith("/latest/", StringComparison.Ordinal)))
            for (var slash = leaf.LastIndexOf('/'); slash > 0; slash = leaf.LastIndexOf('/', slash - 1))
            {
                Assert.Equal(_guest.Get(leaf[..slash] + "/"), _guest.Get(leaf[..slash]));
                Assert.DoesNotContain(leaf[..slash], found.Keys);
            }
    }

    [Fact]
    public void A_guest_with_everything_is_told_what_was_reviewed()
    {
        Set(new DesiredMetadata(true, false, 1, new Dictionary<string, string> { ["role"] = "web", ["cost-centre"] = "" }));
        Golden.Check("everything", string.Concat(_guest.Walk("/latest/").Select(leaf => $"{leaf.Key} = {leaf.Value.Body.Replace("\n", "\\n", StringComparison.Ordinal)}\n")));
    }

    [Fact]
    public void Nothing_is_told_without_a_token_where_one_is_required()
    {
        string[] paths = [.. _guest.Walk("/").Keys, "/", "/latest", "/latest/meta-data/", "/latest/nothing", "/nothing"];
        Set(Open with { TokensRequired = true });
        Assert.All(paths, path => Assert.Equal((401, ""), _guest.Get(path)));
        Assert.Equal(401, _guest.Send("HEAD", "/latest/meta-data/instance-id").Status);
        Assert.Equal(401, _guest.Get("/latest/meta-data/instance-id", "").Status);
        Assert.Equal(401, _guest.Get("/latest/meta-data/instance-id", _other.Token()).Status);
        Assert.Equal(200, _other.Get("/latest/meta-data/instance-id").Status);
        var token = _guest.Token();
        Assert.Equal((200, One.Id), _guest.Get("/latest/meta-data/instance-id", token));
        Assert.Equal(404, _guest.Get("/latest/meta-data/iam/security-credentials/", token).Status);
        Set(Open);
        Assert.Equal((200, One.Id), _guest.Get("/latest/meta-data/instance-id"));
    }

    [Fact]
    public void A_guest_whose_endpoint_is_disabled_is_refused_whatever_it_asks()
    {
        var token = _guest.Token();
        Set(Open with { Enabled = false });
        foreach (var path in (string[])["/", "/latest/meta-data/instance-id", "/latest/user-data", "/latest/api/token", "/nothing"])
            foreach (var method in (string[])["GET", "HEAD", "PUT", "POST", "DELETE"])
            {
                var answer = _guest.Send(method, path, headers: [(MetadataGuest.TokenHeader, token), (MetadataGuest.LifeHeader, "60")]);
                Assert.Equal((403, ""), (answer.Status, answer.Body));
            }
        Assert.Equal(200, _other.Get("/latest/meta-data/instance-id").Status);
        Set(Open);
        Assert.Equal(200, _guest.Get("/latest/user-data", token).Status);
    }

    [Fact]
    public void Tags_are_told_if_the_instance_allows_it_and_a_path_can_name_them()
    {
        Assert.Equal(404, _guest.Get("/latest/meta-data/tags/").Status);
        Set(Open with { Tags = new Dictionary<string, string> { ["env"] = "本番", ["a:b+c-d.e,f_g@h"] = "x", ["empty"] = "", ["a/b"] = "1", ["a b"] = "2", ["."] = "3", [".."] = "4", ["_index"] = "5", ["部"] = "6", ["a?b"] = "7", ["a%2Fb"] = "8" } });
        Assert.Equal((200, "instance/"), _guest.Get("/latest/meta-data/tags/"));
        Assert.Equal((200, "Name\na:b+c-d.e,f_g@h\nempty\nenv"), _guest.Get("/latest/meta-data/tags/instance/"));
        Assert.Equal((200, "本番"), _guest.Get("/latest/meta-data/tags/instance/env"));
        Assert.Equal((200, "vm11"), _guest.Get("/latest/meta-data/tags/instance/Name"));
        foreach (var key in (string[])["a/b", "a", "a b", "_index", "部", "none"]) Assert.Equal(404, _guest.Get($"/latest/meta-data/tags/instance/{key}").Status);
        Set(Open with { Tags = new Dictionary<string, string> { ["Name"] = "web" } });
        Assert.Equal((200, "web"), _guest.Get("/latest/meta-data/tags/instance/Name"));
        Set(Open with { Tags = new Dictionary<string, string>() }, one => one with { Name = one.Id });
        Assert.Equal(404, _guest.Get("/latest/meta-data/tags/").Status);
    }

    [Theory]
    [InlineData("60", 200)]
    [InlineData("1", 200)]
    [InlineData("21600", 200)]
    [InlineData("0", 400)]
    [InlineData("21601", 400)]
    [InlineData("60,60", 400)]
    [InlineData("1.5", 400)]
    [InlineData(" 60", 400)]
    [InlineData("", 400)]
    [InlineData("99999999999999999999", 400)]
    [InlineData(null, 400)]
    public void A_token_is_answered_with_its_life_or_not_at_all(string? life, int expected)
    {
        var answer = _guest.Send("PUT", "/latest/api/token", headers: life is null ? [] : [(MetadataGuest.LifeHeader, life)]);
        Assert.Equal((expected, expected == 200 ? life : ""), (answer.Status, answer.Headers[MetadataGuest.LifeHeader].ToString()));
        Assert.Equal(expected == 200, answer.Body.Length > 0);
    }

    [Theory]
    [InlineData("PUT", "/latest/meta-data/instance-id", 405, "GET, HEAD")]
    [InlineData("PUT", "/latest/api/token/more", 405, "GET, HEAD")]
    [InlineData("PUT", "/2020-02-30/api/token", 405, "GET, HEAD")]
    [InlineData("POST", "/latest/user-data", 405, "GET, HEAD")]
    [InlineData("DELETE", "/", 405, "GET, HEAD")]
    [InlineData("OPTIONS", "/latest/", 405, "GET, HEAD")]
    [InlineData("GET", "/latest/api/token", 405, "PUT")]
    [InlineData("HEAD", "/2021-01-03/api/token", 405, "PUT")]
    [InlineData("POST", "/latest/api/token", 405, "PUT")]
    [InlineData("PUT", "/2021-01-03/api/token", 200, "")]
    [InlineData("HEAD", "/latest/meta-data/instance-id", 200, "")]
    [InlineData("GET", "/2021-01-03/meta-data/instance-id", 200, "")]
    [InlineData("GET", "/2021-01-04/meta-data/instance-id", 404, "")]
    [InlineData("GET", "/latest/meta-data/events/recommendations/rebalance", 404, "")]
    [InlineData("GET", "/latest/meta-data/spot/instance-action", 404, "")]
    public void Each_method_has_its_paths(string method, string path, int status, string allowed)
    {
        var answer = _guest.Send(method, path, headers: [(MetadataGuest.LifeHeader, "60")]);
        Assert.Equal((status, allowed), (answer.Status, answer.Headers.Allow.ToString()));
        if (method == "HEAD" && status == 200) Assert.Equal(("", (long?)One.Id.Length), (answer.Body, answer.Headers.ContentLength));
    }

    [Fact]
    public void Tokens_go_as_far_as_the_instance_says_and_what_follows_on_their_connection_no_further()
    {
        (string, string) life = (MetadataGuest.LifeHeader, "60");
        foreach (var hops in (int[])[1, 2, 64])
        {
            Set(Open with { HopLimit = hops });
            Assert.Equal((200, hops), _guest.Send("PUT", "/latest/api/token", headers: [life]) is var answer ? (answer.Status, answer.Ttl) : default);
            Assert.Equal(200, _guest.Send("GET", "/latest/meta-data/instance-id").Ttl);
            Assert.Equal((403, 200), _guest.Send("PUT", "/latest/api/token", headers: [life, ("X-Forwarded-For", "1.2.3.4")]) is var refused ? (refused.Status, refused.Ttl) : default);
        }
        // Where the limit cannot be set there is no token; servers that know of no limit have none.
        Assert.Equal((503, ""), _guest.Send("PUT", "/latest/api/token", withSocket: false, headers: [life]) is var lost ? (lost.Status, lost.Body) : default);
        Set(null);
        Assert.Equal(200, _guest.Send("PUT", "/latest/api/token", withSocket: false, headers: [life]).Status);
    }
}
