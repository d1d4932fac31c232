using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Volumes;

/// <summary>
/// Sends volumes that are there to become images. Each is sent as a whole; one that broke off is begun anew when the volume is looked at again, and the
/// server takes the bytes of an image once.
/// </summary>
/// <param name="send">Sends a file as the bytes of an image; tells how many were read.</param>
/// <param name="rests">How long one that failed rests. Too low: a server that is away is asked all the time; too high: people wait for it.</param>
/// <param name="changed">Called with a volume's id when its sending has ended.</param>
/// <param name="broken">Called with a volume's id and what nobody expected.</param>
public sealed class ImageUploads(Func<string, string, string, Action<long>, CancellationToken, Task> send, Backoff rests, TimeProvider clock, Action<string> changed, Action<string, Exception> broken) : IAsyncDisposable
{
    /// <summary>Too low: one large image delays all others; too high: guests wait for their disks.</summary>
    private const int Parallelism = 2;

    private readonly ConcurrentDictionary<string, Upload> _uploads = new();
    private readonly ConcurrentDictionary<Upload, byte> _givenUp = new();
    private readonly SemaphoreSlim _free = new(Parallelism, Parallelism);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>What is being sent of a volume; null: nothing.</summary>
    public VolumeWork? WorkOf(string volumeId) => _uploads.GetValueOrDefault(volumeId) is { Ended.IsCompleted: false } upload ? new VolumeWork(VolumeWorks.Upload, upload.Sent, upload.File.Bytes, upload.Since) : null;

    /// <summary>Why the last try failed; null: it did not.</summary>
    public string? FailureOf(string volumeId) => _uploads.GetValueOrDefault(volumeId)?.Words;

    /// <summary>Begins to send the volume, unless that is under way, was done, or has just failed.</summary>
    /// <param name="file">All of the volume.</param>
    public void Want(string volumeId, string imageId, string file)
    {
        var known = _uploads.GetValueOrDefault(volumeId);
        if (known is not null && known.ImageId != imageId)
        {
            GiveUp(volumeId);
            known = null;
        }
        if (known is not null && (!known.Ended.IsCompleted || known.IsSent || clock.GetUtcNow() < known.RestsUntil)) return;
        var upload = new Upload(imageId, new SentFile(file, new FileInfo(file).Length, File.GetLastWriteTimeUtc(file)), clock.GetUtcNow()) { Failures = known?.Failures ?? 0 };
        // A large file takes long to read, and this one is not written any more.
        if (known?.File == upload.File) upload.Sum = known.Sum;
        _uploads[volumeId] = upload;
        upload.Ended = Task.Run(() => SendAsync(volumeId, upload));
    }

    /// <summary>Ends the sending of volumes that are not to be sent any more.</summary>
    /// <param name="wanted">The image that a volume is to become; null: none.</param>
    public void Keep(Func<string, string?> wanted)
    {
        foreach (var (id, upload) in _uploads)
            if (wanted(id) != upload.ImageId) GiveUp(id);
    }

    private void GiveUp(string volumeId)
    {
        foreach (var over in _givenUp.Keys.Where(one => one.Ended.IsCompleted)) _givenUp.TryRemove(over, out _);
        if (!_uploads.TryRemove(volumeId, out var upload)) return;
        // It may use what is this one's until it has heard of it.
        _givenUp[upload] = 0;
        upload.Cancel.Cancel();
    }

    private async Task SendAsync(string volumeId, Upload upload)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, upload.Cancel.Token);
        try
        {
            await _free.WaitAsync(both.Token);
            try
            {
                upload.Sum ??= await SumAsync(upload.File.Path, both.Token);
                await send(upload.ImageId, upload.File.Path, upload.Sum, sent => upload.Sent = sent, both.Token);
                upload.IsSent = true;
            }
            finally
            {
                _free.Release();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            // What was refused may have been read wrongly; a server that has the bytes of another try in hand says nothing of that.
            if (e is ServerRefusedException && !e.Message.Contains("(image-busy)", StringComparison.Ordinal)) upload.Sum = null;
            Fail(upload, e.Message);
        }
#pragma warning disable CA1031 // Nobody else would hear of it, and the volume would count as sent; the exception is handed on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            broken(volumeId, e);
            Fail(upload, "The agent met an error it did not expect; its log has the details.");
        }
        changed(volumeId);
    }

    private void Fail(Upload upload, string words)
    {
        upload.RestsUntil = clock.GetUtcNow() + rests.After(++upload.Failures);
        upload.Words = words;
    }

    private static async Task<string> SumAsync(string file, CancellationToken cancel)
    {
        await using var bytes = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(bytes, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var upload in _uploads.Values.Concat(_givenUp.Keys))
        {
            await upload.Ended;
            upload.Cancel.Dispose();
        }
        _stop.Dispose();
        _free.Dispose();
    }

    private sealed record SentFile(string Path, long Bytes, DateTime Written);

    private sealed class Upload(string imageId, SentFile file, DateTimeOffset since)
    {
        public string ImageId => imageId;

        /// <summary>As it was when this began.</summary>
        public SentFile File => file;

        public DateTimeOffset Since => since;

        public CancellationTokenSource Cancel { get; } = new();

        public long Sent { get; set; }

        /// <summary>SHA-256 of the file, in lower-case hexadecimal digits; null: it was not read to its end yet.</summary>
        public string? Sum { get; set; }

        public volatile bool IsSent;

        /// <summary>Tries that failed, this one among them.</summary>
        public int Failures { get; set; }

        public DateTimeOffset RestsUntil { get; set; }

        public volatile string? Words;

        public Task Ended { get; set; } = Task.CompletedTask;
    }
}
