using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Kumoi.Api;
using Kumoi.Testing;

namespace Kumoi.Server.Tests.Dialects;

/// <summary>A cloud with a tenant's access key, and requests of EC2's Query API signed as the specification says, written apart from what checks them.</summary>
public sealed class Ec2Scene(Scene scene, AccessKeyCreated key) : IAsyncDisposable
{
    public Scene Scene => scene;

    public AccessKeyCreated Key => key;

    public string Url => scene.Cloud.Url + "/ec2";

    public static async Task<Ec2Scene> StartAsync(Func<ServerOptions, ServerOptions>? configure = null)
    {
        var scene = await Scene.StartAsync(configure: configure);
        return new Ec2Scene(scene, await scene.Tenant.PostAsync<AccessKeyCreated>("/access-keys", new { name = "ec2" }));
    }

    /// <summary>The answer of an action that must succeed, without its namespace.</summary>
    public async Task<XElement> DoAsync(string action, params (string Name, string Value)[] parameters)
    {
        using var answer = await SendAsync(Post(new Signing(key.Id, key.Secret), action, parameters));
        var text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{action} answered {(int)answer.StatusCode}: {text}");
        var root = XElement.Parse(text);
        if (root.Name != XName.Get(action + "Response", "http://ec2.amazonaws.com/doc/2016-11-15/")) throw new InvalidOperationException($"{action} answered {root.Name}");
        return Plain(root);
    }

    /// <summary>Status and code of a request that must fail.</summary>
    public async Task<(int Status, string Code)> FailAsync(HttpRequestMessage request)
    {
        using var answer = await SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        if (answer.IsSuccessStatusCode) throw new InvalidOperationException($"It succeeded: {text}");
        var root = XElement.Parse(text);
        if (root.Name != "Response" || root.Element("RequestID") is null || root.Element("Errors")?.Element("Error")?.Element("Message") is not { Value.Length: > 0 }) throw new InvalidOperationException(text);
        return ((int)answer.StatusCode, root.Element("Errors")!.Element("Error")!.Element("Code")!.Value);
    }

    public Task<(int Status, string Code)> FailAsync(string action, params (string Name, string Value)[] parameters) => FailAsync(Post(new Signing(key.Id, key.Secret), action, parameters));

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => scene.Cloud.Anonymous().Http.SendAsync(request);

    private static XElement Plain(XElement element) => new(element.Name.LocalName, element.Attributes().Where(a => !a.IsNamespaceDeclaration), element.Nodes().Select(node => node is XElement child ? Plain(child) : node));

    /// <summary>How a request is signed; what is given differs from what is right.</summary>
    public sealed record Signing(string Id, string Secret)
    {
        public string Region { get; init; } = "kumoi";
        public string Service { get; init; } = "ec2";
        public DateTimeOffset At { get; init; } = DateTimeOffset.UtcNow;
        public int Expires { get; init; } = 60;
    }

    private static string Escape(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(b => char.IsAsciiLetterOrDigit((char)b) || "-_.~".Contains((char)b) ? ((char)b).ToString() : $"%{b:X2}"));

    private static string Canonical(IEnumerable<(string Name, string Value)> parameters) => string.Join('&', parameters.Select(p => $"{Escape(p.Name)}={Escape(p.Value)}").Order(StringComparer.Ordinal));

    private static List<(string Name, string Value)> With(string action, (string, string)[] parameters) => [("Action", action), ("Version", "2016-11-15"), .. parameters];

    private static string SignV4(Signing signing, string method, string query, string headers, string signed, string body)
    {
        var (stamp, day) = (signing.At.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), signing.At.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture));
        var canonical = $"{method}\n/ec2\n{query}\n{headers}\n{signed}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))}";
        var text = $"AWS4-HMAC-SHA256\n{stamp}\n{day}/{signing.Region}/{signing.Service}/aws4_request\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var derived = new[] { day, signing.Region, signing.Service, "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes("AWS4" + signing.Secret), (k, part) => HMACSHA256.HashData(k, Encoding.UTF8.GetBytes(part)));
        return Convert.ToHexStringLower(HMACSHA256.HashData(derived, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Version 4 in a header, the parameters in the body.</summary>
    public HttpRequestMessage Post(Signing signing, string action, params (string Name, string Value)[] parameters)
    {
        var host = new Uri(Url).Authority;
        var (stamp, day) = (signing.At.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), signing.At.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture));
        var body = string.Join('&', With(action, parameters).Select(p => $"{Escape(p.Name)}={Escape(p.Value)}"));
        var signature = SignV4(signing, "POST", "", $"content-type:application/x-www-form-urlencoded\nhost:{host}\nx-amz-date:{stamp}\n", "content-type;host;x-amz-date", body);
        var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-www-form-urlencoded");
        request.Headers.TryAddWithoutValidation("X-Amz-Date", stamp);
        request.Headers.TryAddWithoutValidation("Authorization", $"AWS4-HMAC-SHA256 Credential={signing.Id}/{day}/{signing.Region}/{signing.Service}/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature={signature}");
        return request;
    }

    /// <summary>Version 4 in the query.</summary>
    public HttpRequestMessage Presigned(Signing signing, string action, params (string Name, string Value)[] parameters)
    {
        var host = new Uri(Url).Authority;
        var (stamp, day) = (signing.At.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), signing.At.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture));
        var query = Canonical([.. With(action, parameters), ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", $"{signing.Id}/{day}/{signing.Region}/{signing.Service}/aws4_request"), ("X-Amz-Date", stamp), ("X-Amz-Expires", $"{signing.Expires}"), ("X-Amz-SignedHeaders", "host")]);
        return new HttpRequestMessage(HttpMethod.Get, new Uri($"{Url}?{query}&X-Amz-Signature={SignV4(signing, "GET", query, $"host:{host}\n", "host", "")}"));
    }

    /// <summary>Version 2, in the query or in the body.</summary>
    public HttpRequestMessage V2(Signing signing, string method, string algorithm, bool expires, string action, params (string Name, string Value)[] parameters)
    {
        var time = (expires ? signing.At.AddSeconds(signing.Expires) : signing.At).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var query = Canonical([.. With(action, parameters), ("AWSAccessKeyId", signing.Id), ("SignatureVersion", "2"), ("SignatureMethod", algorithm), (expires ? "Expires" : "Timestamp", time)]);
        var text = Encoding.UTF8.GetBytes($"{method}\n{new Uri(Url).Authority}\n/ec2\n{query}");
#pragma warning disable CA5350
        var signature = Convert.ToBase64String(algorithm == "HmacSHA1" ? HMACSHA1.HashData(Encoding.UTF8.GetBytes(signing.Secret), text) : HMACSHA256.HashData(Encoding.UTF8.GetBytes(signing.Secret), text));
#pragma warning restore CA5350
        query += "&Signature=" + Escape(signature);
        if (method == "GET") return new HttpRequestMessage(HttpMethod.Get, new Uri($"{Url}?{query}"));
        return new HttpRequestMessage(HttpMethod.Post, Url) { Content = new StringContent(query, Encoding.UTF8, "application/x-www-form-urlencoded") };
    }

    public async ValueTask DisposeAsync() => await scene.DisposeAsync();
}
