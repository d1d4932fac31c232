namespace Kumoi.Agent.Images.Peers;

/// <summary>Bytes that must keep coming: fewer than so many in a span of time are a failure, as no bytes are.</summary>
internal sealed class SteadyStream(Stream inner, long least, TimeSpan span, TimeProvider clock) : Stream
{
    private long _since = clock.GetTimestamp(), _came;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(span, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var read = await inner.ReadAsync(buffer, both.Token);
            _came += read;
            if (clock.GetElapsedTime(_since) < span) return read;
            if (read > 0 && _came < least) throw TooSlow();
            (_since, _came) = (clock.GetTimestamp(), 0);
            return read;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
    }

    private IOException TooSlow() => new($"Fewer than {least} bytes came in {span.TotalSeconds:0} s.");

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
