using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Npgsql;

namespace Kumoi.Server.Subscriptions;

/// <summary>
/// Hands over what waits. Each subscription is served by one server at a time, under a lease; its position moves on after the receiver has confirmed, so what is
/// killed in between is handed over again and nothing is lost.
/// </summary>
public sealed class DeliveryLoop(DeliveryStore store, IEnumerable<IDeliverySource> sources, IEnumerable<IReceiver> receivers, EventBell bell, TimeProvider clock, ILogger<DeliveryLoop> log) : BackgroundService
{
    // Tries under way: each may take as long as its receiver's patience. Those that failed before have a part of them only, so that they hold up none that works.
    private const int PlacesMax = 32, FailingPlacesMax = 12;

    /// <summary>In one request, or before a confirmation. More is told again when it breaks off; less is slower.</summary>
    public const int ItemsMax = 100;

    // Then the next one has its turn.
    private const int PortionsMax = 20;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2), PauseMin = TimeSpan.FromMilliseconds(100), TidyInterval = TimeSpan.FromSeconds(30), RetryFirst = TimeSpan.FromSeconds(5), RetryLongest = TimeSpan.FromHours(1), Farewell = TimeSpan.FromSeconds(3);

    private readonly Backoff _backoff = new(RetryFirst, RetryLongest, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
    private readonly Dictionary<string, IDeliverySource> _sources = sources.ToDictionary(source => source.Content);
    private readonly Dictionary<string, IReceiver> _receivers = receivers.ToDictionary(receiver => receiver.Kind);
    private readonly ConcurrentDictionary<string, (Task Work, bool Failing)> _working = new();
    private volatile TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var tidied = clock.GetTimestamp();
        try
        {
            while (true)
            {
                var (ring, freed) = (bell.Next, _freed.Task);
                try
                {
                    await LookAsync(stoppingToken);
                    if (clock.GetElapsedTime(tidied) > TidyInterval)
                    {
                        tidied = clock.GetTimestamp();
                        await store.SkipAsync(stoppingToken);
                        foreach (var receiver in _receivers.Values) await receiver.TidyAsync();
                    }
                }
                catch (NpgsqlException e)
                {
                    SubscriptionLog.LookFailed(log, e.Message);
                }
                await Task.WhenAny(ring, freed, Task.Delay(LookInterval, clock, stoppingToken));
                // Every event of the cloud rings; looking at each would be much work for nothing.
                await Task.Delay(PauseMin, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_working.Values.Select(working => working.Work));
        }
    }

    /// <summary>Takes what waits into the places that are free.</summary>
    public async Task LookAsync(CancellationToken stop)
    {
        await ClaimAsync("active", PlacesMax - _working.Count, stop);
        await ClaimAsync("failing", Math.Min(PlacesMax - _working.Count, FailingPlacesMax - _working.Values.Count(working => working.Failing)), stop);
    }

    private async Task ClaimAsync(string state, int most, CancellationToken stop)
    {
        if (most <= 0) return;
        foreach (var delivery in await store.ClaimAsync(state, most, stop))
        {
            // Counted before it begins, and forgotten when it has ended: the names of leases are not given out twice.
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _working[delivery.Holder] = (WorkAsync(begun.Task, delivery, stop), state == "failing");
            begun.SetResult();
        }
    }

    private async Task WorkAsync(Task begun, Delivery delivery, CancellationToken stop)
    {
        await begun;
        try
        {
            await ServeAsync(delivery, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await LetGoAsync(delivery);
        }
        catch (Exception e)
        {
            // Of the database: another try comes when the lease is over. Else it is a mistake of ours, which must not stop all others.
            SubscriptionLog.DeliveryFailed(log, delivery.Id, e);
        }
        finally
        {
            _working.TryRemove(delivery.Holder, out _);
            Interlocked.Exchange(ref _freed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    private async Task ServeAsync(Delivery claimed, CancellationToken stop)
    {
        var delivery = claimed;
        for (var portions = 0; portions < PortionsMax; portions++)
        {
            var portion = await _sources[delivery.Content].ReadAsync(delivery, ItemsMax, stop);
            if (portion.Items.Count > 0 && await SendAsync(delivery, portion, stop) is false) return;
            // Killed before this: the same is handed over again.
            if (await store.AdvanceAsync(delivery, portion.Next, portion.Items.Count, stop) is not { } advanced) return;
            delivery = advanced;
            if (portion.IsAll) break;
        }
        await store.ReleaseAsync(delivery, stop);
    }

    private async Task<bool> SendAsync(Delivery delivery, Portion portion, CancellationToken stop)
    {
        var sent = await _receivers[delivery.Kind].SendAsync(delivery, portion.Items, stop);
        if (sent.Delivered) return true;
        var message = sent.Message ?? "";
        if (DeliveryPlan.EndsBecause(sent, delivery.FailingSince, clock.GetUtcNow()) is { } reason) await store.DisableAsync(delivery, message, reason, stop);
        else await store.FailAsync(delivery, message, _backoff.After(delivery.Failures + 1), stop);
        return false;
    }

    /// <summary>A server that ends as asked leaves its subscriptions to the others at once.</summary>
    private async Task LetGoAsync(Delivery delivery)
    {
        try
        {
            using var limit = new CancellationTokenSource(Farewell, clock);
            await store.ReleaseAsync(delivery, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            SubscriptionLog.LookFailed(log, e.Message);
        }
    }
}

internal static partial class SubscriptionLog
{
    [LoggerMessage(1101, LogLevel.Warning, "What subscriptions wait for could not be looked at; the next look is in two seconds: {Message}")]
    public static partial void LookFailed(ILogger logger, string message);

    [LoggerMessage(1102, LogLevel.Error, "Delivering for {Subscription} broke off; it is tried again when its lease is over.")]
    public static partial void DeliveryFailed(ILogger logger, string subscription, Exception exception);
}
