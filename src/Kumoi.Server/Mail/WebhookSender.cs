using System.Text;
using Kumoi.Reconcile;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;
using Npgsql;

namespace Kumoi.Server.Mail;

/// <summary>
/// Posts what is written in <c>mails</c> for contacts that are webhooks. Every server does; each message is taken by one. Its id is the message's, so that a receiver knows one that comes twice, since a server was killed before it wrote down that it was taken.
/// </summary>
public sealed class WebhookSender(MailStore store, MailFailures failures, WebhookPost post, MasterKey masterKey, MailBell bell, TimeProvider clock, ILogger<WebhookSender> log) : BackgroundService
{
    // Side by side: one that does not answer holds up the others for as long as it is waited for.
    private const int AtOnce = 20;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), TakenFor = 4 * WebhookPost.Patience, KeptFor = TimeSpan.FromDays(30);

    public static string Purpose(string contactId) => "contact " + contactId;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(bell.Webhooks, Period, cancel => LookAsync(clock.GetUtcNow(), cancel), Broken, stoppingToken);

    /// <summary>Sends what is due, until there is no more; and forgets messages that are over, of all kinds.</summary>
    public async Task LookAsync(DateTimeOffset now, CancellationToken cancel)
    {
        while (await store.TakeAsync(NewMail.Webhook, AtOnce, TakenFor, now, cancel) is { Count: > 0 } mails) await Task.WhenAll(mails.Select(mail => SendAsync(mail, now, cancel)));
        await store.ForgetAsync(now - KeptFor, cancel);
    }

    private async Task SendAsync(TakenMail mail, DateTimeOffset now, CancellationToken cancel)
    {
        // Whose contact was deleted meanwhile has nowhere to go.
        if (mail is not { ContactId: { } contact, SealedSecrets: { Count: > 0 } secrets }) return;
        Sent sent;
        try
        {
            sent = await post.SendAsync(mail.Address, [.. secrets.Select(secret => masterKey.Decrypt(secret, Purpose(contact)))], mail.Id, Encoding.UTF8.GetBytes(mail.Body), cancel);
        }
        catch (OperationCanceledException)
        {
            // This server ends: another need not wait until it counts as dead.
            await store.PutBackAsync(mail.Id, now, "", CancellationToken.None);
            throw;
        }
        // Sent is sent, also if this server is asked to end meanwhile.
        if (sent.Delivered) await store.SentAsync(mail.Id, now, CancellationToken.None);
        else if (sent.IsFinal) await failures.GiveUpAsync(mail, sent.Message!, true, now);
        else
        {
            MailLog.NotPosted(log, mail.Id, sent.Message);
            await failures.LaterAsync(mail, sent.Message!, now);
        }
    }

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) MailLog.LookFailed(log, e.Message);
        else MailLog.Broken(log, e);
    }
}
