using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>Goal: whatever happens, contacts get few messages, none is lost, and what may come twice is known for one. Method: the parts are led through times of the test's own, over a real mail server.</summary>
public sealed class AlertTellingTests
{
    private static async Task<Scene> SceneAsync(SmtpServer smtp)
    {
        var scene = await Scene.StartAsync(memoryMib: 1 << 20, configure: options => options with { HeartbeatSeconds = 60, Smtp = smtp.Options });
        await scene.Cloud.LeadAlertsAsync();
        await scene.Host.ReportAsync();
        return scene;
    }

    private static Task SetAsync(TestCloud cloud, string state) => cloud.Database().ExecuteAsync("UPDATE hosts SET state = $1, heard_at = clock_timestamp() WHERE name = 'host-1'", default, state);

    [Fact]
    public async Task Two_hundred_hosts_with_two_thousand_instances_are_one_message()
    {
        const int hosts = 200, each = 10;
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        var (cloud, db) = (scene.Cloud, scene.Cloud.Database());
        await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts", new { intervalMinutes = 1 });
        await scene.Tenant.ContactAsync(smtp, "owner@example.net", besides: new { intervalMinutes = 1, language = "ja" });
        var instance = await scene.LaunchAsync("web");
        await scene.Host.ObeyAsync();
        await db.CopyAsync("hosts", instance.Host.Id, hosts, ("id", AlertScene.Id("h")), ("name", "'rack-' || lpad(n::text, 3, '0')"), ("certificate_serial", "'serial-' || n"), ("allocated_vcpus", "0"));
        await db.CopyAsync("instances", instance.Id, hosts * each, ("id", AlertScene.Id("i")), ("name", "'web-' || lpad(n::text, 4, '0')"), ("host_id", $"'h-' || lpad(to_hex(1 + n % {hosts}), 17, '0')"));
        await db.ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - interval '240 seconds' WHERE name LIKE 'rack-%'", default);
        await cloud.Services.GetRequiredService<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);

        var now = DateTimeOffset.UtcNow;
        for (var seconds = 0; seconds <= 20 * 60; seconds += seconds < 60 ? 10 : 120) await cloud.LookAsync(now.AddSeconds(seconds));
        Assert.Equal(hosts, await db.FindAsync("SELECT count(*) FROM alerts WHERE account_id IS NULL", row => row.GetInt64(0), default));
        Assert.Equal(hosts * each, await db.FindAsync("SELECT count(*) FROM alerts WHERE account_id IS NOT NULL", row => row.GetInt64(0), default));
        Assert.Equal(hosts * (each + 1), await db.FindAsync("SELECT count(*) FROM events WHERE action = 'alert.raise'", row => row.GetInt64(0), default));
        // The first to each is the code.
        var (operators, owner) = (smtp.To("ops@example.net").Skip(1).ToList(), smtp.To("owner@example.net").Skip(1).ToList());
        var told = Assert.Single(operators);
        Assert.Equal($"[kumoi] {hosts} new alerts, 0 of them critical", told.Subject);
        Assert.Contains($"   {hosts}  hosts that do not answer", told.TextBody, StringComparison.Ordinal);
        Assert.Contains($"With it {each} instances: web-0", told.TextBody, StringComparison.Ordinal);
        Assert.Contains("… and 175 more.", told.TextBody, StringComparison.Ordinal);
        Assert.Equal($"[kumoi] 新しいアラート {hosts * each} 件 (重大 0 件)", Assert.Single(owner).Subject);
        Assert.Contains($"  {hosts * each}  応答しないホスト上のインスタンス", owner[0].TextBody, StringComparison.Ordinal);

        // They come back, all together: one message again.
        await db.ExecuteAsync("UPDATE hosts SET state = 'up', heard_at = clock_timestamp() WHERE name LIKE 'rack-%'", default);
        for (var minutes = 25; minutes <= 40; minutes += 5) await cloud.LookAsync(now.AddMinutes(minutes));
        Assert.Equal($"[kumoi] {hosts} alerts are over", smtp.To("ops@example.net")[^1].Subject);
        Assert.Equal((3, 3), (smtp.To("ops@example.net").Count, smtp.To("owner@example.net").Count));
    }

    [Fact]
    public async Task Fifty_flaps_are_one_alert_and_two_messages()
    {
        const int flaps = 50;
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts", new { intervalMinutes = 1 });
        var now = DateTimeOffset.UtcNow;
        for (var flap = 0; flap < flaps; flap++)
        {
            await SetAsync(scene.Cloud, "unreachable");
            await scene.Cloud.LookAsync(now = now.AddSeconds(45));
            await SetAsync(scene.Cloud, "up");
            await scene.Cloud.LookAsync(now = now.AddSeconds(45));
        }
        var alert = Assert.Single((await scene.Admin.GetAsync<Page<Alert>>("/cloud-alerts")).Items);
        Assert.Equal(("resolved", flaps), (alert.State, alert.Count));
        Assert.Equal(2, smtp.Messages.Count);
        for (var minutes = 0; minutes < 30; minutes += 3) await scene.Cloud.LookAsync(now = now.AddMinutes(3));
        Assert.Equal(3, smtp.Messages.Count);
        Assert.StartsWith("[kumoi] Over: Host host-1", smtp.Messages[2].Subject, StringComparison.Ordinal);
        Assert.Contains($"({flaps} times)", smtp.Messages[2].TextBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_critical_is_reminded_of_each_day_until_somebody_looks_after_it()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts");
        await scene.Cloud.Database().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = clock_timestamp(), fenced_by = 'operator'", default);
        var now = DateTimeOffset.UtcNow;
        for (var hour = 0; hour <= 72; hour += 4) await scene.Cloud.LookAsync(now.AddHours(hour));
        Assert.Equal(["Critical: Host host-1 is down. It had 0 instances.", .. Enumerable.Repeat("Reminder: 1 critical alerts that nobody looks after", 2)], smtp.Messages.Skip(1).Select(m => m.Subject["[kumoi] ".Length..]));
        await scene.Admin.PostAsync<Alert>($"/cloud-alerts/{(await scene.Admin.GetAsync<Page<Alert>>("/cloud-alerts")).Items[0].Id}/acknowledge", new { });
        for (var hour = 76; hour <= 130; hour += 4) await scene.Cloud.LookAsync(now.AddHours(hour));
        Assert.Equal(4, smtp.Messages.Count);
    }

    [Fact]
    public async Task Two_servers_send_each_message_once()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        await using var second = await TestCloud.StartAsync(options => scene.Cloud.Options with { Listen = options.Listen, AgentListen = options.AgentListen, AgentUrl = options.AgentUrl });
        var one = await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts", new { intervalMinutes = 1 });
        await scene.Cloud.Database().CopyAsync("contacts", one.Id, 30, ("id", AlertScene.Id("ct")), ("name", "'n' || n"), ("address", "'ops' || n || '@example.net'"));
        var now = DateTimeOffset.UtcNow;
        foreach (var (state, minutes) in new[] { ("unreachable", 0), ("up", 3), ("unreachable", 30), ("up", 40) })
        {
            await SetAsync(scene.Cloud, state);
            foreach (var later in new[] { minutes, minutes + 1, minutes + 2 })
                await Task.WhenAll(Enumerable.Range(0, 4).Select(i => (i % 2 == 0 ? scene.Cloud : second).LookAsync(now.AddMinutes(later))));
        }
        foreach (var address in Enumerable.Range(1, 30).Select(n => $"ops{n}@example.net").Append("ops@example.net"))
        {
            var subjects = smtp.To(address).Select(m => m.Subject).Where(s => !s.Contains("Code", StringComparison.Ordinal)).ToList();
            Assert.Equal(4, subjects.Count);
            Assert.Equal([false, true, false, true], subjects.Select(s => s.Contains("Over", StringComparison.Ordinal)));
        }
        Assert.Equal(smtp.Messages.Count, smtp.Messages.Select(m => m.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task A_message_that_may_have_arrived_is_sent_again_as_the_same_one()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        // The mail server hangs up when it has the message, before it says so.
        await scene.Admin.PostAsync<Contact>("/cloud-contacts", new { name = "cut", address = "cut@example.net" });
        await smtp.ArrivedAsync("cut@example.net", 1);
        await Wait.UntilAsync(() => scene.Cloud.Database().FindAsync("SELECT taken_until IS NULL AND sent_at IS NULL FROM mails", row => row.GetBoolean(0), default), what: "it counts as not sent");
        await scene.Cloud.SendAsync(DateTimeOffset.UtcNow.AddMinutes(2));
        Assert.Equal(2, smtp.Messages.Count);
        Assert.Single(smtp.Messages.Select(m => m.MessageId).Distinct());
        // One that is not taken now comes later.
        await scene.Admin.PostAsync<Contact>("/cloud-contacts", new { name = "later", address = "later@example.net" });
        await Wait.UntilAsync(() => scene.Cloud.Database().FindAsync("SELECT attempts = 1 AND taken_until IS NULL FROM mails WHERE address LIKE 'later@%'", row => row.GetBoolean(0), default), what: "it was tried");
        await scene.Cloud.SendAsync(DateTimeOffset.UtcNow.AddMinutes(2));
        Assert.Single(smtp.To("later@example.net"));
    }

    [Fact]
    public async Task What_a_killed_server_had_taken_another_sends_and_what_was_never_taken_is_told_anew()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        var (cloud, db) = (scene.Cloud, scene.Cloud.Database());
        await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts", new { intervalMinutes = 1 });
        await SetAsync(cloud, "unreachable");
        var now = DateTimeOffset.UtcNow;
        await cloud.WatchAsync(now);
        await cloud.TellAsync(now = now.AddMinutes(1));
        Assert.Single(await cloud.Services.GetRequiredService<MailStore>().TakeAsync(NewMail.Email, 20, TimeSpan.FromMinutes(5), now, default));
        await cloud.SendAsync(now);
        await cloud.TellAsync(now.AddMinutes(10));
        Assert.Single(smtp.Messages);
        await db.ExecuteAsync("UPDATE mails SET taken_until = clock_timestamp() - interval '1 second' WHERE sent_at IS NULL", default);
        await cloud.SendAsync(now);
        Assert.Equal(2, smtp.Messages.Count);

        // The mail server is away for more than a day: what it was to be told is told by a new message, as it is then.
        await smtp.StopAsync();
        await SetAsync(cloud, "up");
        for (var hour = 1; hour <= 26; hour++) await cloud.LookAsync(now.AddHours(hour));
        Assert.Equal(1, await db.FindAsync("SELECT count(*) FROM mails WHERE failed_at IS NOT NULL", row => row.GetInt64(0), default));
        await smtp.StartAgainAsync();
        await cloud.LookAsync(now.AddHours(28));
        Assert.Equal(3, smtp.Messages.Count);
        Assert.StartsWith("[kumoi] Over:", smtp.Messages[2].Subject, StringComparison.Ordinal);
        await cloud.LookAsync(now.AddHours(30));
        Assert.Equal(3, smtp.Messages.Count);
    }

    [Fact]
    public async Task An_address_that_is_refused_again_and_again_is_told_nothing_any_more()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var scene = await SceneAsync(smtp);
        var (cloud, db) = (scene.Cloud, scene.Cloud.Database());
        var contact = await scene.Admin.ContactAsync(smtp, "ops@example.net", "/cloud-contacts", new { intervalMinutes = 1 });
        await db.ExecuteAsync("UPDATE contacts SET address = 'nobody@example.net'", default);
        await SetAsync(cloud, "unreachable");
        var now = DateTimeOffset.UtcNow;
        for (var minutes = 0; minutes < 20; minutes++) await cloud.LookAsync(now.AddMinutes(minutes));
        var refused = await scene.Admin.GetAsync<Contact>($"/cloud-contacts/{contact.Id}");
        Assert.Equal("refused", refused.State);
        Assert.Contains("no such mailbox", refused.LastError, StringComparison.Ordinal);
        Assert.Equal(3, await db.FindAsync("SELECT count(*) FROM mails WHERE purpose = 'alerts'", row => row.GetInt64(0), default));
        Assert.Single((await scene.Admin.GetAsync<Page<Event>>("/events?action=contact.refuse")).Items);
        // Its owner sets it right and gives a new code: what stands is told then.
        await db.ExecuteAsync("UPDATE contacts SET address = 'ops@example.net'", default);
        await scene.Admin.PostAsync<Contact>($"/cloud-contacts/{contact.Id}/send-code");
        await smtp.ArrivedAsync("ops@example.net", 2);
        await scene.Admin.PostAsync<Contact>($"/cloud-contacts/{contact.Id}/verify", new { code = AlertScene.CodeIn(smtp.To("ops@example.net")[^1].TextBody) });
        await cloud.LookAsync(now.AddMinutes(40));
        Assert.Equal("[kumoi] Warning: Host host-1 does not answer. It has 0 instances, which may well be running.", smtp.To("ops@example.net")[^1].Subject);
    }
}
