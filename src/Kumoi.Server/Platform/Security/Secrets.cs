using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.Platform.Security;

/// <summary>Random secrets that are handed out once and kept as SHA-256: they have 256 bits, so a plain hash cannot be guessed.</summary>
public static class Secrets
{
    public static string New(string prefix) => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}

/// <summary>Encrypts what the database must not hold in clear, by AES-256-GCM under the master key, which lives in a file of its own.</summary>
public sealed class MasterKey
{
    private const int NonceBytes = 12, TagBytes = 16;
    private readonly byte[] _key;

    private MasterKey(byte[] key) => _key = key;

    /// <summary>Reads the key, or makes one readable by its owner only. Several servers of one cloud must share the file's content.</summary>
    public static MasterKey ReadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            var temporary = $"{path}.{Environment.ProcessId}";
            using (var file = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                file.Write(RandomNumberGenerator.GetBytes(32));
                file.Flush(flushToDisk: true);
            }
            try
            {
                File.Move(temporary, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another server was quicker; its key is the one.
                File.Delete(temporary);
            }
        }
        var key = File.ReadAllBytes(path);
        return key.Length == 32 ? new MasterKey(key) : throw new InvalidDataException($"{path} must hold 32 bytes.");
    }

    public byte[] Encrypt(byte[] clear, string purpose)
    {
        var sealedBytes = new byte[NonceBytes + clear.Length + TagBytes];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(nonce, clear, sealedBytes.AsSpan(NonceBytes, clear.Length), sealedBytes.AsSpan(NonceBytes + clear.Length), Encoding.UTF8.GetBytes(purpose));
        return sealedBytes;
    }

    public byte[] Decrypt(byte[] sealedBytes, string purpose)
    {
        var clear = new byte[sealedBytes.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(
            sealedBytes.AsSpan(0, NonceBytes), sealedBytes.AsSpan(NonceBytes, clear.Length), sealedBytes.AsSpan(NonceBytes + clear.Length), clear,
            Encoding.UTF8.GetBytes(purpose));
        return clear;
    }
}
