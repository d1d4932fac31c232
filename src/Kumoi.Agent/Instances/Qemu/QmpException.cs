namespace Kumoi.Agent.Instances.Qemu;

/// <summary>QEMU did not speak its protocol, or has ended.</summary>
public class QmpException(string message) : IOException(message);

/// <summary>QEMU refused a command.</summary>
/// <param name="words">Why, in QEMU's words.</param>
public sealed class QmpRefusedException(string words) : QmpException($"QEMU refused: {words}")
{
    /// <summary>The longest reason that is passed on. Too low: what QEMU says of long paths is cut off; too high: a process that was taken over makes reports larger than servers take.</summary>
    private const int WordsMax = 1000;

    public string Words { get; } = words;

    /// <summary>A refusal as it may be told to others: the process may say anything, in any length.</summary>
    public static QmpRefusedException Of(string words) => new(string.Concat((words.Length > WordsMax ? words[..WordsMax] : words).Select(one => char.IsControl(one) ? ' ' : one)));
}
