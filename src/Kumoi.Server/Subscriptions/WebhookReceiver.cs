using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Subscriptions;

/// <summary>Hands things over by signed requests (<see cref="WebhookSignature"/>), up to a hundred in each. The receiver confirms by any status of success.</summary>
public sealed class WebhookReceiver(WebhookPost post, MasterKey masterKey, TimeProvider clock) : IReceiver
{
    public string Kind => "webhook";

    public static string Purpose(string id) => "subscription " + id;

    public Task<Sent> SendAsync(Delivery delivery, IReadOnlyList<DeliveryItem> items, CancellationToken cancel)
    {
        // The same for the same things, each time; another one if there are more of them, or those who go by it would miss these.
        var id = "msg_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(delivery.Id + string.Concat(items.Select(item => item.Id)))).AsSpan(0, 16));
        return PostAsync(delivery, id, Body(delivery.Content, items[^1].At, delivery, items), cancel);
    }

    public Task<Sent> PingAsync(Delivery delivery, CancellationToken cancel) =>
        PostAsync(delivery, "msg_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), Body("ping", clock.GetUtcNow(), delivery, []), cancel);

    public Task TidyAsync() => Task.CompletedTask;

    private static byte[] Body(string type, DateTimeOffset time, Delivery delivery, IReadOnlyList<DeliveryItem> items)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("timestamp", time);
            json.WriteStartObject("data");
            json.WriteStartObject("subscription");
            json.WriteString("id", delivery.Id);
            json.WriteString("name", delivery.Name);
            json.WriteEndObject();
            json.WriteStartArray(delivery.Content);
            foreach (var item in items) json.WriteRawValue(item.Json, skipInputValidation: true);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return body.ToArray();
    }

    private Task<Sent> PostAsync(Delivery delivery, string id, byte[] body, CancellationToken cancel)
    {
        var secrets = new List<byte[]> { masterKey.Decrypt(delivery.SealedSecret!, Purpose(delivery.Id)) };
        if (delivery.SealedFormer is { } former && delivery.FormerUntil > clock.GetUtcNow()) secrets.Add(masterKey.Decrypt(former, Purpose(delivery.Id)));
        return post.SendAsync(delivery.Url, secrets, id, body, cancel);
    }
}
