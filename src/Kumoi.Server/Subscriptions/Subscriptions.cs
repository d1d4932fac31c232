using System.Text;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Subscriptions;

/// <summary>Subscriptions, as accounts keep them: made, changed and removed. What reaches beyond the account, and brokers, are the operators'.</summary>
public sealed class SubscriptionUseCases(Database database, WebhookGate gate, MasterKey masterKey, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    /// <summary>What the whole cloud does, and brokers, which are reached from the inside.</summary>
    public static readonly Permission OfCloud = Permission.Cloud("subscriptions", "cloud");

    // Each is looked at whenever something happens in its account.
    private const int PerAccountMax = 20;

    public async Task<Result<Page<Subscription>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await SubscriptionStore.ListAsync(database, caller.AccountId, page.After, page.Limit + 1, cancel), subscription => subscription.Id);

    public async Task<Result<Subscription>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await SubscriptionStore.FindAsync(database, caller.AccountId, key, cancel) is { } found ? found : Failure.NotFound("subscription", key);

    /// <summary>Begins with what happens from now on.</summary>
    public async Task<Result<SubscriptionSecret>> CreateAsync(Caller caller, CreateSubscription create, CancellationToken cancel)
    {
        var (name, kind, scope, content) = (Names.Normal(create.Name), create.Kind, create.Scope ?? SubscriptionRules.Account, create.Content ?? SubscriptionRules.Events);
        Violation?[] violations =
        [
            Names.Check("name", name), SubscriptionRules.OneOf("kind", kind, SubscriptionRules.Webhook, SubscriptionRules.Amqp), SubscriptionRules.OneOf("scope", scope, SubscriptionRules.Account, SubscriptionRules.Cloud),
            SubscriptionRules.OneOf("content", content, SubscriptionRules.Events, SubscriptionRules.Usage), SubscriptionRules.Url(kind, create.Url, options.WebhookHttp, gate), SubscriptionRules.Exchange(kind, create.Exchange),
            SubscriptionRules.Password(kind, create.Password, required: true), SubscriptionRules.Actions(create.Actions),
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        if (Refused(caller, kind, scope) is { } refused) return refused;
        return await database.TransactionAsync<SubscriptionSecret>(async transaction =>
        {
            // The account's row is what two that are made at once wait for.
            await transaction.ExecuteAsync("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", cancel, caller.AccountId);
            if (await SubscriptionStore.CountAsync(transaction, caller.AccountId, cancel) >= PerAccountMax) return new Failure("too-many-subscriptions", 409, PerAccountMax);
            var id = ids.New(Ids.Subscription);
            var secret = kind == SubscriptionRules.Webhook ? WebhookSignature.NewSecret() : null;
            var made = new Delivery(
                id, name, caller.AccountId, scope, kind, create.Url, kind == SubscriptionRules.Amqp ? create.Exchange ?? SubscriptionRules.ExchangeDefault : null, content, create.Actions ?? [],
                Sealed(id, secret ?? Encoding.UTF8.GetBytes(create.Password!)), null, null, await EventStore.EndAsync(transaction, cancel), 0, null, "");
            if (!await SubscriptionStore.InsertAsync(transaction, made, clock.GetUtcNow(), cancel)) return Failure.NameTaken("subscription", name);
            await events.WriteAsync(transaction, caller, "subscription.create", new Subject("subscription", id, name), cancel);
            return new SubscriptionSecret((await SubscriptionStore.FindAsync(transaction, caller.AccountId, id, cancel))!, secret is null ? null : WebhookSignature.Text(secret));
        }, cancel);
    }

    public async Task<Result<Subscription>> UpdateAsync(Caller caller, string key, UpdateSubscription update, CancellationToken cancel)
    {
        var name = update.Name is null ? null : Names.Normal(update.Name);
        return await ChangeAsync(caller, key, async (transaction, subscription) =>
        {
            Violation?[] violations =
            [
                name is null ? null : Names.Check("name", name), update.Url is null ? null : SubscriptionRules.Url(subscription.Kind, update.Url, options.WebhookHttp, gate), SubscriptionRules.Exchange(subscription.Kind, update.Exchange),
                SubscriptionRules.Password(subscription.Kind, update.Password, required: false), SubscriptionRules.Actions(update.Actions),
            ];
            if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
            if (name is not null && name != subscription.Name && await SubscriptionStore.FindAsync(transaction, caller.AccountId, name, cancel) is not null) return Failure.NameTaken("subscription", name);
            if ((update.Name ?? update.Url ?? update.Exchange ?? update.Password ?? (object?)update.Actions) is not null)
            {
                await SubscriptionStore.UpdateAsync(transaction, subscription.Id, name, update.Url, update.Exchange, update.Actions, update.Password is { } password ? Sealed(subscription.Id, Encoding.UTF8.GetBytes(password)) : null, cancel);
                await TellAsync(transaction, caller, "update", subscription, cancel);
            }
            if (update.Enabled == false && subscription.State != "disabled")
            {
                await SubscriptionStore.DisableAsync(transaction, subscription.Id, cancel);
                await TellAsync(transaction, caller, "disable", subscription, cancel);
            }
            if (update.Enabled == true && subscription.State == "disabled")
            {
                await SubscriptionStore.ResumeAsync(transaction, subscription.Id, null, clock.GetUtcNow(), cancel);
                await TellAsync(transaction, caller, "resume", subscription, cancel);
            }
            return new Done();
        }, cancel);
    }

    public async Task<Result<Subscription>> ResumeAsync(Caller caller, string key, ResumeSubscription resume, CancellationToken cancel)
    {
        var from = ResumePoint.Read(resume.From);
        if (from.Failure is { } wrong) return wrong;
        return await ChangeAsync(caller, key, async (transaction, subscription) =>
        {
            EventPosition? position = from.Value switch
            {
                { IsNow: true } => await EventStore.EndAsync(transaction, cancel),
                { Time: { } time } => await EventStore.BeforeAsync(transaction, time, cancel),
                _ => null,
            };
            await SubscriptionStore.ResumeAsync(transaction, subscription.Id, position, clock.GetUtcNow(), cancel);
            await TellAsync(transaction, caller, "resume", subscription, cancel, resume.From);
            return new Done();
        }, cancel);
    }

    public async Task<Result<SubscriptionSecret>> RotateAsync(Caller caller, string key, RotateSecret rotate, CancellationToken cancel)
    {
        if (FormerSecret.Check(rotate) is { } wrong) return wrong;
        var secret = WebhookSignature.NewSecret();
        var changed = await ChangeAsync(caller, key, async (transaction, subscription) =>
        {
            if (subscription.Kind != SubscriptionRules.Webhook) return new Failure("subscription-unsigned", 409, subscription.Name);
            await SubscriptionStore.RotateAsync(transaction, subscription.Id, Sealed(subscription.Id, secret), FormerSecret.Until(rotate, clock.GetUtcNow()), cancel);
            await TellAsync(transaction, caller, "rotate-secret", subscription, cancel);
            return new Done();
        }, cancel);
        return changed.Failure is { } failure ? failure : new SubscriptionSecret(changed.Value, WebhookSignature.Text(secret));
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await LockAsync(transaction, caller, key, cancel);
        if (found.Failure is { } failure) return failure;
        await SubscriptionStore.DeleteAsync(transaction, found.Value.Id, cancel);
        await TellAsync(transaction, caller, "delete", found.Value, cancel);
        return new Done();
    }, cancel);

    /// <summary>One that the caller may change, locked.</summary>
    public static async Task<Result<Subscription>> LockAsync(IQueries queries, Caller caller, string key, CancellationToken cancel, string lockAs = "FOR UPDATE OF s")
    {
        if (await SubscriptionStore.FindAsync(queries, caller.AccountId, key, cancel, lockAs) is not { } found) return Failure.NotFound("subscription", key);
        return Refused(caller, found.Kind, found.Scope) is { } refused ? refused : found;
    }

    private Task<Result<Subscription>> ChangeAsync(Caller caller, string key, Func<Transaction, Subscription, Task<Result<Done>>> change, CancellationToken cancel) => database.TransactionAsync<Subscription>(async transaction =>
    {
        var found = await LockAsync(transaction, caller, key, cancel);
        if (found.Failure is { } failure) return failure;
        var changed = await change(transaction, found.Value);
        return changed.Failure is { } broken ? broken : (await SubscriptionStore.FindAsync(transaction, caller.AccountId, found.Value.Id, cancel))!;
    }, cancel);

    private Task TellAsync(Transaction transaction, Caller caller, string verb, Subscription subscription, CancellationToken cancel, string? message = null) =>
        events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "subscription." + verb, new Subject("subscription", subscription.Id, subscription.Name), cancel, message);

    private static Failure? Refused(Caller caller, string kind, string scope) => kind == SubscriptionRules.Amqp || scope == SubscriptionRules.Cloud ? caller.Refused(OfCloud) : null;

    private byte[] Sealed(string id, byte[] secret) => masterKey.Encrypt(secret, WebhookReceiver.Purpose(id));
}
