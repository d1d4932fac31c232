using Kumoi.Api;
using Kumoi.Server.LoadBalancers;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>Goal: what would make a host's balancing fail, or mean something else there, is refused by field. Method: by table, each request with one thing wrong.</summary>
public sealed class LoadBalancerRuleTests
{
    private static object Listener(
        object? protocol = null, int port = 80, string? algorithm = null, string? stickiness = null, bool? proxyProtocol = null, string? certificate = null, string? privateKey = null, object? healthCheck = null,
        int? idleSeconds = null, object? members = null) => new { protocol, port, algorithm, stickiness, proxyProtocol, certificate, privateKey, healthCheck, idleSeconds, members };

    private static readonly string Long = new('a', 70_000);

    private static readonly List<(string Field, string Rule, object Listener)> Wrong =
    [
        ("protocol", "one-of", Listener("ftp")), ("protocol", "one-of", Listener("HTTP")),
        ("port", "between", Listener(port: 0)), ("port", "between", Listener(port: 65536)), ("port", "between", Listener(port: -1)),
        ("port", "port-of-name-server", Listener("http", 53)), ("port", "port-of-name-server", Listener(port: 53, algorithm: "least-connections")), ("port", "port-of-name-server", Listener(port: 53, proxyProtocol: true)),
        ("algorithm", "one-of", Listener(algorithm: "random")), ("algorithm", "not-with-protocol", Listener("udp", algorithm: "least-connections")),
        ("stickiness", "one-of", Listener("http", stickiness: "source")), ("stickiness", "only-with-protocol", Listener("tcp", stickiness: "cookie")),
        ("stickiness", "only-with-protocol", Listener("tls", stickiness: "cookie", certificate: Certificates.Good.Chain, privateKey: Certificates.Good.Key)), ("stickiness", "only-with-protocol", Listener("udp", stickiness: "cookie")),
        ("proxyProtocol", "not-with-protocol", Listener("udp", proxyProtocol: true)),
        ("idleSeconds", "between", Listener(idleSeconds: 0)), ("idleSeconds", "between", Listener(idleSeconds: 86_401)),
        ("certificate", "required", Listener("https")), ("certificate", "required", Listener("tls", privateKey: Certificates.Good.Key)), ("privateKey", "required", Listener("https", certificate: Certificates.Good.Chain)),
        ("certificate", "only-with-protocol", Listener("http", certificate: Certificates.Good.Chain, privateKey: Certificates.Good.Key)), ("privateKey", "only-with-protocol", Listener("tcp", privateKey: Certificates.Good.Key)),
        ("certificate", "certificate-pem", Listener("https", certificate: "hello", privateKey: Certificates.Good.Key)), ("certificate", "certificate-pem", Listener("https", certificate: "", privateKey: Certificates.Good.Key)),
        ("certificate", "certificate-pem", Listener("https", certificate: Certificates.Good.Key, privateKey: Certificates.Good.Key)),
        ("certificate", "certificate-pem", Listener("https", certificate: Certificates.Good.Chain.Replace("MII", "MIJ", StringComparison.Ordinal), privateKey: Certificates.Good.Key)),
        ("certificate", "certificate-pem", Listener("https", certificate: string.Concat(Enumerable.Repeat(Certificates.Good.Chain + "\n", 11)), privateKey: Certificates.Good.Key)),
        ("certificate", "too-long", Listener("https", certificate: Long, privateKey: Certificates.Good.Key)), ("privateKey", "too-long", Listener("https", certificate: Certificates.Good.Chain, privateKey: Long)),
        ("certificate", "certificate-expired", Listener("https", certificate: Certificates.Expired.Chain, privateKey: Certificates.Expired.Key)),
        ("certificate", "certificate-weak", Listener("https", certificate: Certificates.RsaShort.Chain, privateKey: Certificates.RsaShort.Key)),
        ("certificate", "certificate-weak", Listener("https", certificate: Certificates.Sha1().Chain, privateKey: Certificates.Sha1().Key)),
        ("privateKey", "private-key-pem", Listener("https", certificate: Certificates.Good.Chain, privateKey: "hello")), ("privateKey", "private-key-pem", Listener("https", certificate: Certificates.Good.Chain, privateKey: Certificates.PublicKey())),
        ("privateKey", "private-key-pem", Listener("https", certificate: Certificates.Good.Chain, privateKey: Certificates.EncryptedKey())),
        ("privateKey", "private-key-pem", Listener("https", certificate: Certificates.Good.Chain, privateKey: Certificates.RsaGood.Key)),
        ("privateKey", "key-of-certificate", Listener("https", certificate: Certificates.Good.Chain, privateKey: Certificates.Other.Key)),
        ("privateKey", "key-of-certificate", Listener("https", certificate: Certificates.Other.Chain + "\n" + Certificates.Good.Chain, privateKey: Certificates.Good.Key)),
        ("healthCheck.protocol", "one-of", Listener(healthCheck: new { protocol = "icmp" })), ("healthCheck.path", "only-with-protocol", Listener(healthCheck: new { path = "/" })),
        ("healthCheck.port", "between", Listener(healthCheck: new { port = 65536 })), ("healthCheck.intervalSeconds", "between", Listener(healthCheck: new { intervalSeconds = 0 })),
        ("healthCheck.intervalSeconds", "between", Listener(healthCheck: new { intervalSeconds = 301 })), ("healthCheck.timeoutSeconds", "between", Listener(healthCheck: new { intervalSeconds = 2, timeoutSeconds = 3 })),
        ("healthCheck.timeoutSeconds", "between", Listener(healthCheck: new { timeoutSeconds = 0 })), ("healthCheck.rise", "between", Listener(healthCheck: new { rise = 0 })), ("healthCheck.fall", "between", Listener(healthCheck: new { fall = 11 })),
        ("members[0].port", "between", Listener(members: new[] { new { instance = "a", port = 0 } })), ("members[0].weight", "between", Listener(members: new[] { new { instance = "a", weight = 257 } })),
        ("members[0].weight", "between", Listener(members: new[] { new { instance = "a", weight = -1 } })), ("members[0].instance", "instance-or-interface", Listener(members: new[] { new { port = 80 } })),
        ("members[0].instance", "instance-or-interface", Listener(members: new[] { new { instance = "a", @interface = "eni-1" } })), ("members[0].instance", "no-such", Listener(members: new[] { new { instance = "nobody" } })),
        ("members[0].interface", "no-such", Listener(members: new[] { new { @interface = "eni-1a1fe842c555fab6b" } })), ("members[1]", "twice", Listener(members: new[] { new { instance = "a" }, new { instance = "a" } })),
        ("members[0].instance", "not-in-network", Listener(members: new[] { new { instance = "elsewhere" } })), ("members[0].listener", "unknown-field", Listener(members: new[] { new { instance = "a", listener = "80" } })),
        ("members", "at-most", Listener(members: Enumerable.Range(1, 101).Select(port => new { instance = "a", port }))),
    ];

    private static readonly string[] WrongPaths =
        ["", "health", "//a b", "/a b", "/a\nb", "/a\r\nHost: x", "/a\0", "/\t", "/\"a\"", "/'a'", "/a%", "/a%2", "/a%zz", "/%%41", "/\\a", "/a#b", "/$HOME", "/{a}", "/ü", "/a\u00a0", "/" + new string('a', 255), "/a\n"];

    [Fact]
    public async Task What_is_wrong_is_told_by_field()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "other", subnets = new[] { new { cidr = "10.9.0.0/24" } } });
        await scene.LaunchAsync("a");
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "elsewhere", flavor = "small", image = "tiny", network = "other" });
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "default", listeners = new[] { new { port = 8000 } } });
        foreach (var (field, rule, listener) in Wrong.Concat(WrongPaths.Select(path => ("healthCheck.path", path.Length > 255 ? "too-long" : path.Contains('\0', StringComparison.Ordinal) ? "no-nul" : "http-path", Listener("http", healthCheck: new { protocol = "http", path })))))
        {
            // Alone, and within a load balancer that is made.
            foreach (var (prefix, path, body) in new[] { ("", "/load-balancers/lb1/listeners", listener), ("listeners[0].", "/load-balancers", new { name = "new", network = "default", listeners = new[] { listener } }) })
            {
                var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, path, body);
                Assert.True(refused.Errors?.Any(error => error.Field == prefix + field && error.Rule == rule) == true,
                    $"{prefix}{field} {rule}: {refused.Code} {string.Join(", ", refused.Errors?.Select(e => $"{e.Field} {e.Rule}") ?? [])}");
            }
        }
        Assert.Single((await scene.Tenant.GetAsync<Page<LoadBalancer>>("/load-balancers")).Items);
        Assert.Single((await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners);
    }

    [Fact]
    public void Certificates_and_keys_are_written_anew_and_nothing_else_is_passed_on()
    {
        var (ec, rsa) = (Certificates.Good, Certificates.RsaGood);
        foreach (var (chain, key) in new[]
        {
            ec, rsa, (ec.Chain.Replace("\n", "\r\n", StringComparison.Ordinal), "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + ec.Key),
            ($"subject=lb.example\n{ec.Chain}\nbind *:1\n{ec.Key}\n{Certificates.Other.Chain}\n", "bind *:1\n" + ec.Key + "\n"),
        })
        {
            var read = ListenerCertificates.Read("", chain, key, DateTimeOffset.UtcNow);
            Assert.Null(read.Failure);
            Assert.Matches(@"^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n){1,2}\z", read.Value.Chain);
            Assert.Matches(@"^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PRIVATE KEY-----\n\z", read.Value.Key);
            using var pair = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(read.Value.Chain, read.Value.Key);
            Assert.True(pair.HasPrivateKey);
        }
    }

    [Fact]
    public async Task So_is_what_is_wrong_with_the_load_balancer_itself()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "other", subnets = new[] { new { cidr = "10.9.0.0/24" } } });
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "bare" });
        await scene.LaunchAsync("a");
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "elsewhere", flavor = "small", image = "tiny", network = "other" });
        var one = new[] { new { port = 80 } };
        foreach (var (field, rule, body) in new (string, string, object)[]
        {
            ("name", "required", new { name = "", network = "default" }), ("name", "name-characters", new { name = "a\nb", network = "default" }), ("name", "name-is-id", new { name = "lb-1a1fe842c555fab6b", network = "default" }),
            ("network", "required", new { name = "x" }), ("network", "no-such", new { name = "x", network = "nothing" }), ("network", "network-without-subnet", new { name = "x", network = "bare" }),
            ("network", "no-common-network", new { name = "x", listeners = one, members = new[] { new { instance = "a" }, new { instance = "elsewhere" } } }),
            ("members[1].instance", "no-such", new { name = "x", listeners = one, members = new[] { new { instance = "a" }, new { instance = "nobody" } } }), ("listeners", "required", new { name = "x", members = new[] { new { instance = "a" } } }),
            ("members[0].instance", "not-in-network", new { name = "x", network = "other", listeners = one, members = new[] { new { instance = "a" } } }),
            ("subnet", "no-such", new { name = "x", network = "default", subnet = "nothing" }), ("address", "not-in-subnets", new { name = "x", network = "default", address = "10.9.0.5" }),
            ("address", "ip-address", new { name = "x", network = "default", address = "10.0.0" }), ("address", "reserved-address", new { name = "x", network = "default", address = "10.0.0.1" }),
            ("address6", "no-ipv6-subnet", new { name = "x", network = "default", address6 = "fd00::5" }), ("description", "too-long", new { name = "x", network = "default", description = new string('a', 256) }),
            ("listeners[1].port", "listener-port", new { name = "x", network = "default", listeners = new object[] { new { port = 80 }, new { port = 80, protocol = "http" } } }),
            ("listeners", "at-most", new { name = "x", network = "default", listeners = Enumerable.Range(1, 21).Select(port => new { port }) }),
            ("listeners[0].privateKey", "wrong-type", new { name = "x", network = "default", listeners = new[] { new { port = 80, privateKey = 5 } } }), ("vip", "unknown-field", new { name = "x", network = "default", vip = "10.0.0.9" }),
        })
        {
            var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers", body);
            Assert.True(refused.Errors?.Any(error => error.Field == field && error.Rule == rule) == true, $"{field} {rule}: {refused.Code} {string.Join(", ", refused.Errors?.Select(e => $"{e.Field} {e.Rule}") ?? [])}");
        }
        Assert.Empty((await scene.Tenant.GetAsync<Page<LoadBalancer>>("/load-balancers")).Items);
    }

    [Fact]
    public async Task Updates_are_held_to_the_same_rules()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("a");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 }, new { port = 81 } }, members = new[] { new { instance = "a" } } });
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb2", network = "default" });
        foreach (var (field, rule, body) in new (string, string, object)[]
        {
            ("stickiness", "only-with-protocol", new { stickiness = "cookie" }), ("port", "listener-port", new { port = 81 }), ("algorithm", "not-with-protocol", new { protocol = "udp", algorithm = "least-connections" }),
            ("certificate", "only-with-protocol", new { certificate = Certificates.Good.Chain, privateKey = Certificates.Good.Key }), ("privateKey", "key-of-certificate", new { protocol = "tls", certificate = Certificates.Good.Chain, privateKey = Certificates.Other.Key }),
            ("healthCheck.path", "http-path", new { healthCheck = new { protocol = "http", path = "/\n" } }), ("healthCheck.timeoutSeconds", "between", new { healthCheck = new { timeoutSeconds = 6 } }),
        })
            Assert.Contains((await scene.Tenant.FailAsync(400, HttpMethod.Put, "/load-balancers/lb1/listeners/80", body)).Errors!, error => (error.Field, error.Rule) == (field, rule));
        Assert.Equal("between", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/load-balancers/lb1/members/a", new { weight = 257 })).Errors![0].Rule);
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/load-balancers/lb1", new { name = "lb2" })).Code);
        Assert.Equal("no-listener", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb2/members", new { instance = "a" })).Errors![0].Rule);
        Assert.Equal("no-such", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/members", new { instance = "a", listener = "99" })).Errors![0].Rule);
        for (var port = 1; port < 100; port++) await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers/lb1/members", new { instance = "a", port = 1000 + port, listener = "80" });
        Assert.Equal("members-at-most", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/members", new { instance = "a", port = 1100, listener = "80" })).Errors![0].Rule);
        foreach (var port in Enumerable.Range(1, 20)) await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb2/listeners", new { port });
        Assert.Equal("listeners-at-most", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb2/listeners", new { port = 21 })).Errors![0].Rule);
    }
}
