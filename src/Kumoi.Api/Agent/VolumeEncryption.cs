using System.Text;

namespace Kumoi.Api.Agent;

/// <summary>How a volume is encrypted where it is kept: LUKS inside its files.</summary>
/// <param name="Key">The key that opens it, as text; null: the servers cannot read it themselves, and nothing can be done with the volume's content.</param>
public sealed record VolumeEncryption(string? Key)
{
    /// <summary>A record's words end in logs, and the key must not.</summary>
    private bool PrintMembers(StringBuilder words)
    {
        words.Append("Key = ").Append(Key is null ? "unknown" : "(kept)");
        return true;
    }
}
