using System.Security.Cryptography;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Makes the keys of encrypted volumes, and keeps them under the master key; they are in clear only in the documents of hosts that look after the volumes.</summary>
public sealed class VolumeKeys(MasterKey masterKey, ILogger<VolumeKeys> log)
{
    // As long as the key of the cipher that the volume is encrypted with (AES-256).
    private const int KeyBytes = 32;

    /// <summary>A new key, as it is stored.</summary>
    /// <param name="volumeId">What hosts know the volume by: a volume that has moved has another key.</param>
    public byte[] New(string volumeId) => masterKey.Encrypt(RandomNumberGenerator.GetBytes(KeyBytes), Purpose(volumeId));

    /// <summary>The key as text, which is what LUKS takes; without it, if this server's master key is not the one that it was kept under.</summary>
    public VolumeEncryption Open(string volumeId, byte[] sealedKey)
    {
        try
        {
            return new VolumeEncryption(Convert.ToBase64String(masterKey.Decrypt(sealedKey, Purpose(volumeId))));
        }
        catch (CryptographicException)
        {
            VolumeKeyLog.Unreadable(log, volumeId);
            return new VolumeEncryption(null);
        }
    }

    /// <summary>A key is good for its volume only: moved to another row it cannot be read.</summary>
    private static string Purpose(string volumeId) => "volume " + volumeId;
}

internal static partial class VolumeKeyLog
{
    [LoggerMessage(9721, LogLevel.Error, "The key of the volume {Volume} cannot be read with this server's master key, so its host cannot open it. Give the servers the master key that it was kept under.")]
    public static partial void Unreadable(ILogger logger, string volume);
}
