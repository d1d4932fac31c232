using System.CommandLine;
using System.Net;
using Kumoi.Agent;
using Kumoi.Api.Logging;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Kumoi.Server;

namespace Kumoi.Cli.Roles;

/// <summary>The two roles that this program plays as a long-running process: <c>server</c> and <c>agent</c>.</summary>
public static class RoleCommands
{
    public static Command Server()
    {
        var state = Options.New<string?>("--state");
        var (database, passwordFile) = (Options.Required<string>("--database"), Options.New<FileInfo?>("--database-password-file"));
        var (listen, agentListen, agentUrl) = (Options.Required<string>("--listen"), Options.Required<string>("--agent-listen"), Options.Required<string>("--agent-url"));
        var (masterKey, images, console, admin) = (Options.Required<string>("--master-key"), Options.Required<string>("--images"), Options.New<string?>("--console"), Options.New<string?>("--admin-password-file"));
        var (floating, uplink, ratio) = (With("--floating-range", ServerOptions.FloatingRangeDefault), With("--uplink-range", ServerOptions.UplinkRangeDefault), With("--vcpu-ratio", ServerOptions.VcpuRatioDefault));
        var region = With("--region", ServerOptions.RegionDefault);
        var (publicUrl, loopbackIssuers) = (Options.New<string?>("--public-url"), Options.New<bool>("--loopback-issuers"));
        var (heartbeat, published, format, otlp) = (Options.New<int?>("--heartbeat-seconds"), Options.New<bool>("--metrics-public"), LogFormat(), Options.New<Uri?>("--otlp-endpoint"));
        var (webhookRanges, webhookHttp) = (Options.Many("--webhook-allow"), Options.New<bool>("--webhook-http"));
        var command = new Command("server", Messages.Text("command-server")) { state, database, passwordFile, listen, agentListen, agentUrl, masterKey, images, console, admin, floating, uplink, ratio, heartbeat, published, format, otlp, region, webhookRanges, webhookHttp, publicUrl, loopbackIssuers };
        var smtp = SmtpFlags.AddTo(command);
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var connection = new Npgsql.NpgsqlConnectionStringBuilder(parsed.GetValue(database));
            if (parsed.GetValue(passwordFile) is { } file) connection.Password = (await File.ReadAllTextAsync(file.FullName, cancel)).Trim();
            var options = new ServerOptions(
                connection.ConnectionString, Address(parsed.GetValue(listen)!), Address(parsed.GetValue(agentListen)!), parsed.GetValue(agentUrl)!, parsed.GetValue(masterKey)!, parsed.GetValue(images)!,
                parsed.GetValue(console), parsed.GetValue(admin), parsed.GetValue(floating)!, parsed.GetValue(uplink)!, parsed.GetValue(ratio), ServerOptions.ImageBytesMaxDefault, parsed.GetValue(heartbeat), parsed.GetValue(published), parsed.GetValue(format)!, parsed.GetValue(region)!, smtp.Read(parsed),
                parsed.GetValue(webhookRanges), parsed.GetValue(webhookHttp), parsed.GetValue(publicUrl), parsed.GetValue(loopbackIssuers));
            if (options.Validate().FirstOrDefault() is { } wrong) throw new UserException("options-invalid", wrong);
            using var traces = Tracing.Export("kumoi-server", parsed.GetValue(otlp));
            await using var app = await ServerProgram.BuildAsync(options, TimeProvider.System, cancel);
            await app.StartAsync(cancel);
            await Stopped(cancel);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await app.StopAsync(limit.Token);
            return ExitCodes.Ok;
        }));
        return command;
    }

    public static Command Agent()
    {
        var (state, tag, run, name, address) = (Options.Required<string>("--state"), Options.Required<string>("--tag"), Options.New<string?>("--run-directory"), Options.Required<string>("--name"), Options.Required<string>("--address"));
        var (tokenFile, hypervisor, accelerator, uplink) = (Options.New<FileInfo?>("--join-token-file"), With("--hypervisor", "qemu"), With("--accelerator", "auto"), Options.New<string?>("--uplink-device"));
        var (segments, stores, backups) = (Options.New<string[]>("--segment-device"), Options.New<string[]>("--store"), Options.New<string[]>("--backup-store"));
        var (disks, shared, format, otlp, metrics) = (Options.New<string?>("--disks"), Options.New<bool>("--shared-disks"), LogFormat(), Options.New<Uri?>("--otlp-endpoint"), Options.New<string?>("--metrics"));
        var (stopLimit, share, cache) = (With("--stop-limit-seconds", StopLimitDefault), With("--machine-share", 1), With("--image-cache-gib", ImageCacheGibDefault));
        var (imagePort, noPeers) = (With("--image-port", 0), Options.New<bool>("--no-image-peers"));
        var command = new Command("agent", Messages.Text("command-agent")) { state, tag, run, name, address, tokenFile, hypervisor, accelerator, uplink, segments, disks, shared, stores, backups, format, otlp, metrics, stopLimit, share, cache, imagePort, noPeers };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var options = new AgentOptions
            {
                StateDirectory = parsed.GetValue(state)!, Tag = parsed.GetValue(tag)!, RunDirectory = parsed.GetValue(run), Name = parsed.GetValue(name)!, Address = parsed.GetValue(address)!,
                JoinToken = parsed.GetValue(tokenFile) is { Exists: true } file ? (await File.ReadAllTextAsync(file.FullName, cancel)).Trim() : null,
                Hypervisor = parsed.GetValue(hypervisor)!, Accelerator = parsed.GetValue(accelerator)!, UplinkDevice = parsed.GetValue(uplink), SegmentDevices = parsed.GetValue(segments) ?? [],
                MachineShare = parsed.GetValue(share), DisksDirectory = parsed.GetValue(disks), SharedDisks = parsed.GetValue(shared), Stores = parsed.GetValue(stores) ?? [], BackupStores = parsed.GetValue(backups) ?? [], StopLimit = TimeSpan.FromSeconds(parsed.GetValue(stopLimit)), LogFormat = parsed.GetValue(format)!, Metrics = parsed.GetValue(metrics) is { } at ? Address(at) : null, ImageCacheBytes = parsed.GetValue(cache) * (1L << 30), ImagePort = parsed.GetValue(noPeers) ? null : parsed.GetValue(imagePort),
            };
            if (options.Validate().FirstOrDefault() is { } wrong) throw new UserException("options-invalid", wrong);
            using var traces = Tracing.Export("kumoi-agent", parsed.GetValue(otlp));
            return await AgentProgram.RunAsync(options, cancel);
        }));
        return command;
    }

    private const int StopLimitDefault = 90, ImageCacheGibDefault = 20;

    private static Option<string> LogFormat()
    {
        var option = With("--log-format", LogFormats.Text);
        option.AcceptOnlyFromAmong([.. LogFormats.All]);
        return option;
    }

    private static Option<T> With<T>(string name, T value)
    {
        var option = Options.New<T>(name);
        option.DefaultValueFactory = _ => value;
        return option;
    }

    private static IPEndPoint Address(string text) => IPEndPoint.TryParse(text, out var end) && end.Port > 0 ? end : throw new UserException("address-invalid", text);

    private static async Task Stopped(CancellationToken cancel)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancel.Register(() => stopped.TrySetResult());
        await stopped.Task;
    }
}
