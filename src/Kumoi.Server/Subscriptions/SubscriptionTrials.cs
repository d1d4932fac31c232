using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Subscriptions;

/// <summary>Sends a test message at once, whatever the state of the subscription, and tells what came of it. Nothing of the subscription changes.</summary>
public sealed class SubscriptionTrials(Database database, IEnumerable<IReceiver> receivers) : IDisposable
{
    // More would let anybody keep many connections of this server busy; the others stand in line.
    private readonly SemaphoreSlim _places = new(8);

    public async Task<Result<SubscriptionTest>> TestAsync(Caller caller, string key, CancellationToken cancel)
    {
        var found = await SubscriptionUseCases.LockAsync(database, caller, key, cancel, lockAs: "");
        if (found.Failure is { } failure) return failure;
        if (await SubscriptionStore.DeliveryAsync(database, found.Value.Id, cancel) is not { } delivery) return Failure.NotFound("subscription", key);
        await _places.WaitAsync(cancel);
        try
        {
            var sent = await receivers.Single(receiver => receiver.Kind == delivery.Kind).PingAsync(delivery, cancel);
            return new SubscriptionTest(sent.Delivered, sent.Status, sent.Message);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose() => _places.Dispose();
}
