namespace Kumoi.Server.Dialects.Ec2;

/// <summary>What a description can be asked for, of one kind of resource: the names of its filters and what each looks at.</summary>
public sealed class Ec2Filters<T>(Func<T, IReadOnlyDictionary<string, string>>? tags, Dictionary<string, Func<T, IEnumerable<string?>>> fields)
{
    // As EC2 has it.
    private const int ValuesMax = 200, FiltersMax = 50;

    /// <summary>Whether a resource is asked for; null (and noted) if a filter is not known.</summary>
    public Func<T, bool>? Read(Ec2Parameters parameters)
    {
        var tests = new List<Func<T, bool>>();
        var asked = parameters.Items("Filter");
        if (asked.Count > FiltersMax) return parameters.Refuse<Func<T, bool>>(new Ec2Fault("FilterLimitExceeded", 400, "filter-limit", FiltersMax));
        foreach (var filter in asked)
        {
            var (name, values) = (filter.Required("Name"), filter.Texts("Value"));
            if (values.Count > ValuesMax) return parameters.Refuse<Func<T, bool>>(new Ec2Fault("FilterLimitExceeded", 400, "filter-limit", ValuesMax));
            if (Of(name) is not { } field) return parameters.Refuse<Func<T, bool>>(new Ec2Fault("InvalidParameterValue", 400, "invalid-filter", name));
            tests.Add(one => field(one).Any(found => found is not null && values.Any(value => Ec2Patterns.Fits(value, found))));
        }
        return one => tests.TrueForAll(test => test(one));
    }

    private Func<T, IEnumerable<string?>>? Of(string name)
    {
        if (fields.TryGetValue(name, out var field)) return field;
        if (tags is null) return null;
        if (name == "tag-key") return one => tags(one).Keys;
        if (name == "tag-value") return one => tags(one).Values;
        return name.StartsWith("tag:", StringComparison.Ordinal) ? one => [tags(one).GetValueOrDefault(name[4..])] : null;
    }
}

/// <summary>Values of filters: <c>*</c> stands for any characters, <c>?</c> for one; a backslash takes their meaning away.</summary>
public static class Ec2Patterns
{
    /// <summary>In time that grows with the two lengths only, whatever the pattern.</summary>
    public static bool Fits(string pattern, string text)
    {
        var (p, t, star, mark) = (0, 0, -1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*') (star, mark) = (p++, t);
            else if (p < pattern.Length && One(pattern, p, text[t]) is > 0 and var taken) (p, t) = (p + taken, t + 1);
            else if (star >= 0) (p, t) = (star + 1, ++mark);
            else return false;
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    /// <summary>How much of the pattern stands for this character; 0 if it does not.</summary>
    private static int One(string pattern, int at, char c) => pattern[at] switch
    {
        '\\' when at + 1 < pattern.Length => pattern[at + 1] == c ? 2 : 0,
        '?' => 1,
        var literal => literal == c ? 1 : 0,
    };
}
