using System.Numerics;

namespace Kumoi.Server.Vpns;

/// <summary>
/// The public half of a key pair on Curve25519 (RFC 7748), which the runtime does not offer. Only for keys that are made here, once each: how long it takes
/// depends on the key, so it must not be used to agree on secrets.
/// </summary>
public static class X25519
{
    public const int KeyBytes = 32;

    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;

    // (486662 - 2) / 4 (RFC 7748, section 5).
    private static readonly BigInteger A24 = 121665;

    /// <summary>Bits of a random secret that every private key has the same (RFC 7748, section 5).</summary>
    public static byte[] Clamp(ReadOnlySpan<byte> secret)
    {
        var key = secret.ToArray();
        key[0] &= 248;
        key[31] = (byte)((key[31] & 127) | 64);
        return key;
    }

    public static byte[] PublicKey(ReadOnlySpan<byte> privateKey)
    {
        Span<byte> basePoint = stackalloc byte[KeyBytes];
        basePoint.Clear();
        basePoint[0] = 9;
        return Multiply(privateKey, basePoint);
    }

    /// <summary>The function X25519: the Montgomery ladder of RFC 7748, section 5, on the u-coordinate alone.</summary>
    public static byte[] Multiply(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> coordinate)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(scalar.Length, KeyBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(coordinate.Length, KeyBytes);
        var k = new BigInteger(Clamp(scalar), isUnsigned: true);
        // The highest bit of a coordinate means nothing.
        var u = coordinate.ToArray();
        u[31] &= 127;
        var x1 = new BigInteger(u, isUnsigned: true) % Prime;
        BigInteger x2 = 1, z2 = 0, x3 = x1, z3 = 1;
        for (var t = 254; t >= 0; t--)
        {
            var bit = !((k >> t) & 1).IsZero;
            if (bit) (x2, x3, z2, z3) = (x3, x2, z3, z2);
            BigInteger a = x2 + z2, b = Mod(x2 - z2), aa = a * a % Prime, bb = b * b % Prime, e = Mod(aa - bb), da = Mod(x3 - z3) * a % Prime, cb = (x3 + z3) * b % Prime;
            x3 = BigInteger.ModPow(da + cb, 2, Prime);
            z3 = x1 * BigInteger.ModPow(Mod(da - cb), 2, Prime) % Prime;
            x2 = aa * bb % Prime;
            z2 = e * (aa + A24 * e) % Prime;
            if (bit) (x2, x3, z2, z3) = (x3, x2, z3, z2);
        }
        var result = new byte[KeyBytes];
        (x2 * BigInteger.ModPow(z2, Prime - 2, Prime) % Prime).TryWriteBytes(result, out _, isUnsigned: true);
        return result;
    }

    private static BigInteger Mod(BigInteger value) => ((value % Prime) + Prime) % Prime;
}
