using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.KeyPairs;

/// <summary>A public key in OpenSSH's one-line form: checked to be what it says it is, since it ends up in guests' authorized_keys.</summary>
public sealed record SshPublicKey(string Type, string Fingerprint, string Text)
{
    private static readonly string[] Types =
        ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"];

    // An RSA key of 16,384 bits takes about 2,800 characters.
    private const int LengthMax = 8192;

    /// <summary>Null if the text is no public key. Options in front of the type are refused: they would be commands in a guest.</summary>
    public static SshPublicKey? Parse(string text)
    {
        text = text.Trim();
        if (text.Length > LengthMax || text.Any(char.IsControl)) return null;
        var parts = text.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2 || !Types.Contains(parts[0])) return null;
        byte[] blob;
        try
        {
            blob = Convert.FromBase64String(parts[1]);
        }
        catch (FormatException)
        {
            return null;
        }
        if (blob.Length < 4) return null;
        var length = BinaryPrimitives.ReadInt32BigEndian(blob);
        if (length != parts[0].Length || blob.Length < 4 + length || Encoding.ASCII.GetString(blob, 4, length) != parts[0]) return null;
        return new SshPublicKey(parts[0], FingerprintOf(blob), string.Join(' ', parts));
    }

    internal static string FingerprintOf(byte[] blob) => "SHA256:" + Convert.ToBase64String(SHA256.HashData(blob)).TrimEnd('=');

    /// <summary>
    /// A fresh ECDSA P-256 pair (RFC 5656): the public key, and the private key as the PEM text that ssh reads. The key is made in memory and
    /// touches no disk; of the kinds that every ssh knows, it is the one this platform's library makes.
    /// </summary>
    public static (SshPublicKey Key, string PrivateKey) Generate(string comment)
    {
        const string type = "ecdsa-sha2-nistp256", curve = "nistp256";
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = pair.ExportParameters(includePrivateParameters: false).Q;
        byte[] blob = [.. Field(Encoding.ASCII.GetBytes(type)), .. Field(Encoding.ASCII.GetBytes(curve)), .. Field([4, .. point.X!, .. point.Y!])];
        // ssh splits the line at spaces; a comment of one word stays whole everywhere.
        var text = $"{type} {Convert.ToBase64String(blob)} {comment.Replace(' ', '-')}";
        return (new SshPublicKey(type, FingerprintOf(blob), text), pair.ExportECPrivateKeyPem() + "\n");
    }

    private static byte[] Field(byte[] value)
    {
        var field = new byte[4 + value.Length];
        BinaryPrimitives.WriteInt32BigEndian(field, value.Length);
        value.CopyTo(field, 4);
        return field;
    }
}
