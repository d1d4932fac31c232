using System.Globalization;
using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Events;

/// <summary>Writes the log out, the oldest event first: a JSON object each line, or CSV (RFC 4180).</summary>
public static class EventExport
{
    // Read and written at a time: more is held in memory for each reader, fewer are more questions. Between them no connection of the database is held.
    private const int AtOnce = 1000;

    private const string Lines = "jsonl", Table = "csv";

    private static readonly string[] Header = ["id", "at", "accountId", "actorKind", "actorId", "actorName", "sourceAddress", "requestId", "action", "resourceType", "resourceId", "resourceName", "message", "changes"];

    public static Result<string> Format(Call call) => call.Query("format") switch { null or Lines => Lines, Table => Table, _ => Failure.Invalid("format", "one-of", $"{Lines}, {Table}") };

    /// <summary>All that there is until now: what comes while it is written would make it endless.</summary>
    public static async Task WriteAsync(Call call, EventStore store, EventQuery query, string format, DateTimeOffset now, CancellationToken cancel)
    {
        var response = call.Http.Response;
        response.ContentType = format == Table ? "text/csv; charset=utf-8; header=present" : "application/jsonl; charset=utf-8";
        response.Headers.ContentDisposition = $"attachment; filename=\"events.{format}\"";
        var filter = query.Filter with { Until = query.Filter.Until < now ? query.Filter.Until : now };
        var text = new StringBuilder();
        if (format == Table) AppendRow(text, Header);
        EventPlace? place = null;
        int count;
        do
        {
            var items = await store.ListAsync(query.AccountId, filter, place, newestFirst: false, AtOnce, cancel);
            foreach (var item in items)
            {
                if (format == Table) AppendRow(text, Cells(item));
                else text.Append(JsonSerializer.Serialize(item, WireJson.Default.Event)).Append('\n');
            }
            await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancel);
            await response.Body.FlushAsync(cancel);
            text.Clear();
            count = items.Count;
            if (count > 0) place = new EventPlace(items[^1].At, items[^1].Id);
        }
        while (count == AtOnce);
    }

    private static string?[] Cells(Event item) =>
    [
        item.Id, item.At.ToString("O", CultureInfo.InvariantCulture), item.AccountId, item.Actor.Kind, item.Actor.Id, item.Actor.Name, item.SourceAddress, item.RequestId, item.Action,
        item.Resource.Type, item.Resource.Id, item.Resource.Name, item.Message, item.Changes?.GetRawText(),
    ];

    private static void AppendRow(StringBuilder text, string?[] cells) => text.Append(Csv.Line(cells));
}
