using System.Security.Cryptography;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Vpns;

/// <summary>A pair of WireGuard keys, in base64.</summary>
public sealed record VpnKeyPair(string PrivateKey, string PublicKey);

/// <summary>Makes WireGuard's keys, and keeps those that a gateway needs under the master key.</summary>
public sealed class VpnKeys(MasterKey masterKey)
{
    public static VpnKeyPair New()
    {
        var secret = X25519.Clamp(RandomNumberGenerator.GetBytes(X25519.KeyBytes));
        return new VpnKeyPair(Convert.ToBase64String(secret), Convert.ToBase64String(X25519.PublicKey(secret)));
    }

    public static string NewPreshared() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(X25519.KeyBytes));

    /// <summary>The key in the one form that is compared; null if the text is none.</summary>
    public static string? Read(string text)
    {
        Span<byte> key = stackalloc byte[X25519.KeyBytes];
        // All zeros is how WireGuard writes that there is none.
        return text.Length <= 44 && Convert.TryFromBase64String(text, key, out var length) && length == key.Length && key.ContainsAnyExcept((byte)0) ? Convert.ToBase64String(key) : null;
    }

    /// <summary>A key is good for its owner only: moved to another row it cannot be read.</summary>
    public byte[] Seal(string key, string ownerId) => masterKey.Encrypt(Convert.FromBase64String(key), Purpose(ownerId));

    /// <summary>Null if it was sealed with another master key.</summary>
    public string? Open(byte[] sealedKey, string ownerId)
    {
        try
        {
            return Convert.ToBase64String(masterKey.Decrypt(sealedKey, Purpose(ownerId)));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string Purpose(string ownerId) => "vpn " + ownerId;
}
