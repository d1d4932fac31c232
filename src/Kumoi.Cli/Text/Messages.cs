using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace Kumoi.Cli.Text;

/// <summary>What the command line says, in the language of the locale (LC_ALL, LC_MESSAGES, LANG): English or Japanese.</summary>
public static class Messages
{
    public static string Language { get; } = Choose(Environment.GetEnvironmentVariable);

    private static readonly Dictionary<string, string> Catalogue = Load(Language);

    /// <summary>The first of the three variables that is set decides, as POSIX has it.</summary>
    public static string Choose(Func<string, string?> variable)
    {
        var locale = new[] { "LC_ALL", "LC_MESSAGES", "LANG" }.Select(variable).FirstOrDefault(value => !string.IsNullOrEmpty(value));
        return locale?.StartsWith("ja", StringComparison.Ordinal) == true ? "ja" : "en";
    }

    public static string Text(string key, params object?[] arguments) => string.Format(CultureInfo.InvariantCulture, Catalogue[key], arguments);

    public static Dictionary<string, string> Load(string language)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"messages.{language}.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!;
    }
}
