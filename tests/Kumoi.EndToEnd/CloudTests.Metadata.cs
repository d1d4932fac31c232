using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>How the metadata service answers a real guest, changed while it runs.</summary>
public sealed partial class CloudTests
{
    [Fact]
    public async Task A_guest_that_runs_is_answered_as_its_instance_says()
    {
        var id = (await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!;
        Task<Ran> PlainAsync() => cloud.InGuestAsync("first", "wget", "-qO-", "http://169.254.169.254/latest/meta-data/instance-id");
        Task<Ran> TokenAsync(string path) => cloud.InGuestAsync("first", "metadata", path);
        var qemu = QuickstartCloud.Qemu(id);
        Assert.Equal(id, (await PlainAsync()).Ok.Trim());

        var changed = await cloud.JsonAsync("instance", "update", "first", "--metadata-tokens", "required", "--metadata-tags", "enabled", "--metadata-hop-limit", "2", "--tag", "role=web");
        Assert.Equal(("required", "enabled", 2), (changed.GetProperty("metadataTokens").GetString(), changed.GetProperty("metadataTags").GetString(), changed.GetProperty("metadataHopLimit").GetInt32()));
        await Wait.UntilAsync(async () => (await PlainAsync()).Code != 0, 60, "a request without a token is refused");
        Assert.Equal((id, "web"), ((await TokenAsync("meta-data/instance-id")).Ok.Trim(), (await TokenAsync("meta-data/tags/instance/role")).Ok.Trim()));

        (await cloud.KumoiAsync("instance", "update", "first", "--metadata-endpoint", "disabled")).Ok.ToString();
        await Wait.UntilAsync(async () => (await TokenAsync("meta-data/instance-id")).Code == 2, 60, "the endpoint is disabled");

        (await cloud.KumoiAsync("instance", "update", "first", "--metadata-endpoint", "enabled", "--metadata-tokens", "optional", "--metadata-tags", "disabled", "--metadata-hop-limit", "1", "--untag", "role")).Ok.ToString();
        await Wait.UntilAsync(async () => (await PlainAsync()).Output.Trim() == id, 60, "it is answered as before");
        Assert.Equal(1, (await TokenAsync("meta-data/tags/")).Code);
        Assert.Equal(qemu, QuickstartCloud.Qemu(id));
    }
}
