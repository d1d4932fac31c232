using System.Buffers.Binary;
using System.Text;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>What a request to a target's management is about; the numbers are those of its protocol (<c>usr/tgtadm.h</c> of tgt).</summary>
internal enum TargetMode
{
    Target = 1,
    Unit = 2,
    Account = 7,
}

internal enum TargetOperation
{
    New = 0,
    Show = 2,
    Bind = 3,
    Unbind = 4,
    Update = 5,
}

/// <summary>
/// A request to the management of a <c>tgtd</c> that has one target, as <c>tgtadm</c> would send it: that takes passwords as arguments, which everybody on a host can read.
/// </summary>
/// <param name="Text">Names and values.</param>
internal sealed record TargetRequest(TargetMode Mode, TargetOperation Operation, int Unit, string Text)
{
    public const int AnswerBytes = 8;

    private const int HeaderBytes = 120, TargetNumber = 1;

    public static TargetRequest New(TargetMode mode, string text) => new(mode, TargetOperation.New, 0, text);

    public static TargetRequest Show { get; } = new(TargetMode.Target, TargetOperation.Show, 0, "");

    /// <summary>The bytes of it: struct tgtadm_req, and the text with a zero byte at its end.</summary>
    public byte[] ToBytes()
    {
        var text = Text.Length == 0 ? [] : Encoding.ASCII.GetBytes(Text + '\0');
        var bytes = new byte[HeaderBytes + text.Length];
        Put(0, (int)Mode);
        Put(4, (int)Operation);
        "iscsi"u8.CopyTo(bytes.AsSpan(8));
        Put(72, bytes.Length);
        // All targets are shown with the sessions that they have, one alone without.
        Put(76, Operation == TargetOperation.Show ? -1 : TargetNumber);
        Put(88, Unit);
        text.CopyTo(bytes, HeaderBytes);
        return bytes;

        // As the machine has them: both ends are on it.
        void Put(int at, int value) => BitConverter.TryWriteBytes(bytes.AsSpan(at), value);
    }

    /// <summary>The error, 0 for none, and how many bytes of text follow.</summary>
    public static (int Error, int Length) ReadAnswer(ReadOnlySpan<byte> bytes) => BitConverter.IsLittleEndian
        ? (BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) - AnswerBytes)
        : (BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt32BigEndian(bytes[4..]) - AnswerBytes);
}
