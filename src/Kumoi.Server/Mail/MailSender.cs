using System.Net.Sockets;
using Kumoi.Reconcile;
using Kumoi.Server.Platform;
using MailKit;
using MailKit.Security;
using Npgsql;

namespace Kumoi.Server.Mail;

/// <summary>
/// Sends what is written in <c>mails</c> for contacts that get mail. Every server does; each message is taken by one. A server that is killed between the mail server's yes and writing it down lets the message be sent again, the same one.
/// </summary>
public sealed class MailSender(MailStore store, MailFailures failures, MailBell bell, ServerOptions options, TimeProvider clock, ILogger<MailSender> log) : BackgroundService
{
    // More for one look would be held longer than they are taken for, if the mail server is slow.
    private const int AtOnce = 20;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), LookLimit = TimeSpan.FromMinutes(4), TakenFor = TimeSpan.FromMinutes(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Smtp is null ? Task.CompletedTask : Resync.RunAsync(bell.Mails, Period, cancel => LookAsync(clock.GetUtcNow(), cancel), Broken, stoppingToken);

    /// <summary>Sends what is due, until there is no more.</summary>
    public async Task LookAsync(DateTimeOffset now, CancellationToken cancel)
    {
        if (options.Smtp is not { } smtp) return;
        while (await store.TakeAsync(NewMail.Email, AtOnce, TakenFor, now, cancel) is { Count: > 0 } mails)
        {
            using var late = new CancellationTokenSource(LookLimit, clock);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
            await SendAsync(smtp, new Queue<TakenMail>(mails), now, limit.Token);
            cancel.ThrowIfCancellationRequested();
        }
    }

    private async Task SendAsync(SmtpOptions smtp, Queue<TakenMail> mails, DateTimeOffset now, CancellationToken limit)
    {
        try
        {
            await using var door = await SmtpDoor.OpenAsync(smtp, limit);
            while (!door.IsOver && mails.TryPeek(out var mail))
            {
                try
                {
                    await door.SendAsync(mail, limit);
                    // Sent is sent, also if this server is asked to end meanwhile.
                    await store.SentAsync(mail.Id, now, CancellationToken.None);
                }
                catch (Exception e) when (SmtpDoor.IsFinal(e))
                {
                    await failures.GiveUpAsync(mail, e.Message, true, now);
                }
                catch (Exception e) when (e is CommandException)
                {
                    MailLog.NotSent(log, mail.Id, e.Message);
                    await failures.LaterAsync(mail, e.Message, now);
                }
                mails.Dequeue();
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ProtocolException or CommandException or SslHandshakeException or AuthenticationException or NotSupportedException or UnauthorizedAccessException or OperationCanceledException)
        {
            MailLog.ServerAway(log, smtp.Host, smtp.Port, e.Message);
        }
        finally
        {
            // What was not come to; of one that broke off in the middle nobody knows, and it is sent again.
            foreach (var mail in mails) await failures.LaterAsync(mail, "", now);
        }
    }

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) MailLog.LookFailed(log, e.Message);
        else MailLog.Broken(log, e);
    }
}

internal static partial class MailLog
{
    [LoggerMessage(9911, LogLevel.Warning, "The mail server {Host}:{Port} does not take messages now; they are kept, and tried again: {Message}")]
    public static partial void ServerAway(ILogger logger, string host, int port, string message);

    [LoggerMessage(9912, LogLevel.Warning, "Message {Mail} was not taken by the mail server, and is tried again: {Message}")]
    public static partial void NotSent(ILogger logger, string mail, string message);

    [LoggerMessage(9913, LogLevel.Warning, "Messages that wait to be sent could not be read; the next try is in five seconds: {Message}")]
    public static partial void LookFailed(ILogger logger, string message);

    [LoggerMessage(9915, LogLevel.Warning, "Message {Mail} was not taken by the webhook, and is tried again: {Message}")]
    public static partial void NotPosted(ILogger logger, string mail, string? message);

    [LoggerMessage(9914, LogLevel.Error, "Sending messages met an error in the server")]
    public static partial void Broken(ILogger logger, Exception e);
}

public static class MailParts
{
    public static IServiceCollection AddMail(this IServiceCollection services) => services.AddSingleton<MailBell>().AddSingleton<MailStore>().AddSingleton<MailFailures>().AddLoop<MailSender>().AddLoop<WebhookSender>();
}
