using System.Text.Json;
using Kumoi.Api;
using Kumoi.Faults.Cloud;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Faults;

/// <summary>Goal: whatever server is killed while it hands over what happens, nothing is lost. Method: two real servers and a real broker, and kill -9 in the middle.</summary>
public sealed class DeliveryTests
{
    private const int Each = 60;

    // A killed server's lease, and what runs slowly.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);

    [Fact]
    public async Task Servers_are_killed_one_after_the_other_while_a_broker_is_told()
    {
        await using var broker = await RabbitServer.StartAsync();
        await broker.BindAsync("kumoi", "#");
        await using var cloud = await FaultCloud.StartAsync(servers: 2, hosts: 0);
        await (await cloud.AdminAsync()).PostAsync<SubscriptionSecret>("/subscriptions", new { name = "bus", kind = "amqp", url = broker.Url, password = RabbitServer.Password, scope = "cloud", actions = new[] { "network.create" } });
        var names = new List<string>();
        for (var victim = 0; victim < 2; victim++)
        {
            string[] more = [.. Enumerable.Range(0, Each).Select(i => $"n{victim}-{i}")];
            var before = await DeliveredAsync(cloud);
            var making = MakeAsync(cloud.Servers[1 - victim], cloud.Token, more);
            await FaultCloud.UntilAsync("some are told", Limit, async () => await DeliveredAsync(cloud) > before);
            cloud.Servers[victim].Process.KillHard();
            await making;
            names.AddRange(more);
            cloud.Servers[victim].Process.Start();
            await cloud.Servers[victim].ReadyAsync();
            await FaultCloud.UntilAsync("all are told", Limit, async () => await DeliveredAsync(cloud) == names.Count);
        }
        var messages = await broker.ReadAsync();
        Assert.Equal(names, messages.DistinctBy(m => m.Id).Select(m => JsonSerializer.Deserialize(m.Body, ApiJson.Default.Event)!.Resource.Name));
    }

    private static async Task MakeAsync(ServerProcess server, string token, IEnumerable<string> names)
    {
        var client = FaultCloud.Client(server.Url, token);
        foreach (var name in names) await client.PostAsync<Network>("/networks", new { name });
    }

    private static async Task<long> DeliveredAsync(FaultCloud cloud)
    {
        await using var command = cloud.Database.CreateCommand("SELECT delivered FROM subscriptions");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
