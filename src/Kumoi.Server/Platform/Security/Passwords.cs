using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.Platform.Security;

/// <summary>Password hashes: PBKDF2-HMAC-SHA512 with a salt each, the parameters kept beside the hash so that they can grow.</summary>
public static class Passwords
{
    /// <summary>OWASP's figure for this function. Fewer is cheaper to guess; more makes a login a burden for the server.</summary>
    public const int IterationsDefault = 210_000;

    // Of a program that is built with another figure (a host configuration option): the tests, which log in thousands of times.
    private static readonly int Iterations = AppContext.GetData("Kumoi.PasswordIterations") is string figure ? int.Parse(figure, CultureInfo.InvariantCulture) : IterationsDefault;
    private const int SaltBytes = 16, HashBytes = 32;

    // A hash that no password has, so that a login with an unknown name takes as long as one with a wrong password.
    private static readonly string Nobody = Hash(Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public static string Hash(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return string.Create(CultureInfo.InvariantCulture,
            $"pbkdf2-sha512${Iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(password, salt, Iterations))}");
    }

    /// <summary>True if the password has this hash. A null hash (no such user) takes as long and is false.</summary>
    public static bool Verify(string password, string? hash)
    {
        var parts = (hash ?? Nobody).Split('$');
        var derived = Derive(password, Convert.FromBase64String(parts[2]), int.Parse(parts[1], CultureInfo.InvariantCulture));
        return CryptographicOperations.FixedTimeEquals(derived, Convert.FromBase64String(parts[3])) && hash is not null;
    }

    private static byte[] Derive(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password.Normalize()), salt, iterations, HashAlgorithmName.SHA512, HashBytes);
}
