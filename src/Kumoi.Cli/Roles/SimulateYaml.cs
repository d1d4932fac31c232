using System.Globalization;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Kumoi.Cli.Roles;

/// <summary>
/// A YAML file read strictly: a value must have the form asked for, and a key that nobody asks for is an error, since it is a key misspelt. Errors name file, line and key.
/// </summary>
public sealed class SimulateYaml
{
    private readonly string _file;
    private readonly YamlMappingNode? _map;
    private readonly HashSet<string> _asked = [];
    private readonly List<SimulateYaml> _sections = [];

    private SimulateYaml(string file, YamlMappingNode? map) => (_file, _map) = (file, map);

    /// <summary>The top of a file; an empty file is an empty mapping.</summary>
    public static SimulateYaml Read(string file, TextReader text)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(text);
            return stream.Documents.Count switch
            {
                0 => new SimulateYaml(file, null),
                1 => new SimulateYaml(file, MapOf(file, stream.Documents[0].RootNode)),
                _ => throw new UserException("yaml-documents", file),
            };
        }
        catch (YamlException e)
        {
            throw new UserException("yaml-syntax", file, e.Start.Line, e.Message);
        }
    }

    /// <summary>The mapping under a key; an empty one if it is absent.</summary>
    public SimulateYaml Section(string key)
    {
        var section = new SimulateYaml(_file, Find(key) is { } node ? MapOf(_file, node) : null);
        _sections.Add(section);
        return section;
    }

    public int Whole(string key, int least, int most, int absent) =>
        Value(key, Messages.Text("yaml-whole", least, most), text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : null, absent);

    /// <summary>A number from 0 to 1; 0 if absent.</summary>
    public double Share(string key) =>
        Value(key, Messages.Text("yaml-share"), text => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value <= 1 ? value : null, 0.0);

    /// <summary>One of a form; null if absent.</summary>
    public string? Word(string key, string form, Func<string, bool> fits) => Find(key) is { } node ? fits(TextOf(node)) ? TextOf(node) : throw Wrong(node, key, form) : null;

    public TimeSpan? Time(string key) => Find(key) is { } node ? ParseTime(TextOf(node)) is { } time && time > TimeSpan.Zero ? time : throw Wrong(node, key, Messages.Text("yaml-time")) : null;

    /// <summary>A time or <c>min..max</c>; zero if absent.</summary>
    public TimeRange Times(string key, bool negative = false) => Value<TimeRange>(key, Messages.Text(negative ? "yaml-times-signed" : "yaml-times"), text =>
    {
        var parts = text.Split("..");
        return parts.Length <= 2 && ParseTime(parts[0]) is { } min && ParseTime(parts[^1]) is { } max && min <= max && (negative || min >= TimeSpan.Zero) ? new TimeRange(min, max) : null;
    }, TimeRange.Zero);

    /// <summary>Refuses keys that were not asked for, here and in the sections.</summary>
    public void Finish()
    {
        foreach (var key in _map is null ? [] : _map.Children.Keys)
            if (!_asked.Contains(TextOf(key)))
                throw new UserException("yaml-unknown", _file, key.Start.Line, TextOf(key), string.Join(", ", _asked.Order(StringComparer.Ordinal)));
        foreach (var section in _sections) section.Finish();
    }

    private T Value<T>(string key, string form, Func<string, T?> parse, T absent) where T : struct =>
        Find(key) is not { } node ? absent : parse(TextOf(node)) ?? throw Wrong(node, key, form);

    private YamlNode? Find(string key)
    {
        _asked.Add(key);
        return _map is not null && _map.Children.TryGetValue(new YamlScalarNode(key), out var node) ? node : null;
    }

    private UserException Wrong(YamlNode node, string key, string form) => new("yaml-value", _file, node.Start.Line, key, form);

    private static YamlMappingNode MapOf(string file, YamlNode node) => node as YamlMappingNode ?? throw new UserException("yaml-mapping", file, node.Start.Line);

    private static string TextOf(YamlNode node) => (node as YamlScalarNode)?.Value ?? "";

    private static TimeSpan? ParseTime(string text)
    {
        (string Unit, double Seconds)[] units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
        foreach (var (unit, seconds) in units)
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                && Math.Abs(value * seconds) <= LongestDays * 86_400)
                return TimeSpan.FromSeconds(value * seconds);
        return null;
    }

    // Timers take no more than some weeks.
    private const double LongestDays = 30;
}
