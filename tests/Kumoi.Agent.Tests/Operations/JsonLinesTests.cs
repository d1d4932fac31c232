using System.Text.Json;
using Kumoi.Api.Logging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Kumoi.Agent.Tests.Operations;

/// <summary>Goal: every line of the log is one JSON object that holds what the message names.</summary>
public sealed class JsonLinesTests
{
    [Fact]
    public void A_line_holds_message_fields_scope_and_exception()
    {
        var scopes = new LoggerExternalScopeProvider();
        using var outer = scopes.Push(new KeyValuePair<string, object?>[] { new("RequestId", "req-1") });
        using var text = new StringWriter();
        KeyValuePair<string, object?>[] state = [new("Instance", "i-1"), new("Attempt", 3), new("time", "no field may pass for the line's own"), new("{OriginalFormat}", "…")];
        var entry = new LogEntry<KeyValuePair<string, object?>[]>(LogLevel.Warning, "Kumoi.Agent", new EventId(20), state, new InvalidOperationException("broken\nin two lines"), (_, _) => "雲 \"quoted\"\nnext");
        new JsonLines(TimeProvider.System).Write(entry, scopes, text);
        Assert.Equal('\n', text.ToString()[^1]);
        Assert.DoesNotContain('\n', text.ToString()[..^1]);
        Assert.Contains("雲", text.ToString(), StringComparison.Ordinal);
        using var line = JsonDocument.Parse(text.ToString());
        string? Field(string name) => line.RootElement.GetProperty(name).ToString();
        Assert.Equal(("warn", "Kumoi.Agent", "20", "雲 \"quoted\"\nnext"), (Field("level"), Field("category"), Field("eventId"), Field("message")));
        Assert.Equal(("i-1", "3", "req-1"), (Field("instance"), Field("attempt"), Field("requestId")));
        Assert.StartsWith("System.InvalidOperationException", Field("exception"), StringComparison.Ordinal);
        Assert.EndsWith("Z", Field("time"), StringComparison.Ordinal);
    }
}
