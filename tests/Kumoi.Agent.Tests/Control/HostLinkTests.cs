using Kumoi.Agent.Control;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Control;

/// <summary>The way to several servers, over real TLS on the loopback.</summary>
public sealed class HostLinkTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly HostFacts Facts = new("host1", "127.0.0.1", "1", "simulated", "simulated", "", 1, 1, 1, "boot");
    private static readonly ObservedReport Report = new(false, 0, Facts, [], [], []);

    [Fact]
    public async Task A_failed_server_is_left_for_another_and_the_list_outlives_the_agent()
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var two = await one.StartAnotherAsync();
        foreach (var server in new[] { one, two }) server.Set(Document(one, two));
        using (var link = await ConnectAsync(machine, one))
        {
            Assert.Equal(1, (await link.DesiredAsync(-1, default))!.Revision);
            one.Away = true;
            await Assert.ThrowsAsync<IOException>(() => link.ReportAsync(Report, default));
            await link.ReportAsync(Report, default);
            Assert.Single(two.Reports);
            one.Away = false;
            for (var times = 0; times < 5; times++) await link.ReportAsync(Report, default);
            Assert.Equal(6, two.Reports.Count);
        }
        // A successor knows the other without having heard of it, and without the first being there.
        one.Away = true;
        using var next = await ConnectAsync(machine, one);
        await Wait.ForAsync("an answer of the other", async () =>
        {
            try
            {
                await next.ReportAsync(Report, default);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }, Soon);
        Assert.Equal(7, two.Reports.Count);
    }

    [Fact]
    public async Task A_question_held_by_a_server_that_fails_is_given_up_for_another()
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var two = await one.StartAnotherAsync();
        foreach (var server in new[] { one, two }) server.Set(Document(one, two));
        using var link = await ConnectAsync(machine, one);
        await link.DesiredAsync(-1, default);
        var asked = one.Requests;
        var held = link.DesiredAsync(1, default);
        await Wait.ForAsync("the question", () => one.Requests > asked, Soon);
        one.Away = true;
        await Assert.ThrowsAsync<IOException>(() => link.ReportAsync(Report, default));
        Assert.Contains("given up", (await Assert.ThrowsAsync<IOException>(() => held)).Message, StringComparison.Ordinal);
        Assert.Equal(1, (await link.DesiredAsync(-1, default))!.Revision);
    }

    [Fact]
    public async Task The_database_is_away_only_if_every_server_says_so()
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var two = await one.StartAnotherAsync();
        await using var three = await one.StartAnotherAsync();
        foreach (var server in new[] { one, two, three }) server.Set(Document(one, two, three));
        using var link = await ConnectAsync(machine, one);
        await link.DesiredAsync(-1, default);
        foreach (var server in new[] { one, two, three }) server.DatabaseAway = true;
        Assert.Contains("503 (database-away)", (await Assert.ThrowsAsync<DatabaseAwayException>(() => link.ReportAsync(Report, default))).Message, StringComparison.Ordinal);
        var asked = (one.Requests, two.Requests, three.Requests);
        await Assert.ThrowsAsync<DatabaseAwayException>(() => link.ReportAsync(Report, default));
        Assert.Equal((asked.Item1 + 1, asked.Item2 + 1, asked.Item3 + 1), (one.Requests, two.Requests, three.Requests));

        three.Away = true;
        Assert.Contains(three.Url, (await Assert.ThrowsAsync<IOException>(() => link.ReportAsync(Report, default))).Message, StringComparison.Ordinal);
        (three.Away, three.DatabaseAway) = (false, false);
        Assert.Equal(new ReportAnswer(10, 60), await link.ReportAsync(Report, default));
        asked = (one.Requests, two.Requests, three.Requests);
        await link.ReportAsync(Report, default);
        Assert.Equal((asked.Item1, asked.Item2, asked.Item3 + 1), (one.Requests, two.Requests, three.Requests));
    }

    [Fact]
    public async Task A_console_is_opened_where_its_viewer_waits_and_nowhere_else()
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var two = await one.StartAnotherAsync();
        one.Set(Document(one, two));
        using var link = await ConnectAsync(machine, one);
        await link.DesiredAsync(-1, default);
        using (await link.OpenConsoleAsync(new DesiredConsole("con-1", "i-1", "serial", two.Url), default)) Assert.NotNull(await two.ConsoleOf("con-1").Task.WaitAsync(Soon));
        using (await link.OpenConsoleAsync(new DesiredConsole("con-2", "i-1", "serial"), default)) Assert.NotNull(await one.ConsoleOf("con-2").Task.WaitAsync(Soon));
        var refused = await Assert.ThrowsAsync<IOException>(() => link.OpenConsoleAsync(new DesiredConsole("con-3", "i-1", "serial", "https://192.0.2.1:8481"), default));
        Assert.Contains("none of the servers", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_another_cloud_is_not_spoken_to_though_it_is_listed()
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var stranger = await FakeServer.StartAsync();
        one.Set(Document(one, stranger));
        using var link = await ConnectAsync(machine, one);
        await link.DesiredAsync(-1, default);
        one.Away = true;
        await Assert.ThrowsAsync<IOException>(() => link.ReportAsync(Report, default));
        await Assert.ThrowsAsync<IOException>(() => link.ReportAsync(Report, default));
        Assert.Equal(0, stranger.Requests);
    }

    [Theory]
    [InlineData("/nonexistent/base.qcow2", false)]
    // It can be opened, and no byte of it be read.
    [InlineData("/proc/self/mem", true)]
    public async Task A_file_that_cannot_be_sent_is_no_fault_of_the_server(string file, bool opens)
    {
        await using var machine = new Machine("simulated");
        await using var one = await FakeServer.StartAsync();
        await using var two = await one.StartAnotherAsync();
        one.Set(Document(one, two));
        using var link = await ConnectAsync(machine, one);
        await link.DesiredAsync(-1, default);
        var failure = await Assert.ThrowsAnyAsync<IOException>(() => link.UploadImageAsync(Samples.Image, file, new string('a', 64), _ => { }, default));
        Assert.Equal(opens, failure is FileUnreadableException);
        var heard = two.Requests;
        await link.ReportAsync(Report, default);
        Assert.Equal(heard, two.Requests);
    }

    private static DesiredDocument Document(params FakeServer[] servers) => Samples.Document(1, null, []) with { Servers = [.. servers.Select(server => server.Url)] };

    private static Task<IServerLink> ConnectAsync(Machine machine, FakeServer server) =>
        HostLink.ConnectAsync(machine.Options with { JoinToken = server.Token }, () => Facts, null, new Random(1), TimeProvider.System, Machine.Log, default);
}
