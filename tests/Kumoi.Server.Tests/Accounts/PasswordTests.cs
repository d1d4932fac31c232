using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Tests.Http;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: a stolen table of users is of little use. Method: hashes as they are made, and as other tools make them.</summary>
public sealed class PasswordTests
{
    [Fact]
    public void Each_hash_has_a_salt_of_its_own_and_tells_how_it_was_made()
    {
        var hashes = Enumerable.Range(0, 8).Select(_ => Passwords.Hash("correct horse")).ToList();
        Assert.Equal(8, hashes.Select(h => h.Split('$')[2]).Distinct().Count());
        Assert.All(hashes, hash => Assert.True(Passwords.Verify("correct horse", hash)));
        Assert.All((string[])["correct horsE", "", "correct horse "], wrong => Assert.False(Passwords.Verify(wrong, hashes[0])));
        Assert.False(Passwords.Verify("correct horse", null));
    }

    [Fact]
    public void One_that_was_made_with_other_parameters_is_still_known()
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var derived = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes("パスワード"), salt, Passwords.IterationsDefault, HashAlgorithmName.SHA512, 32);
        var hash = string.Create(CultureInfo.InvariantCulture, $"pbkdf2-sha512${Passwords.IterationsDefault}${Convert.ToBase64String(salt)}${Convert.ToBase64String(derived)}");
        Assert.True(Passwords.Verify("パスワード", hash));
        // The same letters, composed otherwise: what one keyboard sends and another does not.
        Assert.True(Passwords.Verify("ハ\u309aスワート\u3099".Normalize(NormalizationForm.FormD), hash));
        Assert.False(Passwords.Verify("ハスワート", hash));
    }

    [Fact]
    public void Only_tests_are_built_with_less_work_than_is_usual()
    {
        Assert.Equal("1000", Passwords.Hash("x").Split('$')[1]);
        Assert.True(Passwords.IterationsDefault >= 210_000);
        var built = Directory.GetFiles(Path.Combine(GoldenTests.Tree, "src/Kumoi.Cli/bin"), "kumoi.runtimeconfig.json", SearchOption.AllDirectories);
        Assert.NotEmpty(built);
        Assert.All(built, file => Assert.False(JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("runtimeOptions").GetProperty("configProperties").TryGetProperty("Kumoi.PasswordIterations", out _)));
    }
}
