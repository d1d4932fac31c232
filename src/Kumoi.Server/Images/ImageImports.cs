using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Images;

/// <summary>Opens an image's URL. For tenants only public addresses: else the cloud would fetch from its own inside on their behalf.</summary>
public sealed class ImageFetch : IDisposable
{
    private readonly HttpClient _trusted = Client(anywhere: true), _untrusted = Client(anywhere: false);

    /// <summary>The bytes behind those that are kept, if the source still has the same ones; else all.</summary>
    public async Task<Incoming> OpenAsync(string url, bool trusted, KeptPart kept, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (kept is { Bytes: > 0, Tag: { } tag })
        {
            request.Headers.Range = new RangeHeaderValue(kept.Bytes, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(tag));
        }
        var response = await (trusted ? _trusted : _untrusted).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        response.EnsureSuccessStatusCode();
        var strong = response.Headers.ETag is { IsWeak: false } named ? named.Tag : null;
        var body = await response.Content.ReadAsStreamAsync(cancel);
        var range = response.Content.Headers.ContentRange;
        if (response.StatusCode != HttpStatusCode.PartialContent) return new Incoming(body, 0, response.Content.Headers.ContentLength, Tag: strong);
        return range?.From == kept.Bytes ? new Incoming(body, kept.Bytes, range.Length, Tag: strong ?? kept.Tag) : throw new HttpRequestException("The source answered with another part than was asked for.");
    }

    private static HttpClient Client(bool anywhere) => new(new SocketsHttpHandler
    {
        ConnectTimeout = TimeSpan.FromSeconds(20), MaxAutomaticRedirections = 5, UseProxy = anywhere,
        ConnectCallback = anywhere ? null : (context, cancel) => Outside.ConnectAsync(context, address => !Outside.IsInside(address), cancel),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public void Dispose()
    {
        _trusted.Dispose();
        _untrusted.Dispose();
    }
}

/// <summary>Imports images that were registered with a URL, whichever server they were registered at, and sweeps files of deleted images.</summary>
public sealed class ImageImports(Database database, ImageStore store, ImageFiles files, ImageIntake intake, ImageFetch fetch, EventBell bell, EventLog events, TimeProvider clock, ILogger<ImageImports> log)
    : BackgroundService
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2), PauseMin = TimeSpan.FromMilliseconds(100), RetryFirst = TimeSpan.FromSeconds(5), RetryLongest = TimeSpan.FromMinutes(5);

    // A source that is gone for good is told as failed after about half an hour of tries.
    private const int AttemptsMax = 10;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var swept = DateTimeOffset.MinValue;
        while (!stoppingToken.IsCancellationRequested)
        {
            var ring = bell.Next;
            try
            {
                if (clock.GetUtcNow() - swept > TimeSpan.FromMinutes(10))
                {
                    await SweepAsync(stoppingToken);
                    swept = clock.GetUtcNow();
                }
                var due = await store.DueImportsAsync(clock.GetUtcNow(), stoppingToken);
                await Task.WhenAll(due.ConvertAll(import => ImportAsync(import.Id, import.Url, import.Trusted, import.Attempts, stoppingToken)));
            }
            catch (Exception e) when (e is Npgsql.NpgsqlException or IOException)
            {
                ImageLog.ImportsFailed(log, e);
            }
            await Task.WhenAny(ring, Task.Delay(LookInterval, clock, stoppingToken));
            // Every event of the cloud rings; looking for imports at each would be much work for nothing.
            await Task.Delay(PauseMin, clock, stoppingToken);
        }
    }

    private async Task ImportAsync(string id, string url, bool trusted, int attempts, CancellationToken cancel)
    {
        try
        {
            await intake.TakeAsync(id, EventActor.System, async (kept, stop) => await fetch.OpenAsync(url, trusted, kept, stop), cancel);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            ImageLog.ImportFailed(log, id, e.Message);
            // Nothing is behind what is kept: all of it came, and was not looked at to the end; or the source has become another. It is fetched anew.
            if (e is HttpRequestException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable }) await database.ExecuteAsync("UPDATE images SET received_bytes = 0, source_tag = NULL WHERE id = $1 AND state = 'pending' AND (lease_until IS NULL OR lease_until < $2)", cancel, id, clock.GetUtcNow());
            await LaterAsync(id, IsFinal(e) ? AttemptsMax : attempts + 1, e switch
            {
                HttpRequestException { StatusCode: { } status } => $"The source answered {(int)status}.",
                HttpRequestException or SocketException => $"The source could not be read: {e.Message}",
                // What the store says names places of this server; its log has it.
                _ => "The bytes broke off or could not be stored.",
            }, cancel);
        }
    }

    /// <summary>Another try would be answered the same: nothing is there, or it is nobody's to have. A source that is busy says 408, 425 or 429.</summary>
    private static bool IsFinal(Exception e) =>
        e is HttpRequestException { InnerException: InsideAddressException } || e is HttpRequestException { StatusCode: { } status } && (int)status is >= 400 and < 500 and not (408 or 416 or 425 or 429);

    private Task LaterAsync(string id, int attempts, string message, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var now = clock.GetUtcNow();
        var wait = TimeSpan.FromTicks(Math.Min(RetryLongest.Ticks, RetryFirst.Ticks << Math.Min(attempts - 1, 10)));
        var last = attempts >= AttemptsMax;
        var condition = new Condition("ImportFailed", "source", message, now, last ? null : now + wait);
        await transaction.ExecuteAsync(
            "UPDATE images SET state = $2, conditions = $3, attempts = $4, lease_holder = NULL, lease_until = $5 WHERE id = $1 AND state = 'pending' AND deleted_at IS NULL", cancel,
            id, last ? "failed" : "pending", Columns.Json([condition]), attempts, Columns.TimeValue(last ? null : now + wait));
        transaction.AfterCommit(events.Ring);
        return new Done();
    }, cancel);

    /// <summary>Removes files whose image is deleted or was never recorded; those of imports and uploads under way have a record.</summary>
    public async Task SweepAsync(CancellationToken cancel)
    {
        var present = files.Present().ToList();
        var living = await store.LivingAsync(present, cancel);
        // Nobody has gone on with these for a day.
        foreach (var id in files.Abandoned(clock.GetUtcNow().UtcDateTime.AddDays(-1)))
            if (await database.ExecuteAsync("UPDATE images SET received_bytes = 0, conditions = '[]' WHERE id = $1 AND (lease_until IS NULL OR lease_until < $2)", cancel, id, clock.GetUtcNow()) == 1) files.DeleteParts(id);
        foreach (var id in present.Where(id => Ids.Looks(id) && !living.Contains(id))) files.Delete(id);
    }
}

internal static partial class ImageLog
{
    [LoggerMessage(4001, LogLevel.Warning, "Images could not be looked for; the next try is in two seconds.")]
    public static partial void ImportsFailed(ILogger logger, Exception exception);

    [LoggerMessage(4002, LogLevel.Information, "Import of {Image} failed: {Reason}")]
    public static partial void ImportFailed(ILogger logger, string image, string reason);
}
