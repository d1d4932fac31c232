using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Switches;

/// <summary>Speaks the protocol of docs/switches.md: JSON over HTTPS with a token.</summary>
public sealed class RestSwitchDriver(TimeProvider clock) : ISwitchDriver
{
    // Switches answer within seconds or not at all; longer holds the others up.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Thousands of ports fit in; more would be no list of ports.
    private const int AnswerBytesMax = 1 << 20, SentenceMax = 300;

    public string Name => "rest";

    public Task<SwitchAnswer<IReadOnlyDictionary<string, PortSetting>>> ListAsync(SwitchTarget target, CancellationToken cancel) => AskAsync(target, HttpMethod.Get, "ports", null, text =>
    {
        var ports = JsonSerializer.Deserialize(text, SwitchJson.Default.WirePorts)?.Ports ?? throw new JsonException("There is no list of ports.");
        return (IReadOnlyDictionary<string, PortSetting>)ports.Select(port => port ?? throw new JsonException("A port is missing from the list.")).ToDictionary(port => port.Name, Setting);
    }, cancel);

    public Task<SwitchAnswer<PortSetting>> ReadAsync(SwitchTarget target, string port, CancellationToken cancel) =>
        AskAsync(target, HttpMethod.Get, PathOf(port), null, text => Named(JsonSerializer.Deserialize(text, SwitchJson.Default.WirePort), port), cancel);

    public async Task<SwitchAnswer<PortSetting>> SetAsync(SwitchTarget target, string port, PortSetting setting, CancellationToken cancel)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new WirePort(port, setting.Mode, setting.AccessVlan, setting.Texts), SwitchJson.Default.WirePort);
        var told = await AskAsync(target, HttpMethod.Put, PathOf(port), body, static _ => "", cancel);
        // The answer may be lost and the order be done, or be taken and only half done.
        var seen = await ReadAsync(target, port, cancel);
        return seen.Value is { } now && now.Equals(setting) || told.Problem is null ? seen : new SwitchAnswer<PortSetting>(null, told.Problem);
    }

    private static string PathOf(string port) => $"ports/{Uri.EscapeDataString(port)}";

    private static PortSetting Setting(WirePort port) =>
        PortSetting.Of(port.Mode, port.AccessVlan, port.TrunkVlans is { } vlans && vlans.All(text => text is not null) ? vlans : []) ?? throw new JsonException($"The port {port.Name} is said to be what no port can be.");

    private static PortSetting Named(WirePort? port, string asked) => port?.Name == asked ? Setting(port) : throw new JsonException($"The answer is about the port {port?.Name}.");

    private async Task<SwitchAnswer<T>> AskAsync<T>(SwitchTarget target, HttpMethod method, string path, byte[]? body, Func<byte[], T> read, CancellationToken cancel) where T : class
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var handler = Handler(target);
            using var http = new HttpClient(handler) { BaseAddress = target.Url, MaxResponseContentBufferSize = AnswerBytesMax };
            using var request = new HttpRequestMessage(method, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", target.Token);
            if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var answer = await http.SendAsync(request, both.Token);
            var text = await answer.Content.ReadAsByteArrayAsync(both.Token);
            return answer.IsSuccessStatusCode ? new SwitchAnswer<T>(read(text), null) : new SwitchAnswer<T>(null, Refusal(answer.StatusCode, text));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new SwitchAnswer<T>(null, $"The switch did not answer within {Patience.TotalSeconds} seconds.");
        }
        catch (HttpRequestException e) when (e.InnerException is System.Security.Authentication.AuthenticationException)
        {
            return new SwitchAnswer<T>(null, "The switch's certificate is not one that is trusted for its name. Give its authority with `--ca`, or the switch a certificate of a known one.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new SwitchAnswer<T>(null, Sentence($"The switch could not be reached: {e.Message}"));
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            return new SwitchAnswer<T>(null, Sentence($"The switch's answer could not be understood: {e.Message}"));
        }
        catch (CryptographicException)
        {
            return new SwitchAnswer<T>(null, "The certificates of the switch's authority cannot be read.");
        }
    }

    private static string Refusal(HttpStatusCode status, byte[] text) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "The switch does not take the token.",
        HttpStatusCode.NotFound => "The switch has no such port.",
        _ => Sentence($"The switch answered {(int)status}{(Message(text) is { Length: > 0 } message ? $": {message}" : ".")}"),
    };

    private static string? Message(byte[] text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, SwitchJson.Default.WireRefusal)?.Message;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What a switch says is shown to operators: without control characters, and no longer than a sentence.</summary>
    private static string Sentence(string text) => PlainText.Of(text, SentenceMax) + (text.Length > SentenceMax ? "…" : "");

    private static SocketsHttpHandler Handler(SwitchTarget target)
    {
        // A token that a redirect carries elsewhere, or a proxy sees, is no secret any more.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ConnectTimeout = Patience };
        if (target.Authority is not { } pem) return handler;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(pem);
        handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        return handler;
    }
}

internal sealed record WirePorts(IReadOnlyList<WirePort> Ports);

internal sealed record WirePort(string Name, string Mode, int? AccessVlan, IReadOnlyList<string>? TrunkVlans);

internal sealed record WireRefusal(string? Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(WirePorts)), JsonSerializable(typeof(WirePort)), JsonSerializable(typeof(WireRefusal))]
internal sealed partial class SwitchJson : JsonSerializerContext;
