using System.Globalization;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>What providers call people, as names of users.</summary>
public static class PersonNames
{
    // Leaves room for a number behind it, if a user has the name already.
    private const int LengthMax = 48;

    /// <summary>The name with a dash for each character that no name here has, cut off where it is too long; null if nothing of it can stay.</summary>
    public static string? Of(string? text)
    {
        if (text is null || !Names.IsWellFormed(text)) return null;
        var plain = Names.Normal(string.Concat(text.Select(c => IsPlain(c) ? c : '-')));
        var elements = new StringInfo(plain.Length > 4 * LengthMax ? plain[..(4 * LengthMax)] : plain);
        var name = (elements.LengthInTextElements > LengthMax ? elements.SubstringByTextElements(0, LengthMax) : elements.String).Trim();
        return Names.Check("name", name) is null ? name : null;
    }

    private static bool IsPlain(char c) => !char.IsControl(c) && c is not ('/' or '\\') && char.GetUnicodeCategory(c) is not (UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
