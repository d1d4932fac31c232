using System.Text.RegularExpressions;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Tests.Postgres;

/// <summary>What a program of some version relies on in a schema, as PostgreSQL's catalogue has it; two of them tell what a migration did.</summary>
internal sealed partial record SchemaPicture(
    Dictionary<uint, string> Tables, Dictionary<(uint Table, short Number), SchemaPicture.Column> Columns, Dictionary<(uint Table, string Name), SchemaPicture.Rule> Rules, HashSet<string> Triggers)
{
    internal sealed record Column(string Name, string Type, bool NotNull, bool HasDefault, bool Generated);

    /// <param name="Kind">As in pg_constraint: c check, f foreign key, u unique (also a unique index), p primary key, x exclusion.</param>
    internal sealed record Rule(char Kind, string Definition, short[] Columns);

    public static async Task<SchemaPicture> OfAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        const string tables = "(SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S'))";
        return new(
            (await connection.RowsAsync($"SELECT oid, relname::text FROM {tables} t", row => (row.GetFieldValue<uint>(0), row.GetString(1)), default)).ToDictionary(t => t.Item1, t => t.Item2),
            (await connection.RowsAsync(
                $"""
                SELECT t.oid, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
                FROM {tables} t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
                """, row => ((row.GetFieldValue<uint>(0), row.GetInt16(1)), new Column(row.GetString(2), row.GetString(3), row.GetBoolean(4), row.GetBoolean(5), row.GetBoolean(6))), default)).ToDictionary(),
            (await connection.RowsAsync(
                $"""
                SELECT t.oid, c.conname::text, c.contype::text, pg_get_constraintdef(c.oid), coalesce(c.conkey, ARRAY[]::int2[]) FROM {tables} t JOIN pg_constraint c ON c.conrelid = t.oid
                WHERE c.contype IN ('c', 'f', 'u', 'p', 'x')
                UNION ALL
                SELECT t.oid, i.relname::text, 'u', pg_get_indexdef(i.oid), x.indkey::int2[] FROM {tables} t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
                WHERE x.indisunique AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)
                """, row => ((row.GetFieldValue<uint>(0), row.GetString(1)), new Rule(row.GetString(2)[0], row.GetString(3), row.GetFieldValue<short[]>(4))), default)).ToDictionary(),
            [.. await connection.RowsAsync($"SELECT t.relname || '.' || g.tgname FROM {tables} t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal", row => row.GetString(0), default)]);
    }

    /// <summary>What servers of the version before could not live with, one sentence each; empty if the migration only added.</summary>
    public static IEnumerable<string> Breaks(SchemaPicture before, SchemaPicture after) =>
        TableBreaks(before, after).Concat(ColumnBreaks(before, after)).Concat(RuleBreaks(before, after)).Concat(after.Triggers.Except(before.Triggers).Select(trigger => $"The trigger {trigger} changes what statements of the version before do."));

    private static IEnumerable<string> TableBreaks(SchemaPicture before, SchemaPicture after) =>
        before.Tables.Where(table => after.Tables.GetValueOrDefault(table.Key) != table.Value).Select(table => $"The table {table.Value} is gone, renamed or made anew.");

    private static IEnumerable<string> ColumnBreaks(SchemaPicture before, SchemaPicture after)
    {
        foreach (var (key, column) in after.Columns.Where(c => before.Tables.ContainsKey(c.Key.Table)))
        {
            var name = $"{after.Tables[key.Table]}.{column.Name}";
            if (!before.Columns.TryGetValue(key, out var old))
            {
                if (column is { NotNull: true, HasDefault: false }) yield return $"The new column {name} needs a default or must bear null: the version before does not write it.";
                if (column.Generated) yield return $"The new generated column {name} rewrites the table while everybody waits.";
            }
            else if (old.Name != column.Name) yield return $"The column {name} was {old.Name}.";
            else if (old.Type != column.Type || old.Generated != column.Generated) yield return $"The column {name} has another type.";
            else if (column.NotNull && !old.NotNull) yield return $"The column {name} may not be null any more.";
            else if (old.HasDefault && !column.HasDefault && column.NotNull) yield return $"The column {name} has lost its default.";
        }
        foreach (var (key, column) in before.Columns.Where(c => after.Tables.ContainsKey(c.Key.Table) && !after.Columns.ContainsKey(c.Key)))
            yield return $"The column {before.Tables[key.Table]}.{column.Name} is gone.";
    }

    private static IEnumerable<string> RuleBreaks(SchemaPicture before, SchemaPicture after)
    {
        foreach (var (key, rule) in after.Rules.Where(r => before.Tables.ContainsKey(r.Key.Table)))
        {
            if (!before.Rules.TryGetValue(key, out var old))
            {
                if (!IsOfNewColumns(key.Table, rule, before, after)) yield return $"The new rule {key.Name} may refuse what the version before writes: {rule.Definition}.";
            }
            else if (old.Definition != rule.Definition && !IsWider(old.Definition, rule.Definition)) yield return $"The rule {key.Name} is not wider than it was: {rule.Definition}.";
        }
        // Without a check or a reference more is allowed; a unique rule is also what ON CONFLICT of the version before names.
        foreach (var (key, rule) in before.Rules.Where(r => r.Value.Kind is 'u' or 'p' or 'x' && after.Tables.ContainsKey(r.Key.Table) && !after.Rules.ContainsKey(r.Key)))
            yield return $"The rule {key.Name} is gone: {rule.Definition}.";
    }

    /// <summary>The version before leaves new columns at null or their default, which a unique rule must bear many times.</summary>
    private static bool IsOfNewColumns(uint table, Rule rule, SchemaPicture before, SchemaPicture after) => rule.Columns.Length > 0 && rule.Columns.All(number =>
        !before.Columns.ContainsKey((table, number)) && after.Columns.TryGetValue((table, number), out var column) && (rule.Kind is 'c' or 'f' || column is { NotNull: false, HasDefault: false }));

    /// <summary>A list of allowed texts that has got longer; any other change is to be thought about.</summary>
    private static bool IsWider(string before, string after) =>
        Allowed().Replace(before, "") == Allowed().Replace(after, "") && Literal().Matches(before).Select(m => m.Value).Except(Literal().Matches(after).Select(m => m.Value)).Any() == false;

    [GeneratedRegex(@"ARRAY\[[^\]]*\]")] private static partial Regex Allowed();

    [GeneratedRegex(@"'(?:[^']|'')*'")] private static partial Regex Literal();
}
