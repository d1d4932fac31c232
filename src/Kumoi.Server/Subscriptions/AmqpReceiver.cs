using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Platform;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Kumoi.Server.Subscriptions;

/// <summary>
/// Hands things over to a message broker (AMQP 0-9-1): a persistent message each, to a durable topic exchange, with the routing key
/// <c>ACCOUNT.TOPIC</c>. They are delivered when the broker has confirmed all of them.
/// </summary>
public sealed class AmqpReceiver(MasterKey masterKey, TimeProvider clock) : IReceiver, IAsyncDisposable
{
    // A broker that is overloaded confirms late; one that is held would keep the place for as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Handshake = TimeSpan.FromSeconds(10), Goodbye = TimeSpan.FromSeconds(2), IdleMax = TimeSpan.FromMinutes(1);

    private const int MessageLettersMax = 256, NotFound = 404;

    /// <param name="Key">What it was opened for: another address or password is another line.</param>
    private sealed record Line(string Key, IConnection Connection, IChannel Channel, AmqpConfirms Confirms, long UsedAt);

    // Kept open between portions. Whoever uses one takes it out.
    private readonly ConcurrentDictionary<string, Line> _idle = new();

    public string Kind => "amqp";

    public Task<Sent> SendAsync(Delivery delivery, IReadOnlyList<DeliveryItem> items, CancellationToken cancel) => UseAsync(delivery, (line, stop) => PublishAsync(line, delivery, items, stop), cancel);

    /// <summary>With the routing key <c>ACCOUNT.ping</c> and nothing in it.</summary>
    public Task<Sent> PingAsync(Delivery delivery, CancellationToken cancel) => SendAsync(delivery,
        [new DeliveryItem("ping-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), delivery.AccountId, "ping", clock.GetUtcNow(), Encoding.UTF8.GetBytes("{}"))], cancel);

    public async Task TidyAsync()
    {
        foreach (var (id, line) in _idle)
            if (clock.GetElapsedTime(line.UsedAt) > IdleMax && _idle.TryRemove(KeyValuePair.Create(id, line))) await CloseAsync(line.Connection);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var id in _idle.Keys)
            if (_idle.TryRemove(id, out var line)) await CloseAsync(line.Connection);
    }

    private async Task<Sent> UseAsync(Delivery delivery, Func<Line, CancellationToken, Task<string?>> use, CancellationToken cancel)
    {
        using var time = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, time.Token);
        Line? line = null;
        try
        {
            var key = $"{delivery.Url} {delivery.Exchange} {Convert.ToHexString(delivery.SealedSecret!)}";
            if (_idle.TryRemove(delivery.Id, out var kept))
            {
                if (kept.Key == key && kept.Channel.IsOpen) line = kept;
                else await CloseAsync(kept.Connection);
            }
            line ??= await OpenAsync(delivery, key, either.Token);
            if (await use(line, either.Token).WaitAsync(either.Token) is { } problem) return new Sent(false, null, PlainText.Of(problem, MessageLettersMax));
            var used = line with { UsedAt = clock.GetTimestamp() };
            line = null;
            if (!_idle.TryAdd(delivery.Id, used)) await CloseAsync(used.Connection);
            return new Sent(true, null, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new Sent(false, null, $"The broker did not confirm within {Patience.TotalSeconds:0} seconds.");
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or SocketException or AuthenticationException or TimeoutException)
        {
            return new Sent(false, null, PlainText.Of(Explain(e), MessageLettersMax));
        }
        finally
        {
            if (line is not null) await CloseAsync(line.Connection);
        }
    }

    private static string Explain(Exception e) => e switch
    {
        AuthenticationFailureException or BrokerUnreachableException { InnerException: AuthenticationFailureException } => "The broker does not take this user and password.",
        BrokerUnreachableException { InnerException: { } inner } => $"The broker could not be reached: {inner.Message}",
        _ => $"The broker could not be used: {e.Message}",
    };

    private static async Task<string?> PublishAsync(Line line, Delivery delivery, IReadOnlyList<DeliveryItem> items, CancellationToken cancel)
    {
        // Sent one behind the other, and confirmed in any order.
        var confirmed = line.Confirms.ExpectAsync(await line.Channel.GetNextPublishSequenceNumberAsync(cancel), items.Count);
        foreach (var item in items)
        {
            var properties = new BasicProperties
            {
                MessageId = item.Id, ContentType = "application/json", Persistent = true, Timestamp = new AmqpTimestamp(item.At.ToUnixTimeSeconds()), Type = item.Topic, AppId = "kumoi",
                Headers = new Dictionary<string, object?> { ["account"] = item.AccountId, ["content"] = delivery.Content },
            };
            await line.Channel.BasicPublishAsync(delivery.Exchange!, $"{item.AccountId}.{item.Topic}", mandatory: false, properties, item.Json, cancel);
        }
        return await confirmed;
    }

    private async Task<Line> OpenAsync(Delivery delivery, string key, CancellationToken cancel)
    {
        var url = new Uri(delivery.Url);
        var factory = new ConnectionFactory
        {
            Uri = url, UserName = Uri.UnescapeDataString(url.UserInfo), Password = Encoding.UTF8.GetString(masterKey.Decrypt(delivery.SealedSecret!, WebhookReceiver.Purpose(delivery.Id))), AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false,
            RequestedConnectionTimeout = Handshake, HandshakeContinuationTimeout = Handshake, ContinuationTimeout = Handshake, SocketReadTimeout = Patience, SocketWriteTimeout = Patience, RequestedHeartbeat = Handshake, ClientProvidedName = "kumoi " + delivery.Id,
        };
        var connection = await factory.CreateConnectionAsync(cancel);
        try
        {
            var channel = await ChannelAsync(connection, delivery.Exchange!, cancel);
            return new Line(key, connection, channel, new AmqpConfirms(channel), clock.GetTimestamp());
        }
        catch
        {
            await CloseAsync(connection);
            throw;
        }
    }

    private static async Task<IChannel> ChannelAsync(IConnection connection, string exchange, CancellationToken cancel)
    {
        var options = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false);
        var channel = await connection.CreateChannelAsync(options, cancel);
        try
        {
            // Looked for first: a user that may only write to it may not declare it.
            await channel.ExchangeDeclarePassiveAsync(exchange, cancel);
            return channel;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            // The question has cost its channel.
            channel = await connection.CreateChannelAsync(options, cancel);
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancel);
            return channel;
        }
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.AbortAsync(Goodbye).WaitAsync(Goodbye * 2);
            connection.Dispose();
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or ObjectDisposedException)
        {
            // It is gone, or its broker is held: then the socket goes by itself.
        }
    }
}
