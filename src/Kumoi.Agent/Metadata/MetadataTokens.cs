using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Metadata;

/// <summary>
/// Session tokens of version 2 of the instance metadata service: the time of expiry and a keyed hash over it and the instance, so that none
/// needs to be remembered. The key stays on the host, so tokens outlive a restart of the agent.
/// </summary>
public sealed class MetadataTokens(byte[] key, TimeProvider clock)
{
    /// <summary>The longest life a token may be asked for, in seconds: six hours, as in the original.</summary>
    public const int LifeLimit = 21_600;

    private const int KeySize = 32, TimeSize = 8;

    /// <summary>With the host's key, made at first use.</summary>
    public static MetadataTokens Load(AgentPaths paths, TimeProvider clock)
    {
        var file = Path.Combine(paths.State, "metadata.key");
        if (!File.Exists(file)) DurableFiles.Write(file, RandomNumberGenerator.GetBytes(KeySize), AgentModes.PrivateFile);
        return new MetadataTokens(File.ReadAllBytes(file), clock);
    }

    public string Issue(string instanceId, int lifeSeconds)
    {
        Span<byte> token = stackalloc byte[TimeSize + KeySize];
        BinaryPrimitives.WriteInt64BigEndian(token, clock.GetUtcNow().ToUnixTimeSeconds() + lifeSeconds);
        Sign(instanceId, token[..TimeSize], token[TimeSize..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>True if the token was issued to this instance and has not expired.</summary>
    public bool Accept(string instanceId, string token)
    {
        Span<byte> bytes = stackalloc byte[TimeSize + KeySize];
        if (token.Length > 64 || !Base64Url.IsValid(token, out var length) || length != bytes.Length) return false;
        Base64Url.DecodeFromChars(token, bytes);
        Span<byte> expected = stackalloc byte[KeySize];
        Sign(instanceId, bytes[..TimeSize], expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes[TimeSize..])
            && BinaryPrimitives.ReadInt64BigEndian(bytes) > clock.GetUtcNow().ToUnixTimeSeconds();
    }

    private void Sign(string instanceId, ReadOnlySpan<byte> expiry, Span<byte> signature)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(Encoding.UTF8.GetBytes(instanceId));
        hash.AppendData(expiry);
        hash.GetHashAndReset(signature);
    }
}
