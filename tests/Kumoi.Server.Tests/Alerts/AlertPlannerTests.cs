using Kumoi.Server.Alerts;
using Kumoi.Server.Events;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>What becomes of the alerts of a kind: by table.</summary>
public sealed class AlertPlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static Sighting Seen(string id, string severity = "warning", string arguments = "[]", string? account = null) => new(account, severity, new Subject("host", id, id), null, null, arguments);

    private static KnownAlert Known(string id, string state = "open", TimeSpan? seenAgo = null, TimeSpan? resolvedAgo = null, string arguments = "[]", string? account = null) =>
        new("alt-" + id, account, id, id, "warning", null, arguments, state, state == "acknowledged", 1, Now - (seenAgo ?? TimeSpan.Zero), resolvedAgo is { } ago ? Now - ago : null);

    [Fact]
    public void What_is_so_and_has_no_alert_gets_one_and_an_alert_without_a_reason_goes()
    {
        var plan = AlertPlanner.Plan([Seen("a"), Seen("a"), Seen("b")], [Known("b"), Known("c"), Known("d", "acknowledged")], Now);
        Assert.Equal(["a"], plan.Raise.Select(s => s.Subject.Id));
        Assert.Equal(["c", "d"], plan.Resolve.Select(a => a.ResourceId).Order());
        Assert.Empty(plan.Reopen);
        Assert.Empty(plan.Refresh);
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(11, false)]
    public void What_comes_back_within_ten_minutes_is_the_same_alert(int minutes, bool same)
    {
        var plan = AlertPlanner.Plan([Seen("a")], [Known("a", "resolved", resolvedAgo: TimeSpan.FromMinutes(minutes)), Known("a", "resolved", resolvedAgo: TimeSpan.FromMinutes(minutes + 20)) with { Id = "alt-older" }], Now);
        Assert.Equal(same ? ["alt-a"] : [], plan.Reopen.Select(r => r.Alert.Id));
        Assert.Equal(same ? 0 : 1, plan.Raise.Count);
        Assert.Empty(plan.Resolve);
    }

    [Fact]
    public void What_was_another_accounts_is_not_opened_again_for_this_one() =>
        Assert.Single(AlertPlanner.Plan([Seen("a", account: "a-2")], [Known("a", "resolved", resolvedAgo: TimeSpan.FromMinutes(1), account: "a-1")], Now).Raise);

    [Theory]
    [InlineData("warning", "[]", 10, false)]
    [InlineData("warning", "[]", 70, true)]
    [InlineData("critical", "[]", 0, true)]
    [InlineData("warning", "[\"81\"]", 10, false)]
    [InlineData("warning", "[\"81\"]", 40, true)]
    public void It_is_written_anew_when_it_matters_more_or_a_minute_is_over(string severity, string arguments, int seconds, bool refreshed) =>
        Assert.Equal(refreshed ? 1 : 0, AlertPlanner.Plan([Seen("a", severity, arguments)], [Known("a", seenAgo: TimeSpan.FromSeconds(seconds))], Now).Refresh.Count);
}
