using System.Text;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>A request of the Query API as it came: what signatures are made over, and the parameters.</summary>
/// <param name="Path">As the request line has it.</param>
/// <param name="Headers">By lower-case name; several values of one are joined by commas, blanks at their ends taken away and rows of them made one.</param>
/// <param name="Query">Names and values of the query, decoded.</param>
/// <param name="Form">Those of the body.</param>
public sealed record Ec2Request(string Method, string Path, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<KeyValuePair<string, string>> Query, IReadOnlyList<KeyValuePair<string, string>> Form, byte[] Body)
{
    // A thousand ids with filters fit. More would let a caller keep a processor busy with one request.
    private const int ParametersMax = 2000;

    // Longer than any that an action knows.
    private const int NameLengthMax = 256;

    // 64 KiB of user data in base 64, and some room.
    private const int ValueLengthMax = 128 * 1024;

    // As many as any client signs.
    private const int HeadersMax = 100;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads it, within limits.</summary>
    public static async Task<(Ec2Request? Request, Ec2Fault? Fault)> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength > Bodies.BytesMax) return (null, Ec2Fault.TooLarge);
        var body = await Bodies.ReadBytesAsync(http.Request.Body, http.RequestAborted);
        if (body is null) return (null, Ec2Fault.TooLarge);
        var target = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        var path = target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? target[..at] : target;
        var query = Read(Encoding.UTF8.GetBytes((http.Request.QueryString.Value ?? "").TrimStart('?')));
        var isForm = http.Request.Method == "POST" && http.Request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true;
        var form = isForm ? Read(body) : [];
        if (query is null || form is null || query.Count + form.Count > ParametersMax || http.Request.Headers.Count > HeadersMax) return (null, Ec2Fault.Malformed);
        // Which of two would count is not for anybody to choose.
        if (query.Concat(form).CountBy(one => one.Key).Any(count => count.Value > 1)) return (null, Ec2Fault.Malformed);
        var headers = http.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(',', header.Value.Select(value => Plain(value ?? ""))), StringComparer.Ordinal);
        return (new Ec2Request(http.Request.Method, path, headers, query, form, body), null);
    }

    /// <summary>All parameters, wherever they were.</summary>
    public IReadOnlyDictionary<string, string> Parameters() => Query.Concat(Form).ToDictionary(one => one.Key, one => one.Value, StringComparer.Ordinal);

    private static string Plain(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    /// <summary>Names and values of a form (application/x-www-form-urlencoded); null if it is none, or has more or longer ones than make sense.</summary>
    public static List<KeyValuePair<string, string>>? Read(ReadOnlySpan<byte> text)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var range in text.Split((byte)'&'))
        {
            var pair = text[range];
            if (pair.IsEmpty) continue;
            var at = pair.IndexOf((byte)'=');
            if (Decode(at < 0 ? pair : pair[..at]) is not { Length: > 0 and <= NameLengthMax } name || Decode(at < 0 ? [] : pair[(at + 1)..]) is not { Length: <= ValueLengthMax } value || pairs.Count > ParametersMax) return null;
            pairs.Add(new(name, value));
        }
        return pairs;
    }

    private static string? Decode(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit((char)text[i + 1]) || !char.IsAsciiHexDigit((char)text[i + 2])) return null;
                bytes[length++] = Convert.FromHexString(Encoding.ASCII.GetString(text.Slice(i + 1, 2)))[0];
                i += 2;
            }
            else bytes[length++] = text[i] == '+' ? (byte)' ' : text[i];
        }
        try
        {
            var decoded = Strict.GetString(bytes, 0, length);
            // PostgreSQL has no NUL in text.
            return decoded.Contains('\0', StringComparison.Ordinal) ? null : decoded;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
