using System.Globalization;
using System.Security.Cryptography;

namespace Kumoi.Server.Platform;

/// <summary>
/// Makes and recognises ids: a type prefix and 17 hex digits, <c>i-19a3f2b4c5d6e7f80</c>: 44 bits of milliseconds since 1970 and
/// 24 random bits. They sort by age, and EC2 tools take them as their own.
/// </summary>
public sealed class Ids(TimeProvider clock)
{
    public const string Account = "a", User = "u", Token = "tok", Zone = "z", Host = "h", Flavor = "flv", Image = "img", KeyPair = "key",
        Network = "net", Subnet = "subnet", SecurityGroup = "sg", Rule = "sgr", Instance = "i", Interface = "eni", Event = "ev",
        Console = "con";

    private static readonly System.Buffers.SearchValues<char> Digits = System.Buffers.SearchValues.Create("0123456789abcdef");

    private static readonly string[] All =
        [Account, User, Token, Zone, Host, Flavor, Image, KeyPair, Network, Subnet, SecurityGroup, Rule, Instance, Interface, Event, Console];

    /// <summary>A new id with one of this class's prefixes.</summary>
    public string New(string prefix)
    {
        var milliseconds = clock.GetUtcNow().ToUnixTimeMilliseconds() & 0xFFF_FFFF_FFFF;
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}-{milliseconds:x11}{RandomNumberGenerator.GetInt32(1 << 24):x6}");
    }

    /// <summary>True if the text has the form of an id of any type; such texts are refused as names.</summary>
    public static bool Looks(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && text.Length == dash + 18 && All.Contains(text[..dash]) && text.AsSpan(dash + 1).IndexOfAnyExcept(Digits) < 0;
    }
}
