using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Dialects.Ec2;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Tests.Http;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Dialects;

/// <summary>Goal: no action without its rule, and no answer of a use case without its code. Method: walk the table of actions and the source.</summary>
public sealed partial class Ec2ActionTests
{
    /// <summary>Something for whatever an action cannot do without.</summary>
    private static (string, string)[] Required(Ec2Action action) => [.. action.Required.Select(name => (name is "ResourceId" or "InstanceId" or "SecurityGroupRule" or "Tag" ? name + ".1" : name == "InstanceSpecification" ? name + ".InstanceId" : name, name.EndsWith("Count", StringComparison.Ordinal) ? "1" : "x"))];

    private static async Task<string> StateAsync(Ec2Scene scene)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(scene.Scene.Cloud.Options.ConnectionString);
        await using var command = source.CreateCommand("SELECT count(*)::text || coalesce(max(id), '') FROM events");
        return (string)(await command.ExecuteScalarAsync())!;
    }

    [Theory]
    [InlineData("instances", false, "InstanceLimitExceeded")]
    [InlineData("instances", true, "InstanceLimitExceeded")]
    [InlineData("volumes", false, "VolumeLimitExceeded")]
    [InlineData("key-pairs", false, "ResourceLimitExceeded")]
    public void Quotas_are_told_as_limits_of_EC2(string resource, bool ofDomain, string code) =>
        Assert.Equal((code, 400), (Ec2Errors.Of(Kumoi.Server.Platform.Postgres.QuotaExceeded.Of(resource, 1, 1, 1, ofDomain)).Code, Ec2Errors.Of(Kumoi.Server.Platform.Postgres.QuotaExceeded.Of(resource, 1, 1, 1, ofDomain)).Status));

    [Fact]
    public async Task Every_action_is_signed_for_and_allowed_and_a_trial_changes_nothing()
    {
        await using var scene = await Ec2Scene.StartAsync();
        await scene.Scene.Admin.PostAsync<User>("/users", new { name = "reader", password = "tenant-password", role = "reader", account = "acme" });
        var reader = await (await scene.Scene.Cloud.LoginAsync("reader", "tenant-password")).PostAsync<AccessKeyCreated>("/access-keys", new { });
        var (right, reading) = (new Ec2Scene.Signing(scene.Key.Id, scene.Key.Secret), new Ec2Scene.Signing(reader.Id, reader.Secret));
        var actions = scene.Scene.Cloud.Services.GetRequiredService<Ec2Actions>().All;
        Assert.True(actions.Count > 80, $"only {actions.Count} actions");
        var before = await StateAsync(scene);
        foreach (var action in actions)
        {
            Assert.Contains(action.Verb, (string[])["read", "write"]);
            Assert.Matches("^[a-z-]+$", action.Capability);
            Assert.Equal((401, "AuthFailure"), await scene.FailAsync(new HttpRequestMessage(HttpMethod.Get, new Uri($"{scene.Url}?Action={action.Name}"))));
            var asked = Required(action);
            if (action.Verb == "write") Assert.Equal((action.Name, (403, "UnauthorizedOperation")), (action.Name, await scene.FailAsync(scene.Post(reading, action.Name, [.. asked, ("DryRun", "true")]))));
            else if (action.HasDryRun) Assert.Equal((action.Name, (412, "DryRunOperation")), (action.Name, await scene.FailAsync(scene.Post(reading, action.Name, [.. asked, ("DryRun", "true")]))));
            if (action.HasDryRun) Assert.Equal((action.Name, (412, "DryRunOperation")), (action.Name, await scene.FailAsync(scene.Post(right, action.Name, [.. asked, ("DryRun", "true")]))));
            foreach (var missing in asked) Assert.Equal((action.Name, (400, "MissingParameter")), (action.Name, await scene.FailAsync(scene.Post(right, action.Name, [.. asked.Where(one => one != missing)]))));
        }
        Assert.Equal(before, await StateAsync(scene));
        Assert.Equal((400, "UnknownAction"), await scene.FailAsync("LaunchRockets"));
        Assert.Equal((400, "MissingAction"), await scene.FailAsync(scene.Post(right, "")));
    }

    [Fact]
    public void Every_code_of_the_server_is_told_with_one_of_EC2()
    {
        var used = new HashSet<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(GoldenTests.Tree, "src/Kumoi.Server"), "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/Dialects/", StringComparison.Ordinal)))
            foreach (Match match in Code().Matches(File.ReadAllText(file))) used.Add(match.Groups[1].Value);
        Assert.True(used.Count > 80, $"only {used.Count} codes found");
        Assert.Empty(used.Where(code => !Ec2Errors.Has(code)).Order());
    }

    [Fact]
    public void Every_text_of_the_dialect_is_in_the_catalogue()
    {
        var used = Directory.GetFiles(Path.Combine(GoldenTests.Tree, "src/Kumoi.Server/Dialects/Ec2"), "*.cs").SelectMany(file => FaultKey().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.True(used.Count > 15, $"only {used.Count} texts found");
        Assert.Empty(used.Where(key => !Messages.Has("ec2." + key)));
        Assert.Empty(Messages.Catalogue("en").Keys.Where(key => key.StartsWith("ec2.", StringComparison.Ordinal) && !used.Contains(key[4..])));
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("web-*", "web-1", true)]
    [InlineData("w?b", "web", true)]
    [InlineData("w?b", "wb", false)]
    [InlineData("*a*b*c", "xxaxxbxxc", true)]
    [InlineData("*a*b*c", "xxaxxcxxb", false)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "x", false)]
    [InlineData("a\\", "a\\", true)]
    [InlineData("", "", true)]
    [InlineData("", "x", false)]
    public void Patterns_of_filters_fit_what_they_should(string pattern, string text, bool fits) => Assert.Equal(fits, Ec2Patterns.Fits(pattern, text));

    [Fact]
    public void A_hostile_pattern_takes_no_longer_than_its_length()
    {
        // Matching by going back would take longer than the world is old.
        Assert.False(Ec2Patterns.Fits(string.Concat(Enumerable.Repeat("*a", 1000)) + "b", new string('a', 100_000)));
    }

    [Fact]
    public async Task Another_account_finds_nothing_and_changes_nothing()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var instance = await scene.Scene.LaunchAsync("web-1");
        var group = (await scene.Scene.Tenant.GetAsync<SecurityGroup>("/security-groups/default")).Id;
        var stranger = await (await scene.Scene.Cloud.TenantAsync("stranger")).PostAsync<AccessKeyCreated>("/access-keys", new { });
        var signing = new Ec2Scene.Signing(stranger.Id, stranger.Secret);
        foreach (var (action, code, parameters) in (IReadOnlyList<(string, string, (string, string)[])>)[
            ("DescribeInstances", "InvalidInstanceID.NotFound", [("InstanceId.1", instance.Id)]), ("TerminateInstances", "InvalidInstanceID.NotFound", [("InstanceId.1", instance.Id)]), ("ModifyInstanceAttribute", "InvalidInstanceID.NotFound", [("InstanceId", instance.Id), ("DisableApiTermination.Value", "true")]),
            ("CreateTags", "InvalidGroup.NotFound", [("ResourceId.1", group), ("Tag.1.Key", "a")]), ("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", [("GroupId", group), ("IpProtocol", "tcp"), ("FromPort", "1"), ("ToPort", "1"), ("CidrIp", "0.0.0.0/0")]),
            ("DescribeVpcs", "InvalidVpcID.NotFound", [("VpcId.1", "vpc" + (await scene.Scene.Tenant.GetAsync<Network>("/networks/default")).Id[3..])]), ("GetConsoleOutput", "InvalidInstanceID.NotFound", [("InstanceId", instance.Id)])])
            Assert.Equal((action, (400, code)), (action, await scene.FailAsync(scene.Post(signing, action, parameters))));
        Assert.Empty((await scene.DoAsync("DescribeInstances", ("Filter.1.Name", "instance-id"), ("Filter.1.Value.1", "i-none"))).Element("reservationSet")!.Elements());
        Assert.Single((await scene.DoAsync("DescribeInstances")).Element("reservationSet")!.Elements());
    }

    [GeneratedRegex(@"new(?: Failure)?\((?:isCopy \? ""[a-z-]+"" : )?""([a-z-]+)"", \d{3}")]
    private static partial Regex Code();

    [GeneratedRegex(@"(?:Ec2Fault\(""[A-Za-z.]+"", \d{3}, |Malformed, 400, |NotFound, 400, |new\(""[A-Za-z.]+"", \d{3}, )""([a-z-]+)""")]
    private static partial Regex FaultKey();
}
