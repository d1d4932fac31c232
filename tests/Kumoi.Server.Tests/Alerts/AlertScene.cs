using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Alerts;
using Kumoi.Server.Alerts.Telling;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>The parts of a cloud that alerts are made of, led by a test at times of its own: the server's loop leaves them alone.</summary>
public static partial class AlertScene
{
    public static Database Database(this TestCloud cloud) => cloud.Services.GetRequiredService<Database>();

    /// <summary>Keeps the loop from looking, whose clock is another.</summary>
    public static Task LeadAlertsAsync(this TestCloud cloud) => cloud.Database().ExecuteAsync(
        "INSERT INTO leases (name, holder, until) VALUES ($1, 'test', clock_timestamp() + interval '1 day') ON CONFLICT (name) DO UPDATE SET holder = 'test', until = excluded.until", default, AlertLoop.Lease);

    public static Task WatchAsync(this TestCloud cloud, DateTimeOffset now) => cloud.Services.GetRequiredService<AlertWatch>().LookAsync(now, default);

    public static Task TellAsync(this TestCloud cloud, DateTimeOffset now) => cloud.Services.GetRequiredService<AlertTeller>().LookAsync(now, default);

    public static Task SendAsync(this TestCloud cloud, DateTimeOffset now) => cloud.Services.GetRequiredService<MailSender>().LookAsync(now, default);

    public static Task PostAsync(this TestCloud cloud, DateTimeOffset now) => cloud.Services.GetRequiredService<WebhookSender>().LookAsync(now, default);

    /// <summary>Everything that the loops do, at a time.</summary>
    public static async Task LookAsync(this TestCloud cloud, DateTimeOffset now)
    {
        await cloud.WatchAsync(now);
        await cloud.TellAsync(now);
        await cloud.SendAsync(now);
        await cloud.PostAsync(now);
    }

    /// <summary>A contact that has given the code from its mailbox.</summary>
    public static async Task<Contact> ContactAsync(this TestClient client, SmtpServer smtp, string address, string path = "/contacts", object? besides = null)
    {
        var body = new Dictionary<string, object?> { ["name"] = address.Split('@')[0], ["address"] = address };
        foreach (var property in besides?.GetType().GetProperties() ?? []) body[property.Name] = property.GetValue(besides);
        var contact = await client.PostAsync<Contact>(path, body);
        await smtp.ArrivedAsync(address, 1);
        return await client.PostAsync<Contact>($"{path}/{contact.Id}/verify", new { code = CodeIn(smtp.To(address)[^1].TextBody) });
    }

    public static string CodeIn(string text) => Code().Match(text).Value;

    [GeneratedRegex(@"\b[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{2}\b")]
    private static partial Regex Code();

    /// <summary>More rows like one that there is, with other values in some columns; <c>n</c> is the number of the row.</summary>
    public static async Task CopyAsync(this Database database, string table, string id, int count, params (string Column, string Expression)[] others)
    {
        var columns = await database.QueryAsync("SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position", row => row.GetString(0), default, table);
        var values = columns.Select(column => others.FirstOrDefault(other => other.Column == column).Expression ?? "r." + column);
        await database.ExecuteAsync($"INSERT INTO {table} ({string.Join(", ", columns)}) SELECT {string.Join(", ", values)} FROM {table} r, generate_series(1, {count}) n WHERE r.id = $1", default, id);
    }

    public static string Id(string prefix) => $"'{prefix}-' || lpad(to_hex(n), 17, '0')";
}
