using System.Security.Cryptography;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Keys by which one host gives a volume to another: encrypted in the database, in clear only in the documents of the two.</summary>
public sealed class ExportKeys(MasterKey masterKey, ILogger<ExportKeys> log)
{
    private const int KeyBytes = 32;

    /// <summary>A new key, sealed. It is good for this incarnation of its volume only: moved to another row it cannot be read.</summary>
    public byte[] New(string volumeId, int incarnation) => masterKey.Encrypt(RandomNumberGenerator.GetBytes(KeyBytes), Purpose(volumeId, incarnation));

    /// <summary>The key in hex; empty if this server's master key is not the one that it was encrypted under.</summary>
    public string Open(string volumeId, int incarnation, byte[] sealedKey)
    {
        try
        {
            return Convert.ToHexStringLower(masterKey.Decrypt(sealedKey, Purpose(volumeId, incarnation)));
        }
        catch (CryptographicException)
        {
            VolumeLog.KeyUnreadable(log, volumeId);
            return "";
        }
    }

    private static string Purpose(string volumeId, int incarnation) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"volume-export {volumeId} {incarnation}");
}
