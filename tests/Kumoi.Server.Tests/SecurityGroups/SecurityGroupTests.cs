using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.SecurityGroups;

public sealed class SecurityGroupTests
{
    [Fact]
    public async Task The_default_group_lets_everything_out_in_both_families_and_members_in()
    {
        await using var scene = await Scene.StartAsync();
        var group = await scene.Tenant.GetAsync<SecurityGroup>("/security-groups/default");
        Assert.Equal(["egress any 0.0.0.0/0", "egress any ::/0", "ingress any default"], group.Rules.Select(r => $"{r.Direction} {r.Protocol} {r.Cidr ?? r.Group!.Name}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Several_rules_change_in_one_and_the_host_hears_of_it_once()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("a");
        var before = (await scene.Host.DesiredAsync())!;
        var group = await scene.Tenant.PutAsync<SecurityGroup>("/security-groups/default/rules", new
        {
            add = new object[] { new { protocol = "tcp", fromPort = 80, cidr = "0.0.0.0/0" }, new { protocol = "tcp", fromPort = 80, cidr = "::/0" }, new { protocol = "icmp", fromPort = 128, cidr = "fd00::/8", description = "ping" } },
        });
        var added = group.Rules.Where(r => r.Protocol is "tcp" or "icmp").ToList();
        Assert.Equal(["0.0.0.0/0", "::/0", "fd00::/8"], added.Select(r => r.Cidr!).Order(StringComparer.Ordinal));
        var after = (await scene.Host.DesiredAsync(before.Revision))!;
        Assert.Equal(before.Revision + 1, after.Revision);
        Assert.Contains(after.SecurityGroups.SelectMany(g => g.Rules), r => r.Cidr == "fd00::/8" && r.Protocol == "icmp" && r.FromPort == 128 && r.Id == added.Single(x => x.Protocol == "icmp").Id);
        var exchanged = await scene.Tenant.PutAsync<SecurityGroup>("/security-groups/default/rules", new { remove = added.Select(r => r.Id), add = new[] { new { protocol = "udp", fromPort = 53, cidr = "::/0" } } });
        Assert.Equal(["udp"], exchanged.Rules.Where(r => r.Protocol != "any").Select(r => r.Protocol));
        Assert.Equal("rule-exists", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/security-groups/default/rules", new { add = new[] { new { protocol = "udp", fromPort = 53, cidr = "::/0" } } })).Code);
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Put, "/security-groups/default/rules", new { add = new object[] { new { protocol = "tcp", fromPort = 90, toPort = 80, cidr = "fd00::1/64" } } });
        Assert.Equal([("add[0].cidr", "cidr"), ("add[0].toPort", "not-below")], refused.Errors!.Select(e => (e.Field, e.Rule)).Order());
    }

    [Fact]
    public async Task A_group_of_another_account_is_a_source_by_id_or_by_name_and_goes_when_it_is_removed()
    {
        await using var scene = await Scene.StartAsync();
        var friend = await scene.Cloud.TenantAsync("friend");
        var group = await friend.PostAsync<SecurityGroup>("/security-groups", new { name = "clients" });
        await scene.LaunchAsync("a");
        foreach (var name in (string[])[group.Id, "friend/clients"])
        {
            var rule = await scene.Tenant.PostAsync<SecurityGroupRule>("/security-groups/default/rules", new { protocol = "tcp", fromPort = 443, group = name });
            Assert.Equal(("friend/clients", group.Id), (rule.Group!.Name, rule.Group.Id));
            Assert.Contains((await scene.Tenant.GetAsync<SecurityGroup>("/security-groups/default")).Rules, r => r.Group?.Name == "friend/clients");
            Assert.Contains((await scene.Host.DesiredAsync())!.SecurityGroups, g => g.Id == group.Id);
            if (name == group.Id) using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/security-groups/default/rules/{rule.Id}")) { }
        }
        await scene.Tenant.FailAsync(400, HttpMethod.Post, "/security-groups/default/rules", new { protocol = "tcp", fromPort = 443, group = "friend/nothing" });
        // The stranger's rule does not keep it.
        using var removed = await friend.SendAsync(HttpMethod.Delete, "/security-groups/clients");
        Assert.Equal(204, (int)removed.StatusCode);
        Assert.DoesNotContain((await scene.Tenant.GetAsync<SecurityGroup>("/security-groups/default")).Rules, r => r.Group?.Id == group.Id);
        Assert.DoesNotContain((await scene.Host.DesiredAsync())!.SecurityGroups, g => g.Id == group.Id);
    }
}
