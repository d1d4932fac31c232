using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Api;

namespace Kumoi.Benchmarks.Accounts;

/// <summary>Calls EC2's Query API, signed with Signature Version 4, and reads no more of the answer than its bytes.</summary>
public sealed class Ec2Caller(Uri cloud, AccessKeyCreated key) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = cloud, Timeout = TimeSpan.FromMinutes(2) };

    public async Task<string> DoAsync(string action, params (string Name, string Value)[] parameters)
    {
        var body = string.Join('&', ((string Name, string Value)[])[("Action", action), ("Version", "2016-11-15"), .. parameters] is var all ? all.Select(p => $"{Uri.EscapeDataString(p.Name)}={Uri.EscapeDataString(p.Value)}") : []);
        var now = DateTime.UtcNow;
        var (stamp, day, host) = (now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), now.ToString("yyyyMMdd", CultureInfo.InvariantCulture), cloud.Authority);
        var canonical = $"POST\n/ec2\n\nhost:{host}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(body)))}";
        var text = $"AWS4-HMAC-SHA256\n{stamp}\n{day}/kumoi/ec2/aws4_request\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var derived = new[] { day, "kumoi", "ec2", "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes("AWS4" + key.Secret), (k, part) => HMACSHA256.HashData(k, Encoding.UTF8.GetBytes(part)));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ec2") { Content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded") };
        request.Headers.Host = host;
        request.Headers.TryAddWithoutValidation("X-Amz-Date", stamp);
        request.Headers.Authorization = new AuthenticationHeaderValue("AWS4-HMAC-SHA256", $"Credential={key.Id}/{day}/kumoi/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature={Hex(HMACSHA256.HashData(derived, Encoding.UTF8.GetBytes(text)))}");
        using var answer = await _http.SendAsync(request);
        var read = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? read : throw new InvalidOperationException($"{action} answered {(int)answer.StatusCode}: {read}");
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    public void Dispose() => _http.Dispose();
}
