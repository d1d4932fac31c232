using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;

namespace Kumoi.Testing;

/// <summary>A message that lies in the queue of a <see cref="RabbitServer"/>.</summary>
public sealed record RabbitMessage(string Id, string Key, byte[] Body, IReadOnlyBasicProperties Properties);

/// <summary>A real RabbitMQ with its own name, ports and directory, without anything of the machine's: what messages are handed over to.</summary>
public sealed class RabbitServer : IAsyncDisposable
{
    public const string User = "kumoi", Password = "broker-password";

    private const string Account = "rabbitmq";

    // Erlang takes longer to begin than anything else that tests start.
    private const int BeginSeconds = 180;

    private readonly string _directory;
    private readonly int _names = TestCloud.FreePort(), _between = TestCloud.FreePort();
    private Process? _registry, _broker;

    private RabbitServer(string directory) => _directory = directory;

    public int Port { get; } = TestCloud.FreePort();

    public string Url => $"amqp://{User}@127.0.0.1:{Port}/";

    public static async Task<RabbitServer> StartAsync()
    {
        var server = new RabbitServer(Directory.CreateTempSubdirectory("kumoi-rabbit-").FullName);
        // Another user's process works in it.
        File.SetUnixFileMode(server._directory, (UnixFileMode)511);
        await File.WriteAllTextAsync(Path.Combine(server._directory, "rabbitmq.conf"),
            $"""
            listeners.tcp.1 = 127.0.0.1:{server.Port}
            default_user = {User}
            default_pass = {Password}
            disk_free_limit.absolute = 1MB
            vm_memory_high_watermark.absolute = 512MB
            """);
        await File.WriteAllTextAsync(Path.Combine(server._directory, "plugins"), "[].\n");
        try
        {
            await server.StartAgainAsync();
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
        return server;
    }

    /// <summary>After <see cref="KillAsync"/>: with what it had on its disk.</summary>
    public async Task StartAgainAsync()
    {
        _registry ??= Launch("epmd", ["-port", $"{_names}", "-address", "127.0.0.1"]);
        _broker?.Dispose();
        _broker = Launch("/usr/lib/rabbitmq/bin/rabbitmq-server", []);
        await Wait.UntilAsync(async () =>
        {
            if (_broker.HasExited) throw new InvalidOperationException($"RabbitMQ ended with {_broker.ExitCode}; see {_directory}.");
            return await AnswersAsync();
        }, BeginSeconds, "RabbitMQ answers");
    }

    /// <summary>As if the machine's power was cut.</summary>
    public async Task KillAsync()
    {
        // What it has started ends with it; the script has become it.
        _broker!.Kill(entireProcessTree: true);
        await _broker.WaitForExitAsync();
        await Wait.UntilAsync(async () => !await AnswersAsync(), what: "RabbitMQ has gone");
    }

    private async Task<(IConnection Connection, IChannel Channel)> ConnectAsync()
    {
        var connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = Port, UserName = User, Password = Password, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        return (connection, await connection.CreateChannelAsync());
    }

    /// <summary>A durable queue that gets what goes to the exchange with such keys.</summary>
    public async Task BindAsync(string exchange, string key)
    {
        var (connection, channel) = await ConnectAsync();
        await using var _ = connection;
        await channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true);
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(Queue, exchange, key);
    }

    /// <summary>What lies in the queue, without taking it out.</summary>
    public async Task<List<RabbitMessage>> ReadAsync()
    {
        var (connection, channel) = await ConnectAsync();
        await using var _ = connection;
        var messages = new List<RabbitMessage>();
        while (await channel.BasicGetAsync(Queue, autoAck: false) is { } got) messages.Add(new RabbitMessage(got.BasicProperties.MessageId!, got.RoutingKey, got.Body.ToArray(), got.BasicProperties));
        return messages;
    }

    private const string Queue = "all";

    private Process Launch(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("setpriv", ["--reuid", Account, "--regid", Account, "--init-groups", program, .. arguments]) { WorkingDirectory = _directory, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in new[]
        {
            ("HOME", _directory), ("RABBITMQ_NODENAME", $"kumoi{Port}@localhost"), ("RABBITMQ_NODE_PORT", $"{Port}"), ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"), ("RABBITMQ_DIST_PORT", $"{_between}"), ("ERL_EPMD_PORT", $"{_names}"), ("ERL_EPMD_ADDRESS", "127.0.0.1"),
            ("RABBITMQ_MNESIA_BASE", Path.Combine(_directory, "data")), ("RABBITMQ_LOG_BASE", Path.Combine(_directory, "log")), ("RABBITMQ_PID_FILE", Path.Combine(_directory, "pid")), ("RABBITMQ_CONFIG_FILE", Path.Combine(_directory, "rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", Path.Combine(_directory, "plugins")), ("RABBITMQ_CONF_ENV_FILE", "/dev/null"), ("RUNNING_UNDER_SYSTEMD", "true"), ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"),
        })
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>It takes connections when it speaks its protocol, a moment after its port is open: to a wrong greeting it answers with the right one.</summary>
    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
            await client.GetStream().WriteAsync("AMQP\0\0\0\0"u8.ToArray(), limit.Token);
            return await client.GetStream().ReadAsync(new byte[8], limit.Token) > 0;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in new[] { _broker, _registry }.OfType<Process>())
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        Directory.Delete(_directory, recursive: true);
    }
}
