using System.Globalization;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>What the database says when a record goes beyond a limit; see <c>count_use</c> in the schema.</summary>
public static class QuotaExceeded
{
    public const string SqlState = "KQ001", Code = "quota-exceeded";

    /// <param name="message">Resource, limit, what is used, what was asked for, and whose limit it is, with spaces between.</param>
    public static Failure Read(string message)
    {
        var parts = message.Split(' ');
        return Of(parts[0], Number(parts[1]), Number(parts[2]), Number(parts[3]), parts[4].StartsWith(Ids.Domain + "-", StringComparison.Ordinal));
    }

    /// <param name="ofDomain">The limit is that of a domain, whose accounts share it.</param>
    public static Failure Of(string resource, long limit, long used, long asked, bool ofDomain) => new(ofDomain ? "quota-exceeded-domain" : Code, 409, new Noun("quota." + resource), limit, used, asked);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
