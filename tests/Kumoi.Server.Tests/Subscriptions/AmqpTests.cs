using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Testing;
using RabbitMQ.Client;
using Xunit;

namespace Kumoi.Server.Tests.Subscriptions;

/// <summary>Goal: a broker gets everything, also when it or a server is killed in the middle. Method: a real RabbitMQ, with a durable queue that is read at the end.</summary>
public sealed class AmqpTests
{
    private sealed record Message(string Id, string Key, Event Event, IReadOnlyBasicProperties Properties);

    private static async Task<List<Message>> ReadAsync(RabbitServer broker) => [.. (await broker.ReadAsync()).Select(m => new Message(m.Id, m.Key, JsonSerializer.Deserialize(m.Body, ApiJson.Default.Event)!, m.Properties))];

    private static object Body(RabbitServer broker, string exchange, string[] actions) => new { name = "broker", kind = "amqp", url = broker.Url, password = RabbitServer.Password, exchange, scope = "cloud", actions };

    [Fact]
    public async Task Messages_are_persistent_and_in_order_and_have_the_id_and_the_action_of_their_event()
    {
        await using var broker = await RabbitServer.StartAsync();
        await using var scene = await DeliveryScene.StartAsync();
        var admin = await scene.Cloud.LoginAsync();
        var made = await admin.PostAsync<SubscriptionSecret>("/subscriptions", Body(broker, "happenings", ["network.*", "security-group.create"]));
        Assert.Equal((null, "happenings"), (made.Secret, made.Subscription.Exchange));
        // It makes the exchange, which is durable: binding does not make another.
        Assert.Equal(new SubscriptionTest(true, null, null), await admin.PostAsync<SubscriptionTest>("/subscriptions/broker/test"));
        var account = (await scene.Tenant.GetAsync<User>("/users/me")).Account.Id;
        await broker.BindAsync("happenings", account + ".network.*");
        string[] names = [.. Enumerable.Range(0, 250).Select(i => $"n{i}")];
        await admin.PostAsync<Network>("/networks", new { name = "operators" });
        await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "group" });
        await scene.MakeAsync(names);
        await Wait.UntilAsync(async () => (await admin.GetAsync<Subscription>("/subscriptions/broker")).Delivered == names.Length + 2, what: "all are confirmed");
        var messages = await ReadAsync(broker);
        Assert.Equal(names, messages.Select(m => m.Event.Resource.Name));
        Assert.All(messages, m => Assert.Equal((m.Event.Id, account + ".network.create", "application/json", DeliveryModes.Persistent, "network.create"), (m.Id, m.Key, m.Properties.ContentType, m.Properties.DeliveryMode, m.Properties.Type)));
        Assert.Equal(account, Encoding.UTF8.GetString((byte[])messages[0].Properties.Headers!["account"]!));
        Assert.Equal("subscription-unsigned", (await admin.FailAsync(409, HttpMethod.Post, "/subscriptions/broker/rotate-secret", new { })).Code);
        // A wrong password is told, and the right one heals it.
        await admin.PutAsync<Subscription>("/subscriptions/broker", new { password = "wrong" });
        Assert.Equal("The broker does not take this user and password.", (await admin.PostAsync<SubscriptionTest>("/subscriptions/broker/test")).Message);
        await admin.PutAsync<Subscription>("/subscriptions/broker", new { password = RabbitServer.Password });
        Assert.True((await admin.PostAsync<SubscriptionTest>("/subscriptions/broker/test")).Delivered);
    }

    [Fact]
    public async Task A_broker_that_is_killed_in_the_middle_misses_nothing()
    {
        await using var broker = await RabbitServer.StartAsync();
        await using var scene = await DeliveryScene.StartAsync();
        var admin = await scene.Cloud.LoginAsync();
        await broker.BindAsync("kumoi", "#");
        await admin.PostAsync<SubscriptionSecret>("/subscriptions", Body(broker, "kumoi", ["network.create"]));
        var names = Enumerable.Range(0, 200).Select(i => $"n{i}").ToList();
        var making = scene.MakeAsync(names);
        await Wait.UntilAsync(async () => (await admin.GetAsync<Subscription>("/subscriptions/broker")).Delivered > 20, what: "some are confirmed");
        await broker.KillAsync();
        await making;
        await Wait.UntilAsync(async () => (await admin.GetAsync<Subscription>("/subscriptions/broker")).State == "failing", what: "the broker is missed");
        var failing = await admin.GetAsync<Subscription>("/subscriptions/broker");
        Assert.NotNull(failing.LastError);
        await broker.StartAgainAsync();
        await Wait.UntilAsync(async () => (await admin.GetAsync<Subscription>("/subscriptions/broker")).Delivered == names.Count, 120, "all are confirmed");
        var messages = await ReadAsync(broker);
        // None is missing; what came twice has the same id.
        Assert.Equal(names, messages.DistinctBy(m => m.Id).Select(m => m.Event.Resource.Name));
        Assert.All(messages, m => Assert.Equal(m.Event.Id, m.Id));
    }
}
