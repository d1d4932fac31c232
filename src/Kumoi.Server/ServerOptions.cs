using System.Net;
using Kumoi.Api.Logging;
using Kumoi.Server.Mail;

namespace Kumoi.Server;

/// <summary>How a server is run.</summary>
/// <param name="ConnectionString">PostgreSQL, in Npgsql's form.</param>
/// <param name="Listen">Address and port of API and console. Other than loopback it is served with TLS.</param>
/// <param name="AgentListen">Address and port for agents (always TLS).</param>
/// <param name="AgentUrl">How hosts reach <paramref name="AgentListen"/>; told to them in join tokens.</param>
/// <param name="MasterKeyFile">File of the key that encrypts secrets in the database; made if absent.</param>
/// <param name="ImageDirectory">Where image bytes are kept; the same for all servers of a cloud.</param>
/// <param name="ConsoleDirectory">Built files of the console; null serves none.</param>
/// <param name="AdminPasswordFile">Password of the first user, <c>admin</c>; read only when the cloud is new.</param>
/// <param name="FloatingRange">IPv4 range of floating addresses, taken when the cloud is new.</param>
/// <param name="UplinkRange">IPv4 range of the networks' own addresses on each host; the same on every host.</param>
/// <param name="VcpuRatio">Virtual processors offered per real one. More packs tighter; guests then wait for each other.</param>
/// <param name="HeartbeatSeconds">How often hosts report; null: every 10 s, and up to 30 s with thousands of hosts. Hosts count as unreachable
/// after three times this, as down after nine times.</param>
/// <param name="MetricsPublic">Serve <c>/metrics</c> to other machines too; else to this one only.</param>
/// <param name="LogFormat"><c>text</c>, or <c>json</c>: one object a line.</param>
/// <param name="Region">What dialects with regions call this cloud.</param>
/// <param name="Smtp">The mail server; null: this cloud sends no mail.</param>
/// <param name="WebhookAllow">Ranges that webhooks may be sent to although they are of the inside; null for none.</param>
/// <param name="WebhookHttp">Let webhooks be sent without TLS, too.</param>
/// <param name="PublicUrl">How browsers reach API and console: where identity providers send people back to. Null: <paramref name="Listen"/>, if it is loopback; else nobody signs in by one.</param>
/// <param name="LoopbackIssuers">Identity providers may be on this machine, and without TLS there: for tests.</param>
/// <param name="ImageBytesMax">Largest image, stored and as a disk. Larger ones are refused before they fill the store.</param>
public sealed record ServerOptions(
    string ConnectionString, IPEndPoint Listen, IPEndPoint AgentListen, string AgentUrl, string MasterKeyFile, string ImageDirectory, string? ConsoleDirectory,
    string? AdminPasswordFile, string FloatingRange, string UplinkRange, int VcpuRatio, long ImageBytesMax, int? HeartbeatSeconds = null, bool MetricsPublic = false, string LogFormat = LogFormats.Text, string Region = ServerOptions.RegionDefault,
    SmtpOptions? Smtp = null, IReadOnlyList<string>? WebhookAllow = null, bool WebhookHttp = false, string? PublicUrl = null, bool LoopbackIssuers = false)
{
    public const string FloatingRangeDefault = "198.18.0.0/16", UplinkRangeDefault = "198.19.0.0/16";
    public const string RegionDefault = "kumoi";
    public const int VcpuRatioDefault = 8;
    public const long ImageBytesMaxDefault = 1L << 41;

    /// <summary><see cref="PublicUrl"/> without a slash at its end; null if there is none.</summary>
    public string? PublicAddress => PublicUrl?.TrimEnd('/') ?? (IPAddress.IsLoopback(Listen.Address) ? $"http://{Listen}" : null);

    /// <summary>What is wrong, one sentence each; empty if nothing.</summary>
    public IEnumerable<string> Validate()
    {
        if (!IPNetwork.TryParse(FloatingRange, out var floating) || floating.PrefixLength > 28) yield return $"The floating range {FloatingRange} must be an IPv4 range of /28 or larger.";
        if (!IPNetwork.TryParse(UplinkRange, out var uplink) || uplink.PrefixLength > 24) yield return $"The uplink range {UplinkRange} must be an IPv4 range of /24 or larger.";
        if (floating.Contains(uplink.BaseAddress) || uplink.Contains(floating.BaseAddress)) yield return "The floating range and the uplink range must not overlap.";
        if (VcpuRatio is < 1 or > 64) yield return "The vcpu ratio must be 1 to 64.";
        if (HeartbeatSeconds is < 1 or > 300) yield return "The heartbeat must be 1 to 300 seconds.";
        if (!LogFormats.All.Contains(LogFormat)) yield return "The log format must be text or json.";
        if (Region.Length is 0 or > 32 || Region[0] == '-' || !Region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')) yield return "The region must be 1 to 32 lower-case letters, digits and dashes.";
        foreach (var range in WebhookAllow ?? [])
            if (!IPNetwork.TryParse(range, out _)) yield return $"The range {range} for webhooks must be an IPv4 or IPv6 range whose host bits are zero.";
        if (!Uri.TryCreate(AgentUrl, UriKind.Absolute, out var url) || url.Scheme != "https") yield return $"The agent URL {AgentUrl} must be an https URL.";
        if (PublicUrl is not null && (!Uri.TryCreate(PublicUrl, UriKind.Absolute, out var address) || !(address.Scheme == "https" || address.Scheme == "http" && address.IsLoopback) || address.PathAndQuery != "/" || address.Fragment.Length > 0 || address.UserInfo.Length > 0))
            yield return $"The public URL {PublicUrl} must be https://host, with a port if it is not the usual one, and nothing behind.";
        foreach (var wrong in Smtp?.Validate() ?? []) yield return wrong;
    }
}
