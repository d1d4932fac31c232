using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Kumoi.Agent.Tests.Local;

/// <summary>Goal: no command ends for want of a word. Method: the words that the sources name, against both catalogues.</summary>
public sealed partial class CommandTextTests
{
    [GeneratedRegex("""\bnew(?:\("|[A-Z]?<[A-Za-z]+>\(")([a-z][a-z0-9-]*)", \w+ =>""")]
    private static partial Regex ColumnName();

    [GeneratedRegex("""\bMessages\.Text\("([a-z][a-z0-9-]*)"[,)]""")]
    private static partial Regex Key();

    private static string Tree([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    [Theory]
    [InlineData("en")]
    [InlineData("ja")]
    public void Every_column_and_every_text_that_commands_name_has_words(string language)
    {
        var commands = Path.Combine(Tree(), "src/Kumoi.Cli");
        var words = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(Path.Combine(commands, $"Text/messages.{language}.json")))!;
        var sources = Directory.GetFiles(commands, "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText).ToList();
        var columns = sources.SelectMany(text => ColumnName().Matches(text)).Select(found => "column-" + found.Groups[1].Value).Distinct().ToList();
        var keys = sources.SelectMany(text => Key().Matches(text)).Select(found => found.Groups[1].Value).Distinct().ToList();
        Assert.True(columns.Count > 60 && keys.Count > 200, $"{columns.Count} columns and {keys.Count} texts were found");
        Assert.Empty(columns.Concat(keys).Where(key => !words.ContainsKey(key)));
    }
}
