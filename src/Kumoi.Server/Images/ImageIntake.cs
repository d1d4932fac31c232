using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Images;

/// <summary>Bytes of an image as their sender offers them.</summary>
/// <param name="Offset">Where in the image they begin.</param>
/// <param name="Length">How many the whole image has, as far as is known.</param>
/// <param name="IsPart">The rest comes with further requests.</param>
/// <param name="Tag">What the sender calls this version of the bytes; null: nothing, so that a rest cannot be asked for.</param>
public sealed record Incoming(Stream Body, long Offset, long? Length, bool IsPart = false, string? Tag = null);

/// <summary>What is kept of an image that has come in part.</summary>
public sealed record KeptPart(long Bytes, string? Tag);

/// <summary>
/// Brings bytes in, for uploads and imports alike: lease, write beside, hash, check, rename, record. Killed anywhere, the image is still
/// <c>pending</c>, and once the lease is over somebody may go on where the flushed bytes end.
/// </summary>
public sealed class ImageIntake(Database database, ImageStore store, ImageFiles files, ImageInspector inspector, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private static readonly TimeSpan LeaseLife = TimeSpan.FromSeconds(60), ProgressInterval = TimeSpan.FromSeconds(1), CheckLife = TimeSpan.FromMinutes(30);

    /// <param name="open">Opens the bytes behind those that are kept, or all of them.</param>
    public async Task<Result<Done>> TakeAsync(string imageId, EventActor actor, Func<KeptPart, CancellationToken, Task<Result<Incoming>>> open, CancellationToken cancel)
    {
        var holder = ids.New(Ids.Token);
        if (await store.LeaseAsync(imageId, holder, clock.GetUtcNow(), LeaseLife, cancel) is not { } before) return new Failure("image-busy", 409) { RetryAfter = LeaseLife };
        var (part, kept) = (files.PartOf(imageId, holder), 0L);
        try
        {
            kept = await files.AdoptAsync(imageId, holder, before.Bytes, cancel);
            var opened = await open(before with { Bytes = kept }, cancel);
            if (opened.Failure is { } failure)
            {
                await LeaveAsync(imageId, holder, kept, []);
                return failure;
            }
            await using var body = opened.Value.Body;
            kept = opened.Value.Offset;
            var received = await files.ReceiveAsync(part, kept, body, ProgressInterval, clock, async bytes =>
            {
                kept = bytes;
                if (!await store.ProgressAsync(imageId, holder, bytes, opened.Value.Length, opened.Value.Tag, clock.GetUtcNow() + LeaseLife, cancel)) throw new IOException("The image was deleted while its bytes came in.");
            }, cancel);
            if (received.Failure is null) kept = received.Value;
            // Checking may take longer than the lease of the last progress.
            await store.ProgressAsync(imageId, holder, kept, opened.Value.Length, opened.Value.Tag, clock.GetUtcNow() + CheckLife, cancel);
            if (received.Failure is null && opened.Value.IsPart && kept < opened.Value.Length)
            {
                await LeaveAsync(imageId, holder, kept, []);
                return new Done();
            }
            return await CheckAsync(imageId, holder, actor, part, received, opened.Value.Length, cancel);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or Microsoft.AspNetCore.Http.BadHttpRequestException)
        {
            // All that came is on the disk, whatever was told of it.
            if (File.Exists(part)) kept = new FileInfo(part).Length;
            await LeaveAsync(imageId, holder, kept, [new Condition("Content", "broken-off", $"The bytes broke off before all had come. {kept} are kept: the rest can be sent, or all again.", clock.GetUtcNow(), null)]);
            throw;
        }
        finally
        {
            File.Delete(part);
        }
    }

    private async Task<Result<Done>> CheckAsync(string imageId, string holder, EventActor actor, string part, Result<long> received, long? length, CancellationToken cancel)
    {
        var expectation = await store.ExpectationAsync(imageId, cancel);
        var refused = received.Failure ?? (length is { } expected && expected != received.Value ? Failure.Invalid("content", "incomplete", received.Value, expected) : null);
        var sum = refused is null ? await ImageFiles.HashAsync(part, cancel) : "";
        if (refused is null && expectation.Sha256 is { } asked && asked != sum) refused = Failure.Invalid("sha256", "sha256-differs", sum);
        Inspection? inspected = null;
        if (refused is null)
        {
            // Where nothing is said a disk is expected, of whichever form; a CD that is also a disk (for memory sticks) is a CD unless it is called raw.
            inspected = await inspector.InspectAsync(part, expectation.Format == ImageFormats.Qcow2 ? null : expectation.Format, cancel);
            if (inspected.Refused is { } violation) refused = Failure.Invalid(violation);
        }
        if (refused is not null)
        {
            await RefuseAsync(imageId, holder, actor, expectation, refused);
            return refused;
        }
        // The file before the record: an available image always has its bytes.
        files.Keep(part, imageId);
        return await database.TransactionAsync<Done>(async transaction =>
        {
            if (!await ImageStore.AvailableAsync(transaction, imageId, holder, inspected!, new Received(received.Value, sum), cancel)) return Failure.NotFound("image", imageId);
            await ImageMaking.EndAsync(transaction, hosts, imageId, cancel);
            await events.WriteAsync(transaction, expectation.AccountId, actor, "image.available", new Subject("image", imageId, expectation.Name), cancel);
            return new Done();
        }, cancel);
    }

    private Task RefuseAsync(string imageId, string holder, EventActor actor, (string AccountId, string Name, string, string?) image, Failure refused) =>
        database.TransactionAsync<Done>(async transaction =>
        {
            var message = refused.Violations.Count > 0
                ? Messages.Text("en", "rule." + refused.Violations[0].Rule, refused.Violations[0].Arguments) : Messages.Text("en", refused.Code, refused.Arguments);
            var reason = refused.Violations.Count > 0 ? refused.Violations[0].Rule : refused.Code;
            await ImageStore.NotYetAsync(transaction, imageId, holder, "failed", [new Condition("Refused", reason, message, clock.GetUtcNow(), null)], null, CancellationToken.None);
            await ImageMaking.EndAsync(transaction, hosts, imageId, CancellationToken.None);
            await events.WriteAsync(transaction, image.AccountId, actor, "image.refused", new Subject("image", imageId, image.Name), CancellationToken.None, message);
            return new Done();
        }, CancellationToken.None);

    /// <summary>The image waits for the rest, and nobody has to wait for the lease. The file before the record: bytes that are told of are there.</summary>
    private Task LeaveAsync(string imageId, string holder, long kept, IReadOnlyList<Condition> conditions)
    {
        files.Leave(imageId, holder);
        return database.ExecuteAsync("UPDATE images SET lease_holder = NULL, lease_until = NULL, received_bytes = $3, conditions = $4 WHERE id = $1 AND lease_holder = $2", CancellationToken.None,
            imageId, holder, kept, Columns.Json(conditions));
    }
}
