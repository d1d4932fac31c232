using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Mail;

/// <summary>What becomes of messages that did not get there.</summary>
public sealed class MailFailures(MailStore store, Database database, EventLog events)
{
    private const int ErrorLengthMax = 200;

    private static readonly TimeSpan WaitMin = TimeSpan.FromSeconds(30), WaitMax = TimeSpan.FromMinutes(30), TriedFor = TimeSpan.FromDays(1);

    /// <summary>It did not get there now: it is tried again, for a day.</summary>
    public Task LaterAsync(TakenMail mail, string error, DateTimeOffset now)
    {
        if (now - mail.CreatedAt >= TriedFor) return GiveUpAsync(mail, "The message could not be sent for a day.", false, now);
        var wait = TimeSpan.FromTicks(Math.Min(WaitMax.Ticks, WaitMin.Ticks << Math.Min(mail.Attempts - 1, 10)));
        return store.PutBackAsync(mail.Id, now + wait, PlainText.Of(error, ErrorLengthMax), CancellationToken.None);
    }

    /// <param name="refused">By the receiver, and not for want of one.</param>
    public Task GiveUpAsync(TakenMail mail, string error, bool refused, DateTimeOffset now) => database.TransactionAsync<Done>(async transaction =>
    {
        var contact = await store.GiveUpAsync(transaction, mail.Id, PlainText.Of(error, ErrorLengthMax), refused, now, CancellationToken.None);
        if (contact is not { Now: true }) return new Done();
        var account = contact.AccountId ?? await transaction.FindAsync("SELECT id FROM accounts WHERE kind = 'operator'", row => row.GetString(0), CancellationToken.None);
        await events.WriteAsync(transaction, account!, EventActor.System, "contact.refuse", new Subject("contact", contact.Id, contact.Name), CancellationToken.None, PlainText.Of(error, ErrorLengthMax));
        return new Done();
    }, CancellationToken.None);
}
