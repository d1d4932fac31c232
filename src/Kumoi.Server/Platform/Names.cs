using System.Globalization;
using System.Text;

namespace Kumoi.Server.Platform;

/// <summary>Names of resources: any script and emoji, since they are for people; hostnames are made from them, for machines.</summary>
public static class Names
{
    public const int LengthMax = 63;

    /// <summary>The violation, or null if the text can be a name. Ids are refused, since names and ids are accepted alike.</summary>
    public static Violation? Check(string field, string name)
    {
        if (name.Length == 0) return new Violation(field, "required");
        if (new StringInfo(name).LengthInTextElements > LengthMax || name.Length > 4 * LengthMax) return new Violation(field, "too-long", LengthMax);
        if (name != name.Trim() || name.Any(c => char.IsControl(c) || c is '/' or '\\' || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))
            return new Violation(field, "name-characters");
        if (!IsWellFormed(name)) return new Violation(field, "name-characters");
        return Ids.Looks(name) || name is "me" or "current" ? new Violation(field, "name-is-id") : null;
    }

    /// <summary>One form for names that look the same (Unicode NFC).</summary>
    public static string Normal(string name) => name.Normalize(NormalizationForm.FormC);

    /// <summary>A DNS label (RFC 1123) made from the name, or from the id if nothing of the name can stay.</summary>
    public static string Hostname(string name, string id)
    {
        var label = new StringBuilder();
        foreach (var c in name.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c)) label.Append(c);
            else if (label.Length > 0 && label[^1] != '-') label.Append('-');
        }
        var text = label.ToString().Trim('-');
        if (text.Length > 63) text = text[..63].TrimEnd('-');
        return text.Any(char.IsAsciiLetter) ? text : id;
    }

    /// <summary>False if half of a pair of surrogates stands alone in it.</summary>
    public static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else if (char.IsSurrogate(text[i])) return false;
        }
        return true;
    }
}
