using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Alerts.Telling;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Alerts.Contacts;

/// <summary>
/// Where alerts are told. Nothing but a code is sent to an address until the code has come back, so that nobody is told what they did not ask for; and codes are few. An owner is an account, or null: the operators.
/// </summary>
public sealed class ContactUseCases(Database database, ContactStore store, MailStore mails, EventLog events, WebhookGate gate, MasterKey masterKey, ServerOptions options, Ids ids, TimeProvider clock)
{
    // More readers are a mailing list's business.
    private const int ContactsMax = 20;

    // Enough for whoever mistypes; a code has 80 bits.
    private const int TriesMax = 10;

    // Of one hour. More would let a tenant fill strangers' mailboxes from this cloud's address.
    private const int CodesToAddressMax = 3, CodesOfOwnerMax = 20;

    private static readonly TimeSpan CodeLives = TimeSpan.FromHours(24), CodesCounted = TimeSpan.FromHours(1);

    public async Task<Result<Page<Contact>>> ListAsync(string? owner, PageRequest page, CancellationToken cancel) => page.Of(await store.ListAsync(owner, page, cancel), contact => contact.Id);

    public async Task<Result<Contact>> GetAsync(string? owner, string key, CancellationToken cancel) =>
        await store.FindAsync(database, owner, key, cancel) is { } found ? found.Shown : Failure.NotFound("contact", key);

    public async Task<Result<Contact>> CreateAsync(Caller caller, string? owner, CreateContact create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (ContactRules.Check(create, name, options.WebhookHttp, gate).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var kind = create.Kind ?? NewMail.Email;
        if (Unable(kind) is { } unable) return unable;
        return await database.TransactionAsync<Contact>(async transaction =>
        {
            if (await store.CountAsync(transaction, owner, cancel) >= ContactsMax) return new Failure("too-many-contacts", 409, ContactsMax);
            var contact = new Contact(ids.New(Ids.Contact), name, kind, create.Address, create.MinimumSeverity ?? Severities.Warning, [.. (create.Kinds ?? []).Distinct()], create.Language ?? caller.Language,
                create.IntervalMinutes ?? ContactRules.IntervalDefault, "pending", null, null, clock.GetUtcNow(), null);
            var secret = kind == NewMail.Webhook ? WebhookSignature.NewSecret() : null;
            if (!await store.InsertAsync(transaction, owner, contact, secret is null ? null : masterKey.Encrypt(secret, WebhookSender.Purpose(contact.Id)), cancel)) return Failure.NameTaken("contact", name);
            if (await SendCodeAsync(transaction, caller, owner, contact, cancel) is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "contact.create", new Subject("contact", contact.Id, name), cancel);
            return contact with { Secret = secret is null ? null : WebhookSignature.Text(secret) };
        }, cancel);
    }

    public async Task<Result<Contact>> UpdateAsync(Caller caller, string? owner, string key, UpdateContact update, CancellationToken cancel)
    {
        var name = update.Name is null ? null : Names.Normal(update.Name);
        if (ContactRules.Check(update, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await ChangeAsync(owner, key, async (transaction, found) =>
        {
            var before = found.Shown;
            var contact = before with
            {
                Name = name ?? before.Name, MinimumSeverity = update.MinimumSeverity ?? before.MinimumSeverity, Kinds = update.Kinds is { } kinds ? [.. kinds.Distinct()] : before.Kinds,
                Language = update.Language ?? before.Language, IntervalMinutes = update.IntervalMinutes ?? before.IntervalMinutes,
            };
            if (contact == before with { Kinds = contact.Kinds } && contact.Kinds.SequenceEqual(before.Kinds)) return null;
            if (contact.Name != before.Name && await store.NameIsTakenAsync(transaction, owner, contact.Name, cancel)) return Failure.NameTaken("contact", contact.Name);
            await store.UpdateAsync(transaction, contact, cancel);
            await events.WriteAsync(transaction, caller, "contact.update", new Subject("contact", contact.Id, contact.Name), cancel);
            return null;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string? owner, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await store.FindAsync(transaction, owner, key, cancel, "FOR UPDATE") is not { Shown: var contact }) return Failure.NotFound("contact", key);
        await store.DeleteAsync(transaction, contact.Id, cancel);
        await events.WriteAsync(transaction, caller, "contact.delete", new Subject("contact", contact.Id, contact.Name), cancel);
        return new Done();
    }, cancel);

    public async Task<Result<Contact>> VerifyAsync(Caller caller, string? owner, string key, VerifyContact verify, CancellationToken cancel)
    {
        if (await store.FindAsync(database, owner, key, cancel) is not { } known) return Failure.NotFound("contact", key);
        if (known.Shown.State == "verified") return known.Shown;
        // Counted on its own, since what fails leaves nothing behind.
        var mayTry = await store.TryCodeAsync(known.Shown.Id, TriesMax, cancel);
        return await ChangeAsync(owner, known.Shown.Id, async (transaction, found) =>
        {
            if (found.Shown.State == "verified") return null;
            var given = Secrets.Hash(ContactCode.Normal(verify.Code));
            if (!mayTry || found.CodeHash is not { } hash || found.CodeUntil < clock.GetUtcNow() || !CryptographicOperations.FixedTimeEquals(hash, given)) return Failure.Invalid("code", "contact-code");
            await store.VerifiedAsync(transaction, found.Shown.Id, clock.GetUtcNow(), cancel);
            await events.WriteAsync(transaction, caller, "contact.verify", new Subject("contact", found.Shown.Id, found.Shown.Name), cancel);
            return null;
        }, cancel);
    }

    public Task<Result<Contact>> SendCodeAsync(Caller caller, string? owner, string key, CancellationToken cancel) => ChangeAsync(owner, key, async (transaction, found) =>
    {
        if (found.Shown.State == "verified") return new Failure("contact-verified", 409);
        if (Unable(found.Shown.Kind) is { } unable) return unable;
        if (await SendCodeAsync(transaction, caller, owner, found.Shown, cancel) is { } failure) return failure;
        await events.WriteAsync(transaction, caller, "contact.send-code", new Subject("contact", found.Shown.Id, found.Shown.Name), cancel);
        return null;
    }, cancel);

    /// <summary>A new secret; it is told this once. What is sent is signed by the former one, too, for a while.</summary>
    public async Task<Result<Contact>> RotateAsync(Caller caller, string? owner, string key, RotateSecret rotate, CancellationToken cancel)
    {
        if (FormerSecret.Check(rotate) is { } wrong) return wrong;
        var secret = WebhookSignature.NewSecret();
        var changed = await ChangeAsync(owner, key, async (transaction, found) =>
        {
            if (found.Shown.Kind != NewMail.Webhook) return new Failure("contact-unsigned", 409, found.Shown.Name);
            await store.RotateAsync(transaction, found.Shown.Id, masterKey.Encrypt(secret, WebhookSender.Purpose(found.Shown.Id)), FormerSecret.Until(rotate, clock.GetUtcNow()), cancel);
            await events.WriteAsync(transaction, caller, "contact.rotate-secret", new Subject("contact", found.Shown.Id, found.Shown.Name), cancel);
            return null;
        }, cancel);
        return changed.Failure is { } failure ? failure : changed.Value with { Secret = WebhookSignature.Text(secret) };
    }

    private Failure? Unable(string kind) => kind == NewMail.Email && options.Smtp is null ? new Failure("no-mail-server", 409) : null;

    private async Task<Failure?> SendCodeAsync(Transaction transaction, Caller caller, string? owner, Contact contact, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var (toAddress, ofOwner, first) = await store.CodesAsync(transaction, owner, contact.Address, now - CodesCounted, cancel);
        if (toAddress >= CodesToAddressMax || ofOwner >= CodesOfOwnerMax) return new Failure("too-many-codes", 429) { RetryAfter = first!.Value + CodesCounted - now };
        var code = ContactCode.New();
        await store.SetCodeAsync(transaction, contact.Id, Secrets.Hash(ContactCode.Normal(code)), now + CodeLives, cancel);
        string Text(string key, params object[] arguments) => Messages.Text(contact.Language, key, arguments);
        var whose = owner is null ? Text("mail.whose-cloud", options.Region) : Text("mail.whose-account", caller.AccountName, options.Region);
        var command = $"kumoi contact verify{(owner is null ? " --cloud" : "")} {contact.Id} {code}";
        var text = new MailText(Text("mail.code.subject", options.Region), Text("mail.code.body", whose, code, command, (int)CodeLives.TotalHours));
        if (contact.Kind == NewMail.Webhook) text = PostedText.Of(text, new ContactMessage(PostedText.TypeCode, now, "", new ContactMessageData(new Ref(contact.Id, contact.Name), owner is null ? null : new Ref(owner, caller.AccountName), options.Region) { Code = code }));
        await mails.QueueAsync(transaction, new NewMail(owner, contact.Id, contact.Kind, NewMail.OfCode, contact.Address, text, []), now, cancel);
        return null;
    }

    private Task<Result<Contact>> ChangeAsync(string? owner, string key, Func<Transaction, ContactRecord, Task<Failure?>> change, CancellationToken cancel) => database.TransactionAsync<Contact>(async transaction =>
    {
        if (await store.FindAsync(transaction, owner, key, cancel, "FOR UPDATE") is not { } found) return Failure.NotFound("contact", key);
        if (await change(transaction, found) is { } failure) return failure;
        return (await store.FindAsync(transaction, owner, found.Shown.Id, cancel))!.Shown;
    }, cancel);
}

/// <summary>Codes that are sent to contacts: 80 random bits, in letters and digits that are not taken for each other.</summary>
public static class ContactCode
{
    private const string Letters = "ABCDEFGHJKMNPQRSTVWXYZ23456789";

    private const int Length = 17, Group = 5;

    public static string New() => string.Join('-', RandomNumberGenerator.GetString(Letters, Length).Chunk(Group).Select(chunk => new string(chunk)));

    /// <summary>As it is compared: however it was copied.</summary>
    public static string Normal(string code) => string.Concat(code.ToUpperInvariant().Where(char.IsAsciiLetterOrDigit));
}
