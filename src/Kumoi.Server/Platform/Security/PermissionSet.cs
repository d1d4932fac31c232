namespace Kumoi.Server.Platform.Security;

/// <summary>A set of permissions as a role or a token has it: <c>volumes:write</c>, <c>volumes:*</c>, <c>*:read</c>, <c>*:*</c>.</summary>
public sealed class PermissionSet(IReadOnlyList<string> patterns)
{
    public const int PatternsMax = 200, LengthMax = 80;

    // What later versions bring: whoever gives away a wildcard gives that, too.
    private const string Later = "\u0001";

    private readonly HashSet<string> _patterns = [.. patterns];

    public IReadOnlyList<string> Patterns => patterns;

    public bool Allows(Permission permission) => Allows(permission.Capability, permission.Verb);

    public bool Allows(string capability, string verb) =>
        _patterns.Contains("*:*") || _patterns.Contains(capability + ":" + verb) || _patterns.Contains(capability + ":*") || _patterns.Contains("*:" + verb);

    /// <summary>What a list of patterns allows that somebody lacks, of what there is: nobody gives away more than they have.</summary>
    /// <param name="known">All permissions that there are.</param>
    /// <param name="allows">What the giver may.</param>
    public IEnumerable<string> Beyond(IEnumerable<Permission> known, Func<string, string, bool> allows)
    {
        var pairs = known.Select(p => (p.Capability, p.Verb)).ToHashSet();
        var (capabilities, verbs) = (pairs.Select(p => p.Capability).Append(Later), pairs.Select(p => p.Verb).Append(Later).ToHashSet());
        pairs.UnionWith(capabilities.Distinct().ToList().SelectMany(capability => verbs.Where(verb => capability == Later || verb == Later).Select(verb => (capability, verb))));
        return pairs.Where(p => Allows(p.Capability, p.Verb) && !allows(p.Capability, p.Verb)).Select(p => $"{Shown(p.Capability)}:{Shown(p.Verb)}").Distinct().Order(StringComparer.Ordinal);
    }

    private static string Shown(string part) => part == Later ? "*" : part;

    /// <summary>The rules that a list of patterns breaks.</summary>
    public static Violation? Check(string field, IReadOnlyList<string> patterns, IEnumerable<Permission> known)
    {
        if (patterns.Count is 0 or > PatternsMax) return new Violation(field, "count-between", 1, PatternsMax);
        var pairs = known.Select(p => (p.Capability, p.Verb)).ToHashSet();
        foreach (var pattern in patterns)
        {
            if (pattern.Length > LengthMax || pattern.Split(':') is not [var capability, var verb]) return new Violation(field, "permission-form", pattern.Length > LengthMax ? pattern[..LengthMax] : pattern);
            if (!pairs.Any(p => (capability == "*" || capability == p.Capability) && (verb == "*" || verb == p.Verb))) return new Violation(field, "no-such-permission", pattern);
        }
        return null;
    }
}
