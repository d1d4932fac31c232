using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Kumoi.Api.Logging;

/// <summary>
/// One JSON object a line: time, level, category, event id, message, what the message names (as fields of its own), what the scopes hold
/// (such as the request's id), and the trace.
/// </summary>
public sealed class JsonLines(TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "kumoi-json";

    // Japanese stays readable; nothing here is embedded in HTML.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            var names = new HashSet<string> { "time", "level", "category", "eventId", "message", "exception", "traceId", "spanId" };
            json.WriteStartObject();
            json.WriteString("time", clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture));
            json.WriteString("level", logEntry.LogLevel switch
            {
                LogLevel.Trace => "trace", LogLevel.Debug => "debug", LogLevel.Information => "info", LogLevel.Warning => "warn", LogLevel.Error => "error", _ => "critical",
            });
            json.WriteString("category", logEntry.Category);
            json.WriteNumber("eventId", logEntry.EventId.Id);
            json.WriteString("message", logEntry.Formatter(logEntry.State, logEntry.Exception));
            if (logEntry.State is IEnumerable<KeyValuePair<string, object?>> fields) Fields(json, fields, names);
            scopeProvider?.ForEachScope(static (scope, to) =>
            {
                if (scope is IEnumerable<KeyValuePair<string, object?>> held) Fields(to.json, held, to.names);
            }, (json, names));
            if (Activity.Current is { } activity)
            {
                json.WriteString("traceId", activity.TraceId.ToHexString());
                json.WriteString("spanId", activity.SpanId.ToHexString());
            }
            if (logEntry.Exception is { } exception) json.WriteString("exception", exception.ToString());
            json.WriteEndObject();
        }
        textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        textWriter.Write('\n');
    }

    private static void Fields(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> fields, HashSet<string> names)
    {
        foreach (var (key, value) in fields)
        {
            if (key == "{OriginalFormat}") continue;
            var name = JsonNamingPolicy.CamelCase.ConvertName(key);
            // The innermost word on a name counts.
            if (!names.Add(name)) continue;
            switch (value)
            {
                case null: json.WriteNull(name); break;
                case bool flag: json.WriteBoolean(name, flag); break;
                case int number: json.WriteNumber(name, number); break;
                case long number: json.WriteNumber(name, number); break;
                case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
                default: json.WriteString(name, Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)); break;
            }
        }
    }
}

/// <summary>The two forms of a log on the console.</summary>
public static class LogFormats
{
    public const string Text = "text", Json = "json";

    public static readonly IReadOnlyList<string> All = [Text, Json];

    /// <summary>Logs to the console in a form of <see cref="All"/>.</summary>
    public static ILoggingBuilder AddLines(this ILoggingBuilder logging, string format, TimeProvider clock)
    {
        if (format == Json)
        {
            logging.AddConsole(console => console.FormatterName = JsonLines.FormatterName).AddConsoleFormatter<JsonLines, ConsoleFormatterOptions>();
            logging.Services.TryAddSingleton(clock);
            return logging;
        }
        return logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
    }
}
