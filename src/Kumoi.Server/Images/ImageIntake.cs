using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Images;

/// <summary>
/// Brings bytes in, for uploads and imports alike: lease, write beside, hash, check, rename, record. Killed anywhere, the image is still
/// <c>pending</c>, and once the lease is over somebody may begin again.
/// </summary>
public sealed class ImageIntake(Database database, ImageStore store, ImageFiles files, ImageInspector inspector, EventLog events, Ids ids, TimeProvider clock)
{
    private static readonly TimeSpan LeaseLife = TimeSpan.FromSeconds(60), ProgressInterval = TimeSpan.FromSeconds(1);

    public async Task<Result<Received>> TakeAsync(
        string imageId, EventActor actor, Func<string, CancellationToken, Task<(Stream Body, long? Length)>> open, CancellationToken cancel)
    {
        var holder = ids.New(Ids.Token);
        if (!await store.LeaseAsync(imageId, holder, clock.GetUtcNow(), LeaseLife, cancel)) return new Failure("image-busy", 409) { RetryAfter = LeaseLife };
        var part = files.PartOf(imageId, holder);
        try
        {
            files.DeleteParts(imageId);
            var expectation = await store.ExpectationAsync(imageId, cancel);
            var received = await ReceiveAsync(imageId, holder, part, open, cancel);
            var refused = received.Failure ?? (expectation.Sha256 is { } sum && sum != received.Value.Sha256
                ? Failure.Invalid("sha256", "sha256-differs", received.Value.Sha256) : null);
            Inspection? inspected = null;
            if (refused is null)
            {
                inspected = await inspector.InspectAsync(part, null, cancel);
                if (inspected.Refused is { } violation) refused = Failure.Invalid(violation);
            }
            if (refused is not null)
            {
                await RefuseAsync(imageId, holder, actor, expectation, refused);
                return refused;
            }
            // The file before the record: an available image always has its bytes.
            files.Keep(part, imageId);
            return await database.TransactionAsync<Received>(async transaction =>
            {
                if (!await ImageStore.AvailableAsync(transaction, imageId, holder, inspected!, received.Value, cancel)) return Failure.NotFound("image", imageId);
                await events.WriteAsync(transaction, expectation.AccountId, actor, "image.available", new Subject("image", imageId, expectation.Name), cancel);
                return received;
            }, cancel);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or Microsoft.AspNetCore.Http.BadHttpRequestException)
        {
            await ReleaseAsync(imageId, holder);
            throw;
        }
        finally
        {
            File.Delete(part);
        }
    }

    private async Task<Result<Received>> ReceiveAsync(
        string imageId, string holder, string part, Func<string, CancellationToken, Task<(Stream Body, long? Length)>> open, CancellationToken cancel)
    {
        var (body, length) = await open(imageId, cancel);
        await using var _ = body;
        var told = DateTimeOffset.MinValue;
        var received = await files.ReceiveAsync(part, body, async bytes =>
        {
            if (clock.GetUtcNow() - told < ProgressInterval) return;
            told = clock.GetUtcNow();
            if (!await store.ProgressAsync(imageId, holder, bytes, length, told + LeaseLife, cancel)) throw new IOException("The image was deleted while its bytes came in.");
        }, cancel);
        if (received.Failure is not null) return received;
        // Checking may take longer than the lease of the last progress.
        await store.ProgressAsync(imageId, holder, received.Value.Bytes, length, clock.GetUtcNow() + TimeSpan.FromMinutes(15), cancel);
        return length is { } expected && expected != received.Value.Bytes ? Failure.Invalid("content", "incomplete", received.Value.Bytes, expected) : received;
    }

    private Task RefuseAsync(string imageId, string holder, EventActor actor, (string AccountId, string Name, string, string?) image, Failure refused) =>
        database.TransactionAsync<Done>(async transaction =>
        {
            var message = refused.Violations.Count > 0
                ? Messages.Text("en", "rule." + refused.Violations[0].Rule, refused.Violations[0].Arguments) : Messages.Text("en", refused.Code, refused.Arguments);
            var reason = refused.Violations.Count > 0 ? refused.Violations[0].Rule : refused.Code;
            await ImageStore.NotYetAsync(transaction, imageId, holder, "failed", [new Condition("Refused", reason, message, clock.GetUtcNow(), null)], null, CancellationToken.None);
            await events.WriteAsync(transaction, image.AccountId, actor, "image.refused", new Subject("image", imageId, image.Name), CancellationToken.None, message);
            return new Done();
        }, CancellationToken.None);

    // The sender broke off: the image waits for bytes as before, and nobody has to wait for the lease.
    private Task ReleaseAsync(string imageId, string holder)
    {
        var condition = new Condition("Content", "broken-off", "The bytes broke off before all had come, and none are kept. An upload can be sent again.", clock.GetUtcNow(), null);
        return database.ExecuteAsync("UPDATE images SET lease_holder = NULL, lease_until = NULL, received_bytes = 0, conditions = $3 WHERE id = $1 AND lease_holder = $2", CancellationToken.None,
            imageId, holder, Columns.Json([condition]));
    }
}
