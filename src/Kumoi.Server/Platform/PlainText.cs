namespace Kumoi.Server.Platform;

/// <summary>Texts of others (hosts, switches) that people are shown: without control characters, and no longer than makes sense.</summary>
public static class PlainText
{
    /// <summary>At most so many characters, with blanks for what is none by itself: control characters and halves of pairs.</summary>
    public static string Of(string text, int lengthMax) => string.Create(Math.Min(text.Length, lengthMax), text, static (plain, all) =>
    {
        for (var i = 0; i < plain.Length; i++)
        {
            var whole = char.IsHighSurrogate(all[i]) && i + 1 < plain.Length && char.IsLowSurrogate(all[i + 1]);
            (plain[i], var skipped) = (whole || !char.IsControl(all[i]) && !char.IsSurrogate(all[i]) ? all[i] : ' ', whole);
            if (skipped) plain[++i] = all[i];
        }
    });
}
