using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kumoi.Server.Platform.Errors;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Http;

/// <summary>What others see of the server, held against files that are read in reviews. KUMOI_WRITE_GOLDEN=1 writes them anew.</summary>
public sealed partial class GoldenTests
{
    public static string Tree { get; } = FindTree();

    private static string FindTree()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kumoi.slnx"))) directory = directory.Parent!;
        return directory.FullName;
    }

    private static void Compare(string file, string actual)
    {
        var path = Path.Combine(Tree, file);
        if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1") File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }

    [Fact]
    public async Task The_OpenAPI_document_is_the_reviewed_one()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var http = new HttpClient();
        using var document = JsonDocument.Parse(await http.GetStringAsync(new Uri(cloud.Url + "/openapi/v1.json")));
        Assert.StartsWith("3.1", document.RootElement.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Compare("openapi/kumoi-v1.json", JsonSerializer.Serialize(document, new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n");
    }

    [Fact]
    public async Task The_migrations_make_the_reviewed_schema()
    {
        var postgres = await PostgresServer.SharedAsync();
        await using var cloud = await TestCloud.StartAsync();
        var dump = Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin/pg_dump")).First(File.Exists);
        var database = new Npgsql.NpgsqlConnectionStringBuilder(cloud.Options.ConnectionString).Database!;
        using var process = Process.Start(new ProcessStartInfo(dump, ["-h", postgres.Directory, "-U", "postgres", "--schema-only", "--no-owner", "--no-privileges", database]) { RedirectStandardOutput = true })!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        // Comments name versions and the SET lines the dumping program; months' partitions depend on the day.
        var lines = Noise().Replace(text, "").Split(";\n").Select(s => s.Trim()).Where(s => s.Length > 0 && !Monthly().IsMatch(s)).Select(s => s + ";").ToList();
        Compare("schema/current.sql", string.Join("\n\n", lines) + "\n");
    }

    [GeneratedRegex(@"(?m)^(?:--.*|SET .*|SELECT pg_catalog.*|\\(?:un)?restrict.*)?\n")]
    private static partial Regex Noise();

    [GeneratedRegex(@"events_\d{4}_\d{2}")]
    private static partial Regex Monthly();

    [Fact]
    public void Every_code_has_its_text_in_both_languages_with_the_same_places()
    {
        var english = Messages.Catalogue("en");
        var japanese = Messages.Catalogue("ja");
        Assert.Equal(english.Keys.Order(), japanese.Keys.Order());
        foreach (var key in english.Keys) Assert.Equal(Places(english[key]), Places(japanese[key]));
        var used = new HashSet<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(Tree, "src/Kumoi.Server"), "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal)))
        {
            var source = File.ReadAllText(file);
            foreach (Match match in FailureCode().Matches(source)) used.Add(match.Groups[1].Value);
            foreach (Match match in RuleCode().Matches(source)) used.Add("rule." + match.Groups[1].Value);
            foreach (Match match in RefusedRule().Matches(source)) used.Add("rule." + match.Groups[1].Value);
            foreach (var line in source.Split('\n').Where(line => line.Contains("new Sentence(", StringComparison.Ordinal)))
                foreach (Match match in SentenceReason().Matches(line)) used.Add("explain." + match.Groups[1].Value);
            foreach (Match match in DiagnosisCode().Matches(source)) used.Add("doctor." + match.Groups[1].Value);
            foreach (Match match in NounWord().Matches(source)) used.Add("noun." + match.Groups[1].Value);
        }
        // Conditions come from hosts, in English; `explain` has a sentence for each reason.
        foreach (var file in (string[])[.. Directory.GetFiles(Path.Combine(Tree, "src/Kumoi.Agent"), "*.cs", SearchOption.AllDirectories), .. Directory.GetFiles(Path.Combine(Tree, "src/Kumoi.Server"), "*.cs", SearchOption.AllDirectories)])
            foreach (Match match in ConditionReason().Matches(File.ReadAllText(file))) used.Add("condition." + match.Groups[1].Value);
        Assert.True(used.Count > 60, $"only {used.Count} codes found in the source");
        Assert.Empty(used.Where(key => !english.ContainsKey(key)));
        Assert.Empty(Server.Placement.Placement.Filters.Select(f => "filter." + f.Name).Where(key => !english.ContainsKey(key)));
    }

    [Theory]
    [InlineData("src/Kumoi.Server/Platform/Errors")]
    [InlineData("src/Kumoi.Cli/Text")]
    public void Every_text_is_there_once_in_each_language(string directory)
    {
        var (english, japanese) = (Keys("en"), Keys("ja"));
        Assert.Empty(english.Concat(japanese).CountBy(key => key).Where(key => key.Value != 2).Select(key => key.Key));
        Assert.Equal(english.Order(StringComparer.Ordinal), japanese.Order(StringComparer.Ordinal));

        List<string> Keys(string language)
        {
            using var texts = JsonDocument.Parse(File.ReadAllText(Path.Combine(Tree, directory, $"messages.{language}.json")));
            return [.. texts.RootElement.EnumerateObject().Select(text => text.Name)];
        }
    }

    [Fact]
    public void Every_conflict_is_in_the_list_of_the_documentation()
    {
        var listed = File.ReadLines(Path.Combine(Tree, "docs/api.md")).Single(line => line.StartsWith("| 409 |", StringComparison.Ordinal));
        var used = Directory.GetFiles(Path.Combine(Tree, "src/Kumoi.Server"), "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => ConflictCode().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(used.Count > 60, $"only {used.Count} codes found in the source");
        Assert.Empty(used.Where(code => !listed.Contains($"`{code}`", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Places(string text) => Place().Matches(text).Select(m => m.Value).Distinct().Order();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Place();

    [GeneratedRegex(@"new(?: Failure)?\(""([a-z-]+)"", \d{3}")]
    private static partial Regex FailureCode();

    [GeneratedRegex(@"new(?: Failure)?\(""([a-z-]+)"", 409")]
    private static partial Regex ConflictCode();

    [GeneratedRegex(@"(?:new Violation|Failure\.Invalid)\([^,()]*(?:\([^()]*\))?[^,()]*, ""([a-z0-9-]+)""")]
    private static partial Regex RuleCode();

    [GeneratedRegex(@"Inspection\.Refuse\(""([a-z0-9-]+)""")]
    private static partial Regex RefusedRule();

    [GeneratedRegex(@"new (?:HypervisorException\(|Condition\(""[A-Za-z]+"", )""([a-z0-9-]+)""")]
    private static partial Regex ConditionReason();

    [GeneratedRegex(@"""([a-z]+(?:-[a-z]+)+)""")]
    private static partial Regex SentenceReason();

    [GeneratedRegex(@"new Diagnosis\([^,]+, [A-Za-z.]+, ""([a-z-]+)""")]
    private static partial Regex DiagnosisCode();

    [GeneratedRegex(@"(?:new Noun|NotFound|NameTaken|InUse)\(""([a-z-]+)""")]
    private static partial Regex NounWord();
}
