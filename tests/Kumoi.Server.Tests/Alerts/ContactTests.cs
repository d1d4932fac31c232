using Kumoi.Api;
using Kumoi.Server.Mail;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>Contacts, over a real mail server with TLS and authentication.</summary>
public sealed class ContactTests
{
    private static Task<TestCloud> CloudAsync(SmtpServer smtp) => TestCloud.StartAsync(options => options with { Smtp = smtp.Options });

    [Fact]
    public async Task A_contact_is_told_nothing_until_its_code_has_come_back()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var cloud = await CloudAsync(smtp);
        await cloud.LeadAlertsAsync();
        var (tenant, other) = (await cloud.TenantAsync("acme"), await cloud.TenantAsync("other"));
        var contact = await tenant.PostAsync<Contact>("/contacts", new { name = "ops", address = "ops@example.net", kinds = new[] { "quota.near" }, language = "ja" });
        Assert.Equal(("pending", "warning", 5, "ja", "email"), (contact.State, contact.MinimumSeverity, contact.IntervalMinutes, contact.Language, contact.Kind));
        Assert.Equal("contact-unsigned", (await tenant.FailAsync(409, HttpMethod.Post, "/contacts/ops/rotate-secret", new { })).Code);
        await smtp.ArrivedAsync("ops@example.net", 1);
        var mail = smtp.To("ops@example.net")[0];
        Assert.Equal("[kumoi] アラート通知の確認コード", mail.Subject);
        // On the wire headers are ASCII, and say that it comes from a machine.
        var headers = smtp.Raw[0].ReplaceLineEndings("\n").Split("\n\n", 2)[0];
        Assert.True(headers.All(char.IsAscii));
        Assert.Contains("=?utf-8?", headers, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("auto-generated", mail.AutoSubmitted);
        Assert.EndsWith("@example.org", mail.MessageId, StringComparison.Ordinal);
        Assert.Contains("acme", mail.TextBody, StringComparison.Ordinal);
        Assert.Contains(contact.Id, mail.TextBody, StringComparison.Ordinal);
        var code = AlertScene.CodeIn(mail.TextBody);

        await (await cloud.LoginAsync()).PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["networks"] = 1 } });
        await cloud.LookAsync(DateTimeOffset.UtcNow);
        await cloud.LookAsync(DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Single(smtp.Messages);

        Assert.Equal("contact-code", Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts/ops/verify", new { code = "WRONG-WRONG-WRONG-WR" })).Errors!).Rule);
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[] { (HttpMethod.Get, "", null), (HttpMethod.Put, "", new { }), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/verify", new { code }), (HttpMethod.Post, "/send-code", null) })
            foreach (var key in new[] { contact.Id, "ops" }) Assert.Equal("not-found", (await other.FailAsync(404, method, $"/contacts/{key}{path}", body)).Code);
        Assert.Equal("forbidden", (await tenant.FailAsync(403, HttpMethod.Get, "/cloud-contacts")).Code);
        // However it was copied.
        Assert.Equal("verified", (await tenant.PostAsync<Contact>("/contacts/ops/verify", new { code = " " + code.ToLowerInvariant().Replace("-", "", StringComparison.Ordinal) + "\n" })).State);
        Assert.Equal("contact-verified", (await tenant.FailAsync(409, HttpMethod.Post, "/contacts/ops/send-code")).Code);
        await cloud.LookAsync(DateTimeOffset.UtcNow.AddMinutes(1));
        await smtp.ArrivedAsync("ops@example.net", 2);
        Assert.Contains("警告: acme の", smtp.Messages[1].Subject, StringComparison.Ordinal);
        Assert.Equal(["contact.verify", "contact.create"], (await tenant.GetAsync<Page<Event>>("/events?resource=ops")).Items.Select(e => e.Action));
        Assert.NotNull((await tenant.GetAsync<Contact>("/contacts/ops")).ToldAt);
        Assert.DoesNotContain(code, await cloud.Database().FindAsync("SELECT string_agg(c::text, '') || coalesce((SELECT string_agg(m::text, '') FROM mails m), '') FROM contacts c", row => row.GetString(0), default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said_and_what_is_changed_stays()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var cloud = await CloudAsync(smtp);
        var tenant = await cloud.TenantAsync("acme");
        foreach (var (body, field, rule) in new (object, string, string)[]
        {
            (new { name = "", address = "a@example.net" }, "name", "required"), (new { name = "a", address = "a@example.net", kind = "fax" }, "kind", "one-of"), (new { name = "a", address = "a@example.net", minimumSeverity = "bad" }, "minimumSeverity", "one-of"),
            (new { name = "a", address = "a@example.net", kinds = new[] { "host.down", "bad" } }, "kinds[1]", "one-of"), (new { name = "a", address = "a@example.net", language = "fr" }, "language", "one-of"), (new { name = "a", address = "a@example.net", intervalMinutes = 0 }, "intervalMinutes", "between"),
        })
        {
            var error = Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts", body)).Errors!);
            Assert.Equal((field, rule), (error.Field, error.Rule));
        }
        foreach (var address in new[] { "", "a", "a@", "@example.net", "a@b", "a b@example.net", "a@example.net\r\nBcc: b@example.net", "a@example.net>\r\nRCPT TO:<b@example.net", "<a@example.net>", "a@example.net,b@example.net", "\"a\"@example.net", "a@[127.0.0.1]", "a@127.0.0.1", "あ@example.net", "a@例え.jp", ".a@example.net", "a@-x.net", new string('a', 65) + "@example.net" })
            Assert.Equal("email-address", Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts", new { name = "a", address })).Errors!).Rule);
        await tenant.PostAsync<Contact>("/contacts", new { name = "a", address = "a+tag@mail.example.net" });
        await tenant.PostAsync<Contact>("/contacts", new { name = "b", address = "b@example.net" });
        Assert.Equal("name-taken", (await tenant.FailAsync(409, HttpMethod.Post, "/contacts", new { name = "a", address = "c@example.net" })).Code);
        Assert.Equal("name-taken", (await tenant.FailAsync(409, HttpMethod.Put, "/contacts/a", new { name = "b" })).Code);
        var updated = await tenant.PutAsync<Contact>("/contacts/a", new { name = "c", minimumSeverity = "critical", kinds = new[] { "quota.near", "quota.near" }, language = "ja", intervalMinutes = 60 });
        Assert.Equal(("c", "critical", "quota.near", "ja", 60), (updated.Name, updated.MinimumSeverity, Assert.Single(updated.Kinds), updated.Language, updated.IntervalMinutes));
        Assert.Equal(updated.IntervalMinutes, (await tenant.PutAsync<Contact>("/contacts/c", new { })).IntervalMinutes);
        Assert.Equal(["c", "b"], (await tenant.GetAsync<Page<Contact>>("/contacts")).Items.Select(c => c.Name));
        Assert.Equal(204, (int)(await tenant.SendAsync(HttpMethod.Delete, "/contacts/c")).StatusCode);
        Assert.Equal("not-found", (await tenant.FailAsync(404, HttpMethod.Get, "/contacts/c")).Code);
        await cloud.Database().CopyAsync("contacts", (await tenant.GetAsync<Contact>("/contacts/b")).Id, 19, ("id", AlertScene.Id("ct")), ("name", "'n' || n"));
        Assert.Equal("too-many-contacts", (await tenant.FailAsync(409, HttpMethod.Post, "/contacts", new { name = "more", address = "d@example.net" })).Code);
        Assert.Equal(2, (await tenant.GetAsync<Page<Event>>("/events?resource=b")).Items.Count(e => e.Action == "contact.create") + (await tenant.GetAsync<Page<Event>>("/events?resource=a")).Items.Count(e => e.Action == "contact.create"));
        await using var without = await TestCloud.StartAsync();
        Assert.Equal("no-mail-server", (await (await without.LoginAsync()).FailAsync(409, HttpMethod.Post, "/cloud-contacts", new { name = "a", address = "a@example.net" })).Code);
    }

    [Fact]
    public async Task Nobody_is_flooded_with_codes_and_nobody_guesses_one()
    {
        await using var smtp = await SmtpServer.StartAsync();
        await using var cloud = await CloudAsync(smtp);
        var (tenant, other) = (await cloud.TenantAsync("acme"), await cloud.TenantAsync("other"));
        var contact = await tenant.PostAsync<Contact>("/contacts", new { name = "a", address = "victim@example.net" });
        await smtp.ArrivedAsync("victim@example.net", 1);
        var code = AlertScene.CodeIn(smtp.Messages[0].TextBody);
        for (var i = 0; i < 10; i++) await tenant.FailAsync(400, HttpMethod.Post, "/contacts/a/verify", new { code = "AAAAA-AAAAA-AAAAA-AA" });
        Assert.Equal("contact-code", Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts/a/verify", new { code })).Errors!).Rule);
        // The address is one, whoever writes to it and however it is written.
        await tenant.SendAsync(HttpMethod.Delete, "/contacts/a");
        await tenant.PostAsync<Contact>("/contacts", new { name = "a", address = "Victim@example.net" });
        await other.PostAsync<Contact>("/contacts", new { name = "a", address = "victim@example.net" });
        using (var refused = await other.SendAsync(HttpMethod.Post, "/contacts/a/send-code"))
        {
            Assert.Equal(429, (int)refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalMinutes, 1, 60);
        }
        Assert.Equal("too-many-codes", (await tenant.FailAsync(429, HttpMethod.Post, "/contacts", new { name = "b", address = "victim@example.net" })).Code);
        Assert.Equal(["a"], (await tenant.GetAsync<Page<Contact>>("/contacts")).Items.Select(c => c.Name));
        // A new code puts an end to the old one, and is good.
        await cloud.Database().ExecuteAsync("UPDATE mails SET created_at = created_at - interval '2 hours'", default);
        await other.PostAsync<Contact>("/contacts/a/send-code");
        await smtp.ArrivedAsync("victim@example.net", 3);
        var mails = smtp.To("victim@example.net");
        Assert.Equal("contact-code", Assert.Single((await other.FailAsync(400, HttpMethod.Post, "/contacts/a/verify", new { code = AlertScene.CodeIn(mails[^2].TextBody) })).Errors!).Rule);
        await cloud.Database().ExecuteAsync("UPDATE contacts SET code_until = now()", default);
        Assert.Equal("contact-code", Assert.Single((await other.FailAsync(400, HttpMethod.Post, "/contacts/a/verify", new { code = AlertScene.CodeIn(mails[^1].TextBody) })).Errors!).Rule);
        await cloud.Database().ExecuteAsync("UPDATE contacts SET code_until = now() + interval '1 hour'", default);
        Assert.Equal("verified", (await other.PostAsync<Contact>("/contacts/a/verify", new { code = AlertScene.CodeIn(mails[^1].TextBody) })).State);
    }

    [Theory]
    [InlineData(SmtpOptions.StartTls)]
    [InlineData(SmtpOptions.ImplicitTls)]
    [InlineData(SmtpOptions.NoTls)]
    public async Task Each_way_to_the_mail_server_works(string tls)
    {
        await using var smtp = await SmtpServer.StartAsync(tls);
        await using var cloud = await CloudAsync(smtp);
        Assert.Equal("verified", (await (await cloud.LoginAsync()).ContactAsync(smtp, "ops@example.net", "/cloud-contacts")).State);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("authority")]
    [InlineData("password")]
    [InlineData("no-tls")]
    public async Task Nothing_is_handed_to_a_mail_server_that_is_not_the_right_one(string wrong)
    {
        await using var smtp = await SmtpServer.StartAsync(wrong == "no-tls" ? SmtpOptions.NoTls : SmtpOptions.StartTls, wrong == "password" ? "another" : SmtpServer.Password, wrong == "name" ? "mail.example.com" : "127.0.0.1");
        var options = wrong == "no-tls" ? smtp.Options with { Tls = SmtpOptions.StartTls } : wrong == "authority" ? smtp.Options with { AuthorityFile = null } : smtp.Options;
        await using var cloud = await TestCloud.StartAsync(o => o with { Smtp = options });
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<Contact>("/contacts", new { name = "a", address = "a@example.net" });
        await Wait.UntilAsync(() => cloud.Database().FindAsync("SELECT attempts >= 1 AND taken_until IS NULL AND sent_at IS NULL FROM mails", row => row.GetBoolean(0), default), what: "it was tried");
        Assert.Empty(smtp.Messages);
        Assert.Null((await tenant.GetAsync<Contact>("/contacts/a")).LastError);
    }

    [Fact]
    public void Options_that_cannot_be_are_refused()
    {
        var good = new SmtpOptions("mail.example.org", 587, "starttls", null, null, "cloud@example.org", null);
        Assert.Empty(good.Validate());
        foreach (var bad in new[] { good with { Host = "a b" }, good with { Port = 0 }, good with { Tls = "perhaps" }, good with { From = "Kumoi <cloud@example.org>" }, good with { User = "u" }, good with { PasswordFile = "/etc/hostname" }, good with { Tls = "none", User = "u", PasswordFile = "/etc/hostname" }, good with { AuthorityFile = "/nowhere" } })
            Assert.Single(bad.Validate());
        Assert.Empty((good with { Host = "127.0.0.1", Tls = "none", User = "u", PasswordFile = "/etc/hostname" }).Validate());
    }
}
