using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kumoi.Agent.Control;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Reconcile;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>Volumes that are sent to become images: each until it is taken, whatever the server, the file or the agent does meanwhile.</summary>
public sealed class ImageUploadTests : IDisposable
{
    private const string Volume = "vol-19a3f2b4c5d6e0001";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("kumoi-test-upload").FullName, "base.qcow2");
    private readonly ManualTime _time = new();
    private readonly ConcurrentQueue<string> _sums = new(), _ended = new();
    private readonly List<Exception> _broken = [];
    private Func<CancellationToken, Task> _server = _ => Task.CompletedTask;

    public ImageUploadTests() => File.WriteAllBytes(_file, [1, 2, 3]);

    [Fact]
    public async Task An_agent_that_ends_in_the_middle_leaves_the_sending_to_the_next_which_begins_anew()
    {
        _server = cancel => Task.Delay(Timeout.Infinite, cancel);
        await using (var one = Agent())
        {
            one.Want(Volume, Samples.Image, _file);
            await Wait.ForAsync("the server's hearing of it", () => _sums.Count == 1, Soon);
            Assert.Equal(3, one.WorkOf(Volume)!.TotalBytes);
        }
        Assert.Single(_ended);
        _server = _ => Task.CompletedTask;
        await using var next = Agent();
        await TryAsync(next);
        Assert.Equal((2, null, null), (_sums.Count, next.FailureOf(Volume), next.WorkOf(Volume)));
        // It was taken, and is not sent again.
        next.Want(Volume, Samples.Image, _file);
        Assert.Equal(2, _ended.Count);
    }

    [Fact]
    public async Task What_broke_off_is_sent_again_after_growing_waits_and_not_read_anew_for_its_sum()
    {
        await using var agent = Agent();
        _server = _ => throw new IOException("The connection was reset.");
        var waits = new List<double>();
        await TryAsync(agent);
        for (var times = 1; times <= 4; times++)
        {
            Assert.Equal("The connection was reset.", agent.FailureOf(Volume));
            // Of the same length and time, so that only who looks into it would see that it is another.
            var written = File.GetLastWriteTimeUtc(_file);
            await File.WriteAllBytesAsync(_file, [9, 9, 9]);
            File.SetLastWriteTimeUtc(_file, written);
            var ended = _ended.Count;
            var seconds = 0;
            for (agent.Want(Volume, Samples.Image, _file); agent.FailureOf(Volume) is not null && _ended.Count == ended; agent.Want(Volume, Samples.Image, _file))
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                seconds++;
            }
            waits.Add(seconds);
            await Wait.ForAsync("the end of it", () => _ended.Count > ended && agent.WorkOf(Volume) is null, Soon);
        }
        Assert.Equal(waits.Order(), waits);
        Assert.InRange(waits[0], 5, 11);
        Assert.InRange(waits[^1], 40, 81);
        Assert.Equal([Convert.ToHexStringLower(SHA256.HashData([1, 2, 3]))], _sums.Distinct());
    }

    [Fact]
    public async Task No_such_image_ends_it_with_the_record_and_a_refused_sum_is_made_anew()
    {
        await using var agent = Agent();
        _server = _ => throw new ServerRefusedException("The server answered 404 (image-not-found).");
        await TryAsync(agent);
        Assert.Contains("404", agent.FailureOf(Volume), StringComparison.Ordinal);
        var written = File.GetLastWriteTimeUtc(_file);
        await File.WriteAllBytesAsync(_file, [9, 9, 9]);
        File.SetLastWriteTimeUtc(_file, written);
        _time.Advance(TimeSpan.FromMinutes(1));
        await TryAsync(agent);
        Assert.Equal(2, _sums.Distinct().Count());
        agent.Keep(_ => null);
        Assert.Null(agent.FailureOf(Volume));
    }

    [Fact]
    public async Task One_that_is_given_up_is_waited_for_and_another_image_is_sent_in_its_place()
    {
        var (began, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server = async _ =>
        {
            began.TrySetResult();
            // It takes its time to hear that it is given up.
            await go.Task;
        };
        var agent = Agent();
        agent.Want(Volume, Samples.Image, _file);
        await began.Task.WaitAsync(Soon);
        agent.Keep(_ => "img-19a3f2b4c5d6e7f99");
        Assert.Null(agent.WorkOf(Volume));
        var disposed = agent.DisposeAsync().AsTask();
        Assert.False(disposed.IsCompleted);
        go.SetResult();
        await disposed.WaitAsync(Soon);
        Assert.Single(_ended);
    }

    [Fact]
    public async Task What_nobody_expected_is_a_failure_and_handed_on()
    {
        await using var agent = Agent();
        _server = _ => throw new InvalidOperationException("bang");
        await TryAsync(agent);
        Assert.NotNull(agent.FailureOf(Volume));
        Assert.Equal("bang", Assert.Single(_broken).Message);
    }

    private ImageUploads Agent() => new((_, _, sum, _, cancel) =>
    {
        _sums.Enqueue(sum);
        return _server(cancel);
    }, new Backoff(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5), new Random(1)), _time, _ended.Enqueue, (_, e) => _broken.Add(e));

    private async Task TryAsync(ImageUploads agent)
    {
        var ended = _ended.Count;
        agent.Want(Volume, Samples.Image, _file);
        await Wait.ForAsync("the end of it", () => _ended.Count > ended && agent.WorkOf(Volume) is null, Soon);
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);
}
