using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Reads hosts' reports. Those of many instances are larger than any user's request; and a host that was taken over may say anything, which must do no harm
/// to the others whose reports are recorded together with its own.
/// </summary>
public static class AgentBodies
{
    // 10,000 instances at 1 KiB each, twice over.
    private const int BytesMax = 20 * 1024 * 1024;

    private const int DepthMax = 16;

    private static readonly JsonTypeInfo<ObservedReport> Report =
        (JsonTypeInfo<ObservedReport>)new JsonSerializerOptions(ApiJson.Default.Options) { TypeInfoResolver = ApiJson.Default, MaxDepth = DepthMax, Converters = { new PlainTexts() } }.GetTypeInfo(typeof(ObservedReport));

    public static async Task<Result<ObservedReport>> ReadReportAsync(HttpContext http)
    {
        if (http.Request.ContentLength is not { } length || length > BytesMax) return new Failure("body-too-large", 413, BytesMax);
        var buffer = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            await http.Request.Body.ReadExactlyAsync(buffer.AsMemory(0, (int)length), http.RequestAborted);
            return Parse(buffer.AsSpan(0, (int)length)) is { } report ? report : new Failure("not-json", 400);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new SenderGoneException(e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The report; null if it is none.</summary>
    public static ObservedReport? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return HasGaps(json) ? null : JsonSerializer.Deserialize(json, Report);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>True if a list has nothing where an entry should be; the serializer would take it for an entry.</summary>
    private static bool HasGaps(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        Span<bool> inList = stackalloc bool[DepthMax + 1];
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject) inList[reader.CurrentDepth + 1] = reader.TokenType == JsonTokenType.StartArray;
            else if (reader.TokenType == JsonTokenType.Null && inList[reader.CurrentDepth]) return true;
        }
        return false;
    }

    /// <summary>Every text of a report as it can be kept and shown.</summary>
    private sealed class PlainTexts : JsonConverter<string>
    {
        // Longer is no name, no reason and no count of anything.
        private const int LengthMax = 4096;

        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => PlainText.Of(reader.GetString()!, LengthMax);

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
