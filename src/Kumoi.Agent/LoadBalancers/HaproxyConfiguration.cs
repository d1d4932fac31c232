using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using static System.FormattableString;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>Where haproxy's files of one network are, and as whom it runs.</summary>
/// <param name="Directory">Root's alone: haproxy reads and opens what it needs before it gives up its rights.</param>
public sealed record HaproxyPlace(string Directory, uint User)
{
    public string Socket => Path.Combine(Directory, "s");

    public string PidFile => Path.Combine(Directory, "pid");

    /// <summary>What the process before knew of its members, for the one that takes over.</summary>
    public string StateFile => Path.Combine(Directory, "state");

    /// <summary>Empty; all that haproxy sees of the machine's files.</summary>
    public string Root => Path.Combine(Directory, "root");
}

/// <summary>
/// The configuration of a network's haproxy: a pure function, kept by golden files. Its name and those of the certificates' files are made of hashes of what is in
/// them, so that a process's command line says what it was started with. Weights are no part of the name where a running process can be told them. Everything in it
/// has been checked: ids, addresses, numbers and paths have strict forms.
/// </summary>
/// <param name="Text">Null if no listener needs haproxy.</param>
/// <param name="Certificates">Files by path.</param>
public sealed record HaproxyConfiguration(string Path, string? Text, IReadOnlyDictionary<string, string> Certificates)
{
    /// <summary>Connections of one network together, from clients. Too low: large services are refused; too high: one account takes the host's memory (some 35 KB each while data flows).</summary>
    private const int ConnectionsMax = 8192;

    /// <summary>After a change the process before serves its open connections for this long at most. Too low: long downloads break; too high: processes pile up.</summary>
    private const string OldProcessMax = "1h";

    public static HaproxyConfiguration Build(NetworkIntent intent, HaproxyPlace place)
    {
        var certificates = new Dictionary<string, string>();
        var (text, shape) = (Write(intent, place, certificates, true), Write(intent, place, certificates, false));
        var any = intent.Balancers.Any(balancer => balancer.Proxied.Any());
        return new HaproxyConfiguration(System.IO.Path.Combine(place.Directory, $"{Hash(shape)}.cfg"), any ? text : null, certificates);
    }

    /// <param name="weights">False leaves out those that a running process can be told.</param>
    private static string Write(NetworkIntent intent, HaproxyPlace place, Dictionary<string, string> certificates, bool weights)
    {
        var text = new StringBuilder(Global(place));
        foreach (var balancer in intent.Balancers)
            foreach (var listener in balancer.Proxied)
            {
                var file = listener.Pem is null ? null : System.IO.Path.Combine(place.Directory, $"{listener.Name}-{Hash(listener.Pem)}.pem");
                if (file is not null) certificates[file] = listener.Pem!;
                Frontend(text, balancer, listener, file);
                // By the client's address: haproxy deals the clients out once, and takes no other weights afterwards.
                Backend(text, balancer, listener, weights || listener.Algorithm == BalancingAlgorithm.Source);
            }
        return text.ToString();
    }

    /// <summary>The names of things in it, by which its statistics are read.</summary>
    public static string FrontendOf(ListenerIntent listener) => $"f_{listener.Name}";

    public static string BackendOf(ListenerIntent listener) => $"b_{listener.Name}";

    public static string ServerOf(MemberIntent member) => $"m_{member.Name}";

    private static string Global(HaproxyPlace place) => Invariant($"""
        global
          uid {place.User}
          gid {place.User}
          chroot {place.Root}
          maxconn {ConnectionsMax}
          nbthread 2
          hard-stop-after {OldProcessMax}
          stats socket {place.Socket} mode 600 level admin expose-fd listeners
          stats timeout 10s
          server-state-file {place.StateFile}
          ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
          ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
          tune.ssl.default-dh-param 2048
        defaults
          load-server-state-from-file global
          timeout connect 5s
          timeout http-request 10s
          retries 3
          option redispatch 1

        """);

    private static void Frontend(StringBuilder text, BalancerIntent balancer, ListenerIntent listener, string? certificate)
    {
        void Add(string line) => text.Append("  ").Append(line).Append('\n');
        text.Append("frontend ").Append(FrontendOf(listener)).Append('\n');
        Add(listener.SpeaksHttp ? "mode http" : "mode tcp");
        var tls = certificate is null ? "" : $" ssl crt {certificate}{(listener.SpeaksHttp ? " alpn h2,http/1.1" : "")}";
        foreach (var address in balancer.Addresses) Add(Invariant($"bind {(AddressForm.IsIpv6(address) ? $"[{address}]" : address)}:{listener.Port}{tls}"));
        Add(Invariant($"timeout client {listener.IdleSeconds}s"));
        if (listener.SpeaksHttp)
        {
            Add(Invariant($"timeout http-keep-alive {listener.IdleSeconds}s"));
            // What clients say of themselves is not passed on as ours.
            Add("http-request del-header Forwarded");
            Add("http-request set-header X-Forwarded-For %[src]");
            Add($"http-request set-header X-Forwarded-Proto {(certificate is null ? "http" : "https")}");
            Add(Invariant($"http-request set-header X-Forwarded-Port {listener.Port}"));
        }
        Add($"default_backend {BackendOf(listener)}");
    }

    private static void Backend(StringBuilder text, BalancerIntent balancer, ListenerIntent listener, bool weights)
    {
        void Add(string line) => text.Append("  ").Append(line).Append('\n');
        var check = listener.Health;
        text.Append("backend ").Append(BackendOf(listener)).Append('\n');
        Add(listener.SpeaksHttp ? "mode http" : "mode tcp");
        Add(listener.Algorithm switch { BalancingAlgorithm.LeastConnections => "balance leastconn", BalancingAlgorithm.Source => "balance source", _ => "balance roundrobin" });
        Add(Invariant($"timeout server {listener.IdleSeconds}s"));
        Add(Invariant($"timeout tunnel {listener.IdleSeconds}s"));
        Add(Invariant($"timeout check {check.TimeoutSeconds}s"));
        if (listener.HasCookie) Add($"cookie {CookieName} insert indirect nocache httponly{(listener.Protocol == ListenerProtocol.Https ? " secure" : "")}");
        if (check.Protocol == "http")
        {
            Add("option httpchk");
            Add($"http-check send meth GET uri {check.Path} ver HTTP/1.1 hdr Host {HttpQuestion.Host(balancer.Addresses.First())} hdr User-Agent {HttpQuestion.UserAgent} hdr Connection close");
            Add("http-check expect status 200-399");
        }
        // No client comes back to a member that is to empty.
        if (listener.HasCookie)
            foreach (var member in listener.Members) Add($"ignore-persist if {{ srv_uweight({ServerOf(member)}) eq 0 }} {{ req.cook({CookieName}) -m str {CookieOf(listener, member)} }}");
        foreach (var member in listener.Members)
        {
            var words = new List<string> { "server", ServerOf(member), member.Place };
            if (weights) words.Add(Invariant($"weight {member.Share}"));
            // A member without an address of its family is reached from whatever address its host has there, which no filter lets in.
            if (balancer.Of(member.IsIpv6) is { } own) words.Add($"source {own}");
            if (listener.HasCookie) words.Add($"cookie {CookieOf(listener, member)}");
            if (listener.SendsProxy) words.Add("send-proxy-v2");
            if (check.Protocol != "none")
            {
                words.Add(Invariant($"check inter {check.IntervalSeconds}s fall {check.Fall} rise {check.Rise}"));
                if (check.Port is { } port && port != member.Port) words.Add(Invariant($"port {port}"));
            }
            Add(string.Join(' ', words));
        }
    }

    private const string CookieName = "KUMOILB";

    /// <summary>The same on every host; says nothing of the member to those who do not know its id.</summary>
    private static string CookieOf(ListenerIntent listener, MemberIntent member) => Hash($"{listener.Id} {member.Id}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..20];
}
