using Kumoi.Server.Alerts;
using Kumoi.Server.Alerts.Telling;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>Goal: everything that matters is told, once. Method: what a contact knows and what is so, by table.</summary>
public sealed class DigestTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static TellableAlert Alert(string id, string severity = "warning", string kind = "host.unreachable", string state = "open", int count = 1, int raisedMinutesAgo = 60, int? resolvedMinutesAgo = null, string? told = null, string? toldSeverity = null, double toldHoursAgo = 0.5) =>
        new("alt-" + id, kind, severity, "host", id, id, null, null, ["3"], resolvedMinutesAgo is null ? state : "resolved", count, Now.AddMinutes(-raisedMinutesAgo), resolvedMinutesAgo is { } ago ? Now.AddMinutes(-ago) : null,
            told, told is null ? null : toldSeverity ?? severity, told is null ? null : Now.AddHours(-toldHoursAgo));

    private static Digest? Of(params TellableAlert[] alerts) => Digests.Of(alerts, Severities.Warning, Now);

    [Fact]
    public void The_first_news_waits_for_company_and_takes_all_of_it_along()
    {
        var young = Alert("a", raisedMinutesAgo: 0);
        Assert.Null(Of(young));
        Assert.Equal(["a", "b"], Of(young, Alert("b"))!.Fresh.Select(a => a.ResourceId));
    }

    [Fact]
    public void What_was_told_is_not_told_again_unless_it_has_become_worse()
    {
        Assert.Null(Of(Alert("a", told: "open")));
        Assert.Single(Of(Alert("a", "critical", told: "open", toldSeverity: "warning"))!.Fresh);
        Assert.Null(Of(Alert("a", "warning", told: "open", toldSeverity: "critical")));
    }

    [Fact]
    public void What_is_too_small_for_the_contact_or_looked_after_is_not_told()
    {
        Assert.Null(Of(Alert("a", "info")));
        Assert.Null(Of(Alert("a", "critical", state: "acknowledged")));
        Assert.NotNull(Digests.Of([Alert("a", "info")], Severities.Info, Now));
    }

    [Theory]
    [InlineData("critical", "open", 23, false)]
    [InlineData("critical", "open", 24, true)]
    [InlineData("critical", "acknowledged", 48, false)]
    [InlineData("warning", "open", 48, false)]
    public void Once_a_day_it_is_reminded_of_what_is_critical_and_nobody_looks_after(string severity, string state, int hours, bool reminded)
    {
        var digest = Of(Alert("a", severity, state: state, told: "open", toldHoursAgo: hours), Alert("b", "critical", told: "open", toldHoursAgo: 1), Alert("c", told: "open"));
        Assert.Equal(reminded, digest is not null);
        // Reminders fall together from then on.
        if (digest is not null) Assert.Equal("a, b; 1", $"{string.Join(", ", digest.Reminded.Select(a => a.ResourceId))}; {digest.Standing}");
    }

    [Fact]
    public void That_something_is_over_is_told_when_nothing_as_bad_is_left()
    {
        var over = Alert("a", "critical", resolvedMinutesAgo: 1, told: "open");
        Assert.Null(Of(over, Alert("b", "critical", told: "open")));
        Assert.Single(Of(over, Alert("b", "warning", told: "open"))!.Over);
        Assert.Single(Of(over, Alert("b", "critical", state: "acknowledged", told: "open"))!.Over);
        // It goes along with other news in any case.
        var digest = Of(over, Alert("b", "critical"))!;
        Assert.Equal(("a", "b"), (digest.Over[0].ResourceId, digest.Fresh[0].ResourceId));
        Assert.Equal([("alt-b", "open"), ("alt-a", "resolved")], digest.Tellings.Select(t => (t.AlertId, t.State)));
    }

    [Fact]
    public void A_host_that_is_down_instead_of_unreachable_has_not_come_back()
    {
        var digest = Of(Alert("h", resolvedMinutesAgo: 1, told: "open"), Alert("h", "critical", "host.down", raisedMinutesAgo: 1) with { Id = "alt-down" })!;
        Assert.Empty(digest.Over);
        Assert.Equal(["open", "resolved"], digest.Tellings.Select(t => t.State));
    }

    [Fact]
    public void What_comes_and_goes_is_over_once_it_stays_away()
    {
        Assert.Null(Of(Alert("a", count: 7, resolvedMinutesAgo: 9, told: "open")));
        Assert.Single(Of(Alert("a", count: 7, resolvedMinutesAgo: 10, told: "open"))!.Over);
    }

    [Fact]
    public void What_passed_before_it_could_be_told_is_told_afterwards_unless_it_was_a_moment()
    {
        Assert.Single(Of(Alert("a", raisedMinutesAgo: 20, resolvedMinutesAgo: 10))!.Passed);
        // It may come back.
        Assert.Null(Of(Alert("a", raisedMinutesAgo: 20, resolvedMinutesAgo: 9)));
        Assert.Null(Of(Alert("a", raisedMinutesAgo: 20, resolvedMinutesAgo: 20)));
    }

    [Theory]
    [InlineData("en")]
    [InlineData("ja")]
    public void Each_kind_has_words_in_each_language_and_names_cannot_break_them(string language)
    {
        const string name = "web{0}\r\nBcc: all@example.org";
        foreach (var kind in AlertKinds.Names)
        {
            string[] arguments = [AlertText.NounMark + "quota.instances", AlertText.ConditionMark + "process-lost" + AlertText.ConditionMark + "x", AlertText.NounMark + "no-such-word", "4"];
            var texts = new[] { AlertText.Message(language, kind, name, arguments), AlertText.Message(language, kind, name, []), AlertText.Action(language, kind, name), AlertText.Many(language, kind) };
            Assert.All(texts, text => Assert.DoesNotContain(text, char.IsControl));
            var alert = Alert(name, "critical", kind) with { Arguments = arguments, ResourceName = name };
            var reader = new DigestReader(language, "kumoi", "acme", "ops", "kumoi contact delete ct-1", "kumoi alert list");
            var (subject, body) = DigestText.Of(Of(alert)!, new Dictionary<string, Following> { [name] = new(7, [name, "b", "c", "d", "e"]) }, reader);
            Assert.DoesNotContain(subject, char.IsControl);
            Assert.DoesNotContain(body.Replace("\n", "", StringComparison.Ordinal), char.IsControl);
            Assert.Contains("web{0}", subject + body, StringComparison.Ordinal);
        }
        Assert.False(string.IsNullOrEmpty(AlertText.Message(language, "kind.of-a-later-version", "x", [])));
    }

    [Fact]
    public void Thousands_are_a_sum_and_the_worst_of_them()
    {
        var alerts = Enumerable.Range(0, 2000).Select(i => Alert($"i-{i:d4}", kind: "instance.unreachable") with { CauseId = $"h-{i / 10:d3}", CauseName = $"host-{i / 10:d3}", Arguments = ["h"] }).Append(Alert("quota", kind: "quota.near")).ToArray();
        var (subject, body) = DigestText.Of(Of(alerts)!, new Dictionary<string, Following>(), new DigestReader("en", "kumoi", "acme", "ops", "-", "-"));
        Assert.Equal("[kumoi] 2001 new alerts, 0 of them critical", subject);
        Assert.Contains("2000  instances on hosts that do not answer", body, StringComparison.Ordinal);
        Assert.Contains("10 for the same reason (host-000): i-0000, i-0001, i-0002, i-0003, i-0004 and 5 more", body, StringComparison.Ordinal);
        Assert.True(body.Length < 10_000, $"{body.Length} characters");
    }
}
