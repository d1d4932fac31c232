using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes;

/// <summary>
/// Sends volumes that are there to become images. Each is sent as a whole; one that broke off is begun anew when the volume is looked at again, and the
/// server takes the bytes of an image once.
/// </summary>
/// <param name="send">Sends a file as the bytes of an image; tells how many were read.</param>
/// <param name="changed">Called with a volume's id when its sending has ended.</param>
public sealed class ImageUploads(Func<string, string, string, Action<long>, CancellationToken, Task> send, TimeProvider clock, Action<string> changed) : IAsyncDisposable
{
    /// <summary>Too low: one large image delays all others; too high: guests wait for their disks.</summary>
    private const int Parallelism = 2;

    /// <summary>How long one that failed rests. Too low: a server that is away is asked all the time; too high: people wait for it.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Upload> _uploads = new();
    private readonly SemaphoreSlim _free = new(Parallelism, Parallelism);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>What is being sent of a volume; null: nothing.</summary>
    public VolumeWork? WorkOf(string volumeId) => _uploads.GetValueOrDefault(volumeId) is { Ended.IsCompleted: false } upload ? new VolumeWork(VolumeWorks.Upload, upload.Sent, upload.Total, upload.Since) : null;

    /// <summary>Why the last try failed; null: it did not.</summary>
    public string? FailureOf(string volumeId) => _uploads.GetValueOrDefault(volumeId)?.Words;

    /// <summary>Begins to send the volume, unless that is under way, was done, or has just failed.</summary>
    /// <param name="file">All of the volume.</param>
    public void Want(string volumeId, string imageId, string file)
    {
        if (_uploads.TryGetValue(volumeId, out var known) && (!known.Ended.IsCompleted || known.Words is null || clock.GetUtcNow() - known.EndedAt < Rest)) return;
        var upload = new Upload(new FileInfo(file).Length, clock.GetUtcNow());
        _uploads[volumeId] = upload;
        upload.Ended = Task.Run(() => SendAsync(volumeId, imageId, file, upload));
    }

    /// <summary>Ends the sending of volumes that are not to be sent any more.</summary>
    public void Keep(Func<string, bool> isWanted)
    {
        foreach (var id in _uploads.Keys.Where(id => !isWanted(id)))
            if (_uploads.TryRemove(id, out var upload)) upload.Cancel.Cancel();
    }

    private async Task SendAsync(string volumeId, string imageId, string file, Upload upload)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, upload.Cancel.Token);
        try
        {
            await _free.WaitAsync(both.Token);
            try
            {
                string sum;
                await using (var bytes = File.OpenRead(file)) sum = Convert.ToHexStringLower(await SHA256.HashDataAsync(bytes, both.Token));
                await send(imageId, file, sum, sent => upload.Sent = sent, both.Token);
            }
            finally
            {
                _free.Release();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            (upload.Words, upload.EndedAt) = (e.Message, clock.GetUtcNow());
        }
        changed(volumeId);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var upload in _uploads.Values) await upload.Ended;
        _stop.Dispose();
        _free.Dispose();
    }

    private sealed class Upload(long total, DateTimeOffset since)
    {
        public long Total => total;

        public DateTimeOffset Since => since;

        public CancellationTokenSource Cancel { get; } = new();

        public long Sent { get; set; }

        public volatile string? Words;

        public DateTimeOffset EndedAt { get; set; }

        public Task Ended { get; set; } = Task.CompletedTask;
    }
}
