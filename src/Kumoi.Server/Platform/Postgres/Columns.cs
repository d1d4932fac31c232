using System.Net;
using System.Text.Json;
using Kumoi.Api;
using Npgsql;
using NpgsqlTypes;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>Reading and writing the column types that need a word more than Npgsql's defaults.</summary>
public static class Columns
{
    public static string? TextOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static int? IntOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);

    public static long? LongOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static DateTimeOffset Time(this NpgsqlDataReader row, int column) => row.GetFieldValue<DateTimeOffset>(column);

    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);

    public static string[] Texts(this NpgsqlDataReader row, int column) => row.GetFieldValue<string[]>(column);

    public static IReadOnlyList<Condition> Conditions(this NpgsqlDataReader row, int column)
    {
        var text = row.GetString(column);
        return text == "[]" ? [] : JsonSerializer.Deserialize(text, ApiJson.Default.ConditionArray)!;
    }

    /// <summary>A jsonb value from its text.</summary>
    public static NpgsqlParameter Json(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };

    public static NpgsqlParameter Json(IReadOnlyList<Condition> conditions) =>
        Json(ConditionsText(conditions));

    /// <summary>A text value that may be null, typed so that the server need not guess.</summary>
    public static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter TimeValue(DateTimeOffset? time) => new() { Value = (object?)time ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Integer(int? number) => new() { Value = (object?)number ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };

    public static NpgsqlParameter Bytes(byte[]? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea };

    public static NpgsqlParameter Boolean(bool? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean };

    public static NpgsqlParameter Number(decimal? number) => new() { Value = (object?)number ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Numeric };

    public static NpgsqlParameter Bigint(long? number) => new() { Value = (object?)number ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    public static NpgsqlParameter Inet(IPAddress? address) => new() { Value = (object?)address ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet };

    public static NpgsqlParameter Cidr(IPNetwork? network) => new() { Value = network is { } n ? n : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Cidr };

    public static NpgsqlParameter Texts(IEnumerable<string> texts) =>
        new() { Value = texts.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    /// <summary>A text array that may itself be null.</summary>
    public static NpgsqlParameter TextArray(IEnumerable<string>? texts) => new() { Value = (object?)texts?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    /// <summary>An array of ranges that may itself be null.</summary>
    public static NpgsqlParameter Cidrs(IEnumerable<IPNetwork>? ranges) => new() { Value = (object?)ranges?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Cidr };

    public static NpgsqlParameter TextsOrNull(IEnumerable<string?> texts) => Many(texts, NpgsqlDbType.Text);

    public static NpgsqlParameter Times(IEnumerable<DateTimeOffset?> times) => Many(times, NpgsqlDbType.TimestampTz);

    public static NpgsqlParameter Inets(IEnumerable<IPAddress?> addresses) => Many(addresses, NpgsqlDbType.Inet);

    public static NpgsqlParameter Jsons(IEnumerable<string?> texts) => Many(texts, NpgsqlDbType.Jsonb);

    public static NpgsqlParameter Integers(IEnumerable<int> numbers) => Many(numbers, NpgsqlDbType.Integer);

    public static NpgsqlParameter IntegersOrNull(IEnumerable<int?> numbers) => Many(numbers, NpgsqlDbType.Integer);

    public static NpgsqlParameter Booleans(IEnumerable<bool> values) => Many(values, NpgsqlDbType.Boolean);

    public static NpgsqlParameter Bigints(IEnumerable<long> numbers) => Many(numbers, NpgsqlDbType.Bigint);

    public static NpgsqlParameter Macs(IEnumerable<System.Net.NetworkInformation.PhysicalAddress> addresses) => Many(addresses, NpgsqlDbType.MacAddr);

    public static NpgsqlParameter ByteArrays(IEnumerable<byte[]> values) => Many(values, NpgsqlDbType.Bytea);

    public static string ConditionsText(IReadOnlyList<Condition> conditions) =>
        conditions.Count == 0 ? "[]" : JsonSerializer.Serialize([.. conditions], ApiJson.Default.ConditionArray);

    /// <summary>One column of several rows, for <c>unnest</c>.</summary>
    private static NpgsqlParameter Many<T>(IEnumerable<T> values, NpgsqlDbType type) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };
}
