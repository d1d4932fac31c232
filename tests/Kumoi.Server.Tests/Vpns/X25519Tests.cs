using Kumoi.Server.Vpns;
using Xunit;

namespace Kumoi.Server.Tests.Vpns;

/// <summary>Goal: keys that are made here are those that WireGuard knows. Method: the examples of RFC 7748.</summary>
public sealed class X25519Tests
{
    private static string Multiply(string scalar, string coordinate) => Convert.ToHexStringLower(X25519.Multiply(Convert.FromHexString(scalar), Convert.FromHexString(coordinate)));

    [Theory]
    [InlineData("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void The_function_is_that_of_section_5_2(string scalar, string coordinate, string result) => Assert.Equal(result, Multiply(scalar, coordinate));

    [Fact]
    public void It_is_so_also_when_it_is_applied_again_and_again()
    {
        var (k, u) = ("0900000000000000000000000000000000000000000000000000000000000000", "0900000000000000000000000000000000000000000000000000000000000000");
        for (var i = 0; i < 1000; i++)
        {
            if (i == 1) Assert.Equal("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", k);
            (k, u) = (Multiply(k, u), k);
        }
        Assert.Equal("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", k);
    }

    [Fact]
    public void Public_keys_and_the_secret_of_two_are_those_of_section_6_1()
    {
        var (alice, bob) = (Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Convert.ToHexStringLower(X25519.PublicKey(alice)));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(X25519.PublicKey(bob)));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(X25519.Multiply(alice, X25519.PublicKey(bob))));
        Assert.Equal(X25519.Multiply(alice, X25519.PublicKey(bob)), X25519.Multiply(bob, X25519.PublicKey(alice)));
    }

    [Fact]
    public void A_new_pair_has_the_form_that_wireguard_takes()
    {
        var pair = VpnKeys.New();
        var secret = Convert.FromBase64String(pair.PrivateKey);
        Assert.Equal((0, 64), (secret[0] & 7, secret[31] & 192));
        Assert.Equal(pair.PublicKey, VpnKeys.Read(pair.PublicKey));
        Assert.NotEqual(pair.PrivateKey, VpnKeys.New().PrivateKey);
        foreach (var wrong in (string[])["", "x", pair.PublicKey + "A", pair.PublicKey[..40], new string('A', 43) + "=", pair.PublicKey.TrimEnd('=')]) Assert.Null(VpnKeys.Read(wrong));
    }
}
