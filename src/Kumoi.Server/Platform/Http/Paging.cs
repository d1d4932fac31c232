using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Kumoi.Api;

namespace Kumoi.Server.Platform.Http;

/// <summary>A page asked for: how many, and after which id. Cursors are opaque to callers; they hold the last id seen.</summary>
public sealed record PageRequest(int Limit, string After)
{
    public const int LimitDefault = 100, LimitMax = 1000;

    public static Result<PageRequest> Read(Call call)
    {
        var limit = LimitDefault;
        if (call.Query("limit") is { } text && (!int.TryParse(text, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > LimitMax))
            return Failure.Invalid("limit", "between", 1, LimitMax);
        if (call.Query("cursor") is not { } cursor) return new PageRequest(limit, "");
        try
        {
            var after = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(cursor));
            if (Ids.Looks(after)) return new PageRequest(limit, after);
        }
        catch (FormatException)
        {
            // Falls through: not a cursor of ours.
        }
        return Failure.Invalid("cursor", "cursor");
    }

    /// <summary>A page from up to <see cref="Limit"/> + 1 rows: the extra one only tells that there is more.</summary>
    public Page<T> Of<T>(List<T> rows, Func<T, string> id)
    {
        if (rows.Count <= Limit) return new Page<T>(rows, null);
        rows.RemoveRange(Limit, rows.Count - Limit);
        return new Page<T>(rows, Base64Url.EncodeToString(Encoding.ASCII.GetBytes(id(rows[^1]))));
    }
}
