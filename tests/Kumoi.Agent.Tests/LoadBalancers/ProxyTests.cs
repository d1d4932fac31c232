using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>
/// Goal: listeners that speak HTTP or TLS do what they promise, and go on while agents and haproxy are killed. Method: a host in a namespace, real haproxy, and clients
/// and members in guests.
/// </summary>
public sealed class ProxyTests
{
    [Fact]
    public async Task Http_is_balanced_with_cookies_and_told_who_asks()
    {
        await using var place = await ProxyPlace.StartAsync(2);
        foreach (var member in place.Members) _ = await place.ServeHttpAsync(member);
        var listener = Balanced.Of("http", 80, Balanced.Member(12, 8080), Balanced.Member(13, 8080)) with { Health = Balanced.Check with { Protocol = "http", Path = "/health?a=b%20c" } };
        place.Replace(listener);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));

        var seen = new List<HttpAnswer>();
        for (var i = 0; i < 6; i++) seen.Add(await place.GetAsync("X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Forwarded: for=1.2.3.4"));
        Assert.Equal((3, 3), (seen.Count(answer => answer.Server == place.Members[0].Ipv4), seen.Count(answer => answer.Server == place.Members[1].Ipv4)));
        Assert.All(seen, answer =>
        {
            Assert.Equal(Balanced.Address, answer.Client);
            Assert.Contains($"x-forwarded-for: {place.Client.Ipv4}\n", answer.Request, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("x-forwarded-proto: http\n", answer.Request, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("1.2.3.4", answer.Request, StringComparison.Ordinal);
        });

        // With a cookie a client stays; a cookie that is none of ours, or of a member that is to empty, does not hold it.
        place.Replace(listener with { Stickiness = ListenerStickiness.Cookie });
        HttpAnswer first = null!;
        await Wait.ForAsync("a cookie", async () => (first = await place.GetAsync()).Cookie is not null, TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("10.0.0", first.Cookie, StringComparison.Ordinal);
        for (var i = 0; i < 4; i++) Assert.Equal(first.Server, (await place.GetAsync($"Cookie: {first.Cookie}")).Server);
        Assert.NotNull((await place.GetAsync("Cookie: KUMOILB=x")).Cookie);
        var held = listener.Members.First(member => member.Address == first.Server);
        place.Replace(listener with { Stickiness = ListenerStickiness.Cookie, Members = [.. listener.Members.Select(member => member == held ? member with { Draining = true } : member)] });
        await Wait.ForAsync("the draining member is left", async () => (await place.GetAsync($"Cookie: {first.Cookie}")).Server != first.Server, TimeSpan.FromSeconds(10));
        for (var i = 0; i < 4; i++) Assert.NotEqual(first.Server, (await place.GetAsync($"Cookie: {first.Cookie}")).Server);

        // A member that answers with an error is told of, with the reason.
        place.Replace(listener);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        place.Failing = place.Members[0].Ipv4;
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(13));
        Assert.Equal("it answers with status 503", place.Balanced.Listener(Balanced.Listener)!.Members[0].Reason);
        for (var i = 0; i < 3; i++) Assert.Equal(place.Members[1].Ipv4, (await place.GetAsync()).Server);
        // A change does not make it work again.
        place.Replace(listener with { IdleSeconds = 200 });
        await Wait.ForAsync("the change", () => place.Serving(200), TimeSpan.FromSeconds(10));
        for (var i = 0; i < 6; i++) Assert.Equal(place.Members[1].Ipv4, (await place.GetAsync()).Server);
        await Wait.ForAsync("counts", () => place.Balanced.Listener(Balanced.Listener) is { Connections: > 5, BytesIn: > 0, BytesOut: > 0 } seen && seen.Members[1].Connections > 5, TimeSpan.FromSeconds(10));
        Assert.Empty(place.Balanced.Conditions);
    }

    [Fact]
    public async Task Tls_ends_here_and_members_are_told_who_connects()
    {
        await using var place = await ProxyPlace.StartAsync(1);
        var header = new TaskCompletionSource<byte[]>();
        var server = await Balanced.ListenAsync(place.Members[0], 8080);
        _ = Balanced.AcceptAsync(server, async socket =>
        {
            var buffer = new byte[256];
            var read = await socket.ReceiveAsync(buffer);
            // haproxy's own question says LOCAL.
            if (read > 16 && buffer[12] == 0x21) header.TrySetResult(buffer[..read]);
            await socket.SendAsync("answer"u8.ToArray());
        });
        var (certificate, key) = Certificate("lb.example");
        var listener = Balanced.Of("tls", 443, Balanced.Member(12, 8080)) with { Certificate = certificate, Key = key, SendsProxy = true };
        place.Replace(listener);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12));

        var (answer, protocol, subject) = await place.TlsAsync(443);
        Assert.Equal(("answer", "CN=lb.example"), (answer, subject));
        Assert.True(protocol is System.Security.Authentication.SslProtocols.Tls12 or System.Security.Authentication.SslProtocols.Tls13);
        var told = await header.Task.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal([0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11], told[..14]);
        Assert.Equal((place.Client.Ipv4, Balanced.Address), (new IPAddress(told[16..20]).ToString(), new IPAddress(told[20..24]).ToString()));

        // Keys are root's alone, and go with the listener.
        var files = Path.Combine(place.Host.Options.Paths.Networks, place.Host.Network(Samples.Network), "h");
        var pem = Assert.Single(Directory.GetFiles(files, "*.pem"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(pem));
        var (renewed, newKey) = Certificate("new.example");
        place.Replace(listener with { Certificate = renewed, Key = newKey });
        await Wait.ForAsync("the new certificate", async () => (await place.TlsAsync(443)).Subject == "CN=new.example", TimeSpan.FromSeconds(10));
        await Wait.ForAsync("one key is left", () => Directory.GetFiles(files, "*.pem") is [var left] && left != pem, TimeSpan.FromSeconds(5));

        // Broken ones are told of, and others go on.
        place.Replace(listener with { Key = key, Certificate = renewed }, Balanced.Of("tls", 444, Balanced.Member(12, 8080)) with { Id = "lsn-19a3f2b4c5d6e7fb1", Certificate = certificate, Key = key });
        await Wait.ForAsync("a condition", () => place.Balanced.Conditions.Any(condition => condition.Message.Contains("certificate", StringComparison.Ordinal)), TimeSpan.FromSeconds(10));
        await Wait.ForAsync("the other listener", async () => (await place.TlsAsync(444)).Subject == "CN=lb.example", TimeSpan.FromSeconds(10));

        // Without listeners there is no process, no key.
        place.Replace();
        await Wait.ForAsync("nothing is left", () => !Directory.Exists(files) && place.Processes().Length == 0, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task It_serves_on_while_agents_come_and_go_and_is_started_again_when_killed()
    {
        await using var place = await ProxyPlace.StartAsync(2);
        foreach (var member in place.Members) _ = await place.ServeHttpAsync(member);
        var lines = await Balanced.ServeLinesAsync(place.Members[0], 81);
        var listener = Balanced.Of("http", 80, Balanced.Member(12, 8080), Balanced.Member(13, 8080));
        var plain = Balanced.Of("tcp", 81, Balanced.Member(12, 81), Balanced.Member(13, 81)) with { Id = "lsn-19a3f2b4c5d6e7fb1" };
        var through = Balanced.Of("tcp", 82, Balanced.Member(12, 81)) with { Id = "lsn-19a3f2b4c5d6e7fb2", Algorithm = BalancingAlgorithm.LeastConnections };
        place.Replace(listener, plain, through);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        await place.Balanced.WorksAsync(plain.Id, Balanced.MemberId(12));
        await place.Balanced.WorksAsync(through.Id, Balanced.MemberId(12));
        await Wait.ForAsync("the rules", async () => (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 81, 2)).Servers.GetValueOrDefault(place.Members[0].Ipv4) == 2, TimeSpan.FromSeconds(10));
        var process = Assert.Single(place.Processes());
        Assert.DoesNotContain("Uid:\t0\t", File.ReadAllText($"/proc/{process}/status"), StringComparison.Ordinal);
        Assert.NotEqual("/", new DirectoryInfo($"/proc/{process}/root").LinkTarget);

        // An agent that is gone is missed by nobody, and the next one changes nothing.
        using var open = (await Balanced.AskAsync(place.Client.Namespace, Balanced.Address, 82))!;
        await place.EndAgentAsync();
        Assert.Equal(200, (await place.GetAsync()).Status);
        Assert.Equal(2, (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 81, 2)).Servers[place.Members[0].Ipv4]);
        place.StartAgent();
        place.Replace(listener, plain, through);
        // What is known of members is known at once: none is asked for a moment.
        Assert.Equal(2, (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 81, 2)).Servers[place.Members[0].Ipv4]);
        await place.Balanced.WorksAsync(plain.Id, Balanced.MemberId(12));
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        Assert.Equal(process, Assert.Single(place.Processes()));

        // A change takes over the sockets: clients that ask all the while are all answered, and open connections go on.
        var stop = new CancellationTokenSource();
        var asking = Task.Run(async () =>
        {
            var asked = 0;
            for (; !stop.IsCancellationRequested; asked++) Assert.Equal(200, (await place.GetAsync()).Status);
            return asked;
        });
        for (var idle = 100; idle < 105; idle++)
        {
            place.Replace(listener with { IdleSeconds = idle }, plain, through);
            await Wait.ForAsync("the change", () => place.Configuration()?.Contains($"timeout client {idle}s", StringComparison.Ordinal) == true && place.Serving(idle), TimeSpan.FromSeconds(10));
        }
        await stop.CancelAsync();
        Assert.True(await asking > 5);
        Assert.True(await open.LivesAsync());

        // Killed: all processes, the one with the open connection, too.
        foreach (var id in place.Processes()) Processes.Signal(id, 9);
        Assert.False(await open.LivesAsync());
        await Wait.ForAsync("it is started again", async () => (await place.GetAsync()).Status == 200, TimeSpan.FromSeconds(10));
        Assert.Empty(place.Balanced.Failures);
        GC.KeepAlive(lines);
    }

    private static (string Certificate, string Key) Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), DateTimeOffset.FromUnixTimeSeconds(4_000_000_000));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
