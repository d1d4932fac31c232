using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace Kumoi.Server.Platform.Errors;

/// <summary>Texts for people by code, in each language. A missing text is a bug that a test finds, so it throws.</summary>
public static class Messages
{
    public static IReadOnlyList<string> Languages { get; } = ["en", "ja"];

    private static readonly Dictionary<string, Dictionary<string, string>> Catalogues =
        Languages.ToDictionary(language => language, Load);

    public static IReadOnlyDictionary<string, string> Catalogue(string language) => Catalogues[language];

    public static bool Has(string key) => Catalogues["en"].ContainsKey(key);

    public static string Text(string language, string key, params object[] arguments)
    {
        var translated = Array.ConvertAll(arguments, argument => argument is Noun noun ? Catalogues[language]["noun." + noun.Word] : argument);
        return string.Format(CultureInfo.GetCultureInfo(language), Catalogues[language][key], translated);
    }

    /// <summary>The best language for an Accept-Language header (RFC 9110), English if none fits.</summary>
    public static string Choose(string? acceptLanguage)
    {
        if (string.IsNullOrEmpty(acceptLanguage)) return "en";
        var best = ("en", 0.0);
        foreach (var part in acceptLanguage.Split(',', 20))
        {
            var pieces = part.Split(';', 2, StringSplitOptions.TrimEntries);
            var language = pieces[0].Split('-')[0].ToLowerInvariant();
            var weight = 1.0;
            if (pieces.Length == 2 && pieces[1].StartsWith("q=", StringComparison.OrdinalIgnoreCase)
                && !double.TryParse(pieces[1].AsSpan(2), CultureInfo.InvariantCulture, out weight)) continue;
            if (Catalogues.ContainsKey(language) && weight > best.Item2) best = (language, weight);
        }
        return best.Item1;
    }

    private static Dictionary<string, string> Load(string language)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"messages.{language}.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!;
    }
}
