using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.LoadBalancers;

internal sealed record HttpAnswer(int Status, string Server, string Client, string? Cookie, string Request);

/// <summary>One host with a client, and members that let clients in at one port.</summary>
internal sealed class ProxyPlace : IAsyncDisposable
{
    /// <summary>Clients reach members at one port only, which the kernel balances to.</summary>
    private static readonly DesiredRule[] Rules = [Samples.EgressAll, Samples.Ingress("tcp", 81, 81, "0.0.0.0/0", null)];

    private readonly StandIns _hosts;
    private readonly DesiredInterface[] _interfaces;
    private long _revision;

    private ProxyPlace(StandIns hosts, DesiredInterface[] interfaces, StandInGuest client, StandInGuest[] members)
    {
        (_hosts, _interfaces, Client, Members) = (hosts, interfaces, client, members);
        Balanced = new BalancedHost(hosts.All[0]);
    }

    public StandInHost Host => _hosts.All[0];

    public BalancedHost Balanced { get; private set; }

    public StandInGuest Client { get; }

    public StandInGuest[] Members { get; }

    /// <summary>A member that answers health checks with 503.</summary>
    public string? Failing { get; set; }

    public static async Task<ProxyPlace> StartAsync(int members)
    {
        var hosts = await StandIns.StartAsync(1);
        DesiredInterface[] interfaces = [.. Enumerable.Range(11, members + 1).Select(number => Shared.Interface(number, Samples.Group))];
        var guests = new List<StandInGuest>();
        foreach (var wanted in interfaces) guests.Add(await hosts.GuestAsync(hosts.All[0], wanted));
        return new ProxyPlace(hosts, interfaces, guests[0], [.. guests.Skip(1)]);
    }

    public void Replace(params DesiredListener[] listeners) => Balanced.Replace(Shared.Document(
        [Shared.Network(Shared.HostOf(Host, _interfaces)).With(listeners)], [Shared.Group(Samples.Group, Rules, _interfaces)], [.. _interfaces.Select((wanted, i) => Shared.Instance(11 + i, wanted))]) with { Revision = ++_revision });

    public ValueTask EndAgentAsync() => Balanced.DisposeAsync();

    public void StartAgent() => Balanced = new BalancedHost(Host);

    public int[] Processes() =>
        [.. Linux.Processes.All().Where(process => Path.GetFileName(process.Arguments[0]) == Haproxy.Program && process.Arguments.Any(argument => argument.StartsWith(Host.Options.Paths.RunRoot, StringComparison.Ordinal))).Select(process => process.Id)];

    public string? Configuration() => Directory.Exists(Files) && Directory.GetFiles(Files, "*.cfg") is [var file] ? File.ReadAllText(file) : null;

    public string Files => Path.Combine(Host.Options.Paths.Networks, Host.Network(Samples.Network), "h");

    /// <summary>True if a process has the configuration that is there.</summary>
    public bool Serving(int idle) => Configuration()?.Contains($"timeout client {idle}s", StringComparison.Ordinal) == true
        && Directory.GetFiles(Path.Combine(Host.Options.Paths.Networks, Host.Network(Samples.Network), "h"), "*.cfg") is [var file]
        && Linux.Processes.All().Any(process => process.Arguments.Contains(file) && !process.Arguments.Contains("-c"));

    public async Task<Socket> ServeHttpAsync(StandInGuest guest)
    {
        var listener = await LoadBalancers.Balanced.ListenAsync(guest, 8080);
        _ = LoadBalancers.Balanced.AcceptAsync(listener, async socket =>
        {
            using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
            while (await reader.ReadLineAsync() is { } line)
            {
                var request = new StringBuilder(line).Append('\n');
                while (await reader.ReadLineAsync() is { Length: > 0 } header) request.Append(header).Append('\n');
                var status = line.Contains("/health", StringComparison.Ordinal) && Failing == guest.Ipv4 ? "503 Unavailable" : "200 OK";
                var body = $"{guest.Ipv4} {LoadBalancers.Balanced.Plain(((IPEndPoint)socket.RemoteEndPoint!).Address)}\n{request}";
                await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            }
        });
        return listener;
    }

    public async Task<HttpAnswer> GetAsync(params string[] headers)
    {
        try
        {
            using var socket = await ConnectAsync(80);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n"));
            using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
            var text = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(5));
            var (head, body) = (text[..text.IndexOf("\r\n\r\n", StringComparison.Ordinal)], text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
            var words = body.Split('\n')[0].Split(' ');
            var cookie = head.Split("\r\n").FirstOrDefault(line => line.StartsWith("set-cookie: ", StringComparison.OrdinalIgnoreCase))?["set-cookie: ".Length..].Split(';')[0];
            return new HttpAnswer(int.Parse(head.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture), words[0], words.Length > 1 ? words[1] : "", cookie, body);
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentOutOfRangeException or TimeoutException)
        {
            return new HttpAnswer(0, "nobody", "", null, e.Message);
        }
    }

    public async Task<(string? Answer, System.Security.Authentication.SslProtocols Protocol, string? Subject)> TlsAsync(int port)
    {
        try
        {
            using var socket = await ConnectAsync(port);
            await using var tls = new SslStream(new NetworkStream(socket), false, (_, certificate, _, _) => certificate is not null);
            await tls.AuthenticateAsClientAsync("lb.example").WaitAsync(TimeSpan.FromSeconds(5));
            await tls.WriteAsync("question"u8.ToArray());
            var buffer = new byte[100];
            var read = await tls.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(5));
            return (Encoding.ASCII.GetString(buffer, 0, read), tls.SslProtocol, tls.RemoteCertificate!.Subject);
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or System.Security.Authentication.AuthenticationException)
        {
            return (null, default, null);
        }
    }

    private async Task<Socket> ConnectAsync(int port)
    {
        var socket = await NetworkNamespaces.RunInsideAsync(Client.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(LoadBalancers.Balanced.Address), port)).WaitAsync(TimeSpan.FromSeconds(5));
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await Balanced.DisposeAsync();
        await _hosts.DisposeAsync();
    }
}
