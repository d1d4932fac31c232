using System.Globalization;
using System.Text;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>The GET of a health check, and how its answer's first line is read. Redirects count as answers and are not followed.</summary>
public static class HttpQuestion
{
    public const string UserAgent = "Kumoi-Health/1";

    /// <summary>Bytes of an answer that are read; its first line is within them.</summary>
    public const int AnswerMax = 1024;

    /// <param name="path">Of the form that <see cref="BalancerIntents"/> lets pass.</param>
    public static byte[] Text(string path, string host) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: {Host(host)}\r\nUser-Agent: {UserAgent}\r\nConnection: close\r\n\r\n");

    /// <summary>An address as a header of HTTP has it.</summary>
    public static string Host(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    /// <summary>Null if the answer is a good one; otherwise why it is none.</summary>
    public static string? Judge(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < 12 || !answer.StartsWith("HTTP/1."u8) || answer[8] != ' ' || !int.TryParse(answer.Slice(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            return HealthReasons.NotHttp;
        return status is >= 200 and <= 399 ? null : HealthReasons.Status(status.ToString(CultureInfo.InvariantCulture));
    }
}
