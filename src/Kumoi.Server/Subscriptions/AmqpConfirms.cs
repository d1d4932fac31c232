using RabbitMQ.Client;

namespace Kumoi.Server.Subscriptions;

/// <summary>
/// Counts what a broker confirms on one channel. The client can do that itself, but then it tells of a message only when that is confirmed, and several
/// on their way are not sent in their order.
/// </summary>
public sealed class AmqpConfirms
{
    private readonly Lock _gate = new();
    private readonly HashSet<ulong> _open = [];
    private TaskCompletionSource<string?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AmqpConfirms(IChannel channel)
    {
        channel.BasicAcksAsync += (_, e) => Confirmed(e.DeliveryTag, e.Multiple);
        channel.BasicNacksAsync += (_, _) => Ended("The broker did not take a message.");
        channel.ChannelShutdownAsync += (_, e) => Ended($"The broker has ended the connection: {e.ReplyText}");
    }

    /// <summary>To be called before the first of them is sent. Null when all are confirmed, else what went wrong.</summary>
    public Task<string?> ExpectAsync(ulong first, int count)
    {
        lock (_gate)
        {
            _open.Clear();
            for (var i = 0; i < count; i++) _open.Add(first + (ulong)i);
            _end = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            return _end.Task;
        }
    }

    private Task Confirmed(ulong tag, bool multiple)
    {
        lock (_gate)
        {
            if (multiple) _open.RemoveWhere(one => one <= tag);
            else _open.Remove(tag);
            if (_open.Count == 0) _end.TrySetResult(null);
        }
        return Task.CompletedTask;
    }

    private Task Ended(string why)
    {
        lock (_gate) _end.TrySetResult(why);
        return Task.CompletedTask;
    }
}
