using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Platform;

/// <summary>What accounts note beside a resource for themselves: keys with values, kept in a column <c>tags</c> of its table.</summary>
public static class Tags
{
    private const int CountMax = 50, KeyMax = 128, ValueMax = 256;

    public static IEnumerable<Violation> Check(IEnumerable<KeyValuePair<string, string?>>? tags) => Check("tags", tags);

    /// <summary>The same of a field that is kept like tags.</summary>
    public static IEnumerable<Violation> Check(string field, IEnumerable<KeyValuePair<string, string?>>? tags)
    {
        foreach (var (key, value) in tags ?? [])
        {
            if (key.Length is 0 or > KeyMax) yield return new Violation(field, "tag-key-length", key, KeyMax);
            else if (key.Contains('=', StringComparison.Ordinal) || key != key.Trim() || key.Any(char.IsControl) || !Names.IsWellFormed(key)) yield return new Violation(field, "tag-key-characters", key);
            if (value is null) continue;
            if (value.Length > ValueMax) yield return new Violation($"{field}.{key}", "too-long", ValueMax);
            else if (value.Any(char.IsControl) || !Names.IsWellFormed(value)) yield return new Violation($"{field}.{key}", "tag-value-characters");
        }
    }

    /// <summary>Those of a new resource, where a key without a value makes no sense.</summary>
    public static IEnumerable<Violation> CheckNew(IReadOnlyDictionary<string, string>? tags) => CheckNew("tags", tags);

    public static IEnumerable<Violation> CheckNew(string field, IReadOnlyDictionary<string, string>? tags) =>
    [
        .. Check(field, tags?.Select(tag => KeyValuePair.Create(tag.Key, (string?)tag.Value))), .. (tags ?? new Dictionary<string, string>()).Where(tag => tag.Value is null).Select(tag => new Violation($"{field}.{tag.Key}", "required")),
        .. tags?.Count > CountMax ? [new Violation(field, "at-most", CountMax)] : Array.Empty<Violation>(),
    ];

    public static IReadOnlyDictionary<string, string> Read(NpgsqlDataReader row, int column) => Parse(row.GetString(column));

    /// <summary>For a column <c>tags</c>.</summary>
    public static NpgsqlParameter Column(IReadOnlyDictionary<string, string>? tags) => Columns.Json(Text(tags));

    /// <summary>The same as JSON, for several rows at once.</summary>
    public static string Text(IReadOnlyDictionary<string, string>? tags) => tags is null ? "{}" : JsonSerializer.Serialize(tags, Form);

    /// <summary>Those of a resource that was just made, in the transaction that makes it.</summary>
    /// <param name="table">Never from a request.</param>
    public static async Task SetAsync(Transaction transaction, string table, string id, IReadOnlyDictionary<string, string>? tags, CancellationToken cancel)
    {
        if (tags is { Count: > 0 }) await transaction.ExecuteAsync($"UPDATE {table} SET tags = $2 WHERE id = $1", cancel, id, Column(tags));
    }

    /// <summary>Changes those of a row that the caller holds: a key with a value gets it, one with null goes, others stay.</summary>
    /// <param name="table">Never from a request.</param>
    public static Task<Failure?> ChangeAsync(Transaction transaction, string table, string id, IReadOnlyDictionary<string, string?>? changes, CancellationToken cancel) => ChangeAsync(transaction, table, "tags", id, changes, cancel);

    /// <summary>The same of a column that is kept like tags, and called like its field.</summary>
    /// <param name="table">Never from a request, nor the column.</param>
    public static async Task<Failure?> ChangeAsync(Transaction transaction, string table, string column, string id, IReadOnlyDictionary<string, string?>? changes, CancellationToken cancel)
    {
        if (changes is not { Count: > 0 }) return null;
        var tags = new SortedDictionary<string, string>(Parse((await transaction.FindAsync($"SELECT {column}::text FROM {table} WHERE id = $1", row => row.GetString(0), cancel, id))!).ToDictionary(), StringComparer.Ordinal);
        foreach (var (key, value) in changes)
            if (value is null) tags.Remove(key);
            else tags[key] = value;
        if (tags.Count > CountMax) return Failure.Invalid(column, "at-most", CountMax);
        await transaction.ExecuteAsync($"UPDATE {table} SET {column} = $2 WHERE id = $1", cancel, id, Column(tags));
        return null;
    }

    /// <summary>A filter from the query: <c>tag=KEY</c> for those with the key, <c>tag=KEY=VALUE</c> for those with that value; all that are given must fit.</summary>
    public static TagFilter Filter(IEnumerable<string?> asked)
    {
        var parts = asked.OfType<string>().Where(one => one.Length > 0).Select(one => one.Split('=', 2)).ToArray();
        // Of two values for one key the second can never fit: no row has both.
        return new TagFilter(parts.Where(part => part.Length == 2).GroupBy(part => part[0]).ToDictionary(group => group.Key, group => group.Select(part => part[1]).Distinct().Count() == 1 ? group.First()[1] : "\u0001"), [.. parts.Where(part => part.Length == 1).Select(part => part[0])]);
    }

    public static IReadOnlyDictionary<string, string> Parse(string text) => text == "{}" ? ImmutableDictionary<string, string>.Empty : JsonSerializer.Deserialize(text, Form)!;

    private static JsonTypeInfo<IReadOnlyDictionary<string, string>> Form => ApiJson.Default.IReadOnlyDictionaryStringString;
}

/// <param name="Wanted">Keys that must have just this value.</param>
/// <param name="Keys">Keys that must be there.</param>
public sealed record TagFilter(IReadOnlyDictionary<string, string> Wanted, IReadOnlyList<string> Keys)
{
    public NpgsqlParameter WantedColumn => Tags.Column(Wanted);

    public NpgsqlParameter KeysColumn => Columns.Texts(Keys);
}
