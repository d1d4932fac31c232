using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;

namespace Kumoi.Server.Platform.Http;

/// <summary>
/// Reads a JSON body and names every field that is unknown, missing or of the wrong type, all at once, instead of the first one
/// that the serializer trips over.
/// </summary>
public static class Bodies
{
    // Enough for 64 KiB of user data, escaped at worst six to one. Larger would let anybody fill memory.
    public const int BytesMax = 512 * 1024;

    public static async Task<Result<T>> ReadAsync<T>(HttpContext http)
    {
        var info = (JsonTypeInfo<T>)ApiJson.Default.GetTypeInfo(typeof(T))!;
        if (!http.Request.HasJsonContentType()) return new Failure("json-required", 415);
        if (http.Request.ContentLength > BytesMax) return new Failure("body-too-large", 413, BytesMax);
        var bytes = await ReadBytesAsync(http.Request.Body, http.RequestAborted);
        if (bytes is null) return new Failure("body-too-large", 413, BytesMax);
        http.Items[typeof(Bodies)] = bytes;
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            var violations = new List<Violation>();
            Check(document.RootElement, info, "", violations);
            if (violations.Count > 0) return Failure.Invalid([.. violations]);
            return JsonSerializer.Deserialize(document, info)!;
        }
        catch (JsonException e)
        {
            var field = e.Path?.TrimStart('$').TrimStart('.');
            return string.IsNullOrEmpty(field) ? new Failure("not-json", 400) : Failure.Invalid(field, "wrong-type");
        }
    }

    /// <summary>The bytes that <see cref="ReadAsync"/> read for this request; empty if it has no body.</summary>
    public static byte[] Seen(HttpContext http) => http.Items[typeof(Bodies)] as byte[] ?? [];

    /// <summary>A body of at most <see cref="BytesMax"/>; null if it is larger.</summary>
    public static async Task<byte[]?> ReadBytesAsync(Stream body, CancellationToken cancel)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await body.ReadAsync(buffer, cancel)) > 0;)
            {
                if (memory.Length + read > BytesMax) return null;
                memory.Write(buffer, 0, read);
            }
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new SenderGoneException(e);
        }
        return memory.ToArray();
    }

    private static void Check(JsonElement element, JsonTypeInfo info, string path, List<Violation> violations, bool inList = false)
    {
        if (info.Kind == JsonTypeInfoKind.Enumerable && element.ValueKind == JsonValueKind.Array && info.ElementType is { } elementType)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray()) Check(item, info.Options.GetTypeInfo(elementType), $"{path}[{index++}]", violations, inList: true);
            return;
        }
        if (info.Kind != JsonTypeInfoKind.Object)
        {
            if (element.ValueKind == JsonValueKind.Null && (inList || info.Type.IsValueType)) violations.Add(new Violation(path, "required"));
            else if (!Fits(element, info)) violations.Add(new Violation(path, "wrong-type"));
            // PostgreSQL has no NUL in text.
            else if (element.ValueKind == JsonValueKind.String && element.GetString()!.Contains('\0', StringComparison.Ordinal)) violations.Add(new Violation(path, "no-nul"));
            return;
        }
        if (element.ValueKind != JsonValueKind.Object)
        {
            violations.Add(new Violation(path, "wrong-type"));
            return;
        }
        string Field(string name) => path.Length == 0 ? name : $"{path}.{name}";
        foreach (var member in element.EnumerateObject())
        {
            var property = info.Properties.FirstOrDefault(p => p.Name == member.Name);
            if (property is null) violations.Add(new Violation(Field(member.Name), "unknown-field"));
            else if (member.Value.ValueKind == JsonValueKind.Null && !property.IsSetNullable) violations.Add(new Violation(Field(member.Name), "required"));
            else if (member.Value.ValueKind != JsonValueKind.Null)
                Check(member.Value, info.Options.GetTypeInfo(property.PropertyType), Field(member.Name), violations);
        }
        foreach (var property in info.Properties)
        {
            var optional = property.AssociatedParameter is { } parameter && (parameter.IsNullable || Nullable.GetUnderlyingType(parameter.ParameterType) is not null);
            if (!optional && !element.TryGetProperty(property.Name, out _)) violations.Add(new Violation(Field(property.Name), "required"));
        }
    }

    private static bool Fits(JsonElement element, JsonTypeInfo info)
    {
        try
        {
            element.Deserialize(info);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>Whoever sent the request went away in the middle of its body: there is nobody to answer, and nothing is wrong here.</summary>
public sealed class SenderGoneException(IOException inner) : Exception("The sender went away before all of the request had come.", inner);
