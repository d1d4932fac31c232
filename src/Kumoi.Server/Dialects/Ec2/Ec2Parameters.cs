using System.Globalization;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>
/// The parameters of one action, by their names in the Query API. The first that is wrong is noted, and reading goes on with nothing in its place: an action looks at
/// <see cref="Fault"/> when it has read all, before it does anything.
/// </summary>
public sealed class Ec2Parameters(IReadOnlyDictionary<string, string> all, string prefix = "", Ec2Parameters? root = null)
{
    // Higher numbers of lists are none that a client counts to.
    private const int IndexMax = 4000;

    private readonly Ec2Parameters? _root = root;
    private Ec2Fault? _fault;

    public IReadOnlyDictionary<string, string> All => all;

    /// <summary>The first that is wrong; null: none so far.</summary>
    public Ec2Fault? Fault => _root is null ? _fault : _root.Fault;

    /// <summary>Notes what is wrong, and stands for nothing.</summary>
    public T? Refuse<T>(Ec2Fault fault) where T : class
    {
        var top = _root ?? this;
        top._fault ??= fault;
        return null;
    }

    public string Path(string name) => prefix + name;

    public bool Has(string name) => all.ContainsKey(prefix + name) || HasBelow(name);

    /// <summary>True if there is anything below a name.</summary>
    public bool HasBelow(string name) => all.Keys.Any(key => key.StartsWith($"{prefix}{name}.", StringComparison.Ordinal));

    public string? Text(string name) => all.GetValueOrDefault(prefix + name) is { Length: > 0 } text ? text : null;

    public string Required(string name) => Text(name) ?? Refuse<string>(Ec2Fault.Missing(prefix + name)) ?? "";

    public int? Integer(string name)
    {
        if (Text(name) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        Refuse<string>(Ec2Fault.Value(prefix + name, text));
        return null;
    }

    public bool? Boolean(string name)
    {
        switch (Text(name)?.ToLowerInvariant())
        {
            case null: return null;
            case "true" or "1": return true;
            case "false" or "0": return false;
            case var text:
                Refuse<string>(Ec2Fault.Value(prefix + name, text));
                return null;
        }
    }

    /// <summary>Kumoi's id of what a parameter names; null if it is not there.</summary>
    public string? Id(string name, Ec2Kind kind) => Text(name) is not { } text ? null : kind.Read(text) ?? Refuse<string>(kind.NoId(text));

    public string RequiredId(string name, Ec2Kind kind) => Id(name, kind) ?? Refuse<string>(Ec2Fault.Missing(prefix + name)) ?? "";

    /// <summary>The values of a list (<c>NAME.1</c>, <c>NAME.2</c> …) in their order.</summary>
    public IReadOnlyList<string> Texts(string name) => [.. Numbers(name).Select(number => all.GetValueOrDefault($"{prefix}{name}.{number}")).OfType<string>()];

    public IReadOnlyList<string> Ids(string name, Ec2Kind kind) => [.. Texts(name).Select(text => kind.Read(text) ?? Refuse<string>(kind.NoId(text))).OfType<string>().Distinct()];

    public IReadOnlyList<string> RequiredIds(string name, Ec2Kind kind)
    {
        var ids = Ids(name, kind);
        if (ids.Count == 0) Refuse<string>(Ec2Fault.Missing(prefix + name));
        return ids;
    }

    /// <summary>The structures of a list, each to be read by itself.</summary>
    public IReadOnlyList<Ec2Parameters> Items(string name) => [.. Numbers(name).Select(number => new Ec2Parameters(all, $"{prefix}{name}.{number}.", _root ?? this))];

    /// <summary>A structure.</summary>
    public Ec2Parameters Below(string name) => new(all, $"{prefix}{name}.", _root ?? this);

    private List<int> Numbers(string name)
    {
        var start = $"{prefix}{name}.";
        var numbers = new SortedSet<int>();
        foreach (var key in all.Keys.Where(key => key.StartsWith(start, StringComparison.Ordinal)))
        {
            var rest = key.AsSpan(start.Length);
            var end = rest.IndexOf('.');
            if (int.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= IndexMax) numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>Tags for resources of a kind that are to be made: <c>TagSpecification.N</c>.</summary>
    /// <param name="others">Kinds that are made with it, and have tags by another call.</param>
    public IReadOnlyDictionary<string, string>? TagsFor(string word, params string[] others)
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var specification in Items("TagSpecification"))
            if (specification.Text("ResourceType") is not { } type || type == word)
                foreach (var (key, value) in specification.Tags()) tags[key] = value;
            else if (!others.Contains(type)) Refuse<string>(Ec2Fault.Unsupported($"{specification.Path("ResourceType")} {type}"));
        return tags.Count == 0 ? null : tags;
    }

    /// <summary>Tags of a list <c>Tag.N</c>.</summary>
    public IEnumerable<KeyValuePair<string, string>> Tags() => Items("Tag").Select(tag => KeyValuePair.Create(tag.Required("Key"), all.GetValueOrDefault(tag.Path("Value"), "")));
}
