using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>How the metadata service answers a guest, as a launch or a change says it; what is null stays as it is.</summary>
public sealed record MetadataOptions(string? Endpoint, string? Tokens, int? HopLimit, string? Tags)
{
    public const string Enabled = "enabled", Disabled = "disabled", Optional = "optional", Required = "required";

    /// <summary>Packets have no more, and are lost at once with less.</summary>
    public const int HopLimitMax = 64;

    /// <summary>Tokens reach the guest itself, and nothing behind it.</summary>
    public const int HopLimitUsual = 1;

    public static MetadataOptions Of(LaunchInstance launch) => new(launch.MetadataEndpoint, launch.MetadataTokens, launch.MetadataHopLimit, launch.MetadataTags);

    public static MetadataOptions Of(UpdateInstance update) => new(update.MetadataEndpoint, update.MetadataTokens, update.MetadataHopLimit, update.MetadataTags);

    private bool IsEmpty => this == new MetadataOptions(null, null, null, null);

    public IEnumerable<Violation> Check() => new List<Violation?>
    {
        Endpoint is null or Enabled or Disabled ? null : new Violation("metadataEndpoint", "one-of", $"{Enabled}, {Disabled}"),
        Tokens is null or Optional or Required ? null : new Violation("metadataTokens", "one-of", $"{Optional}, {Required}"),
        HopLimit is null or (>= 1 and <= HopLimitMax) ? null : new Violation("metadataHopLimit", "between", 1, HopLimitMax),
        Tags is null or Enabled or Disabled ? null : new Violation("metadataTags", "one-of", $"{Enabled}, {Disabled}"),
    }.OfType<Violation>();

    /// <summary>What is written of those instances of a launch that say something of it; nothing, most of the time.</summary>
    public static IEnumerable<(string Sql, object?[] Values)> Statements(IReadOnlyList<NewInstance> made)
    {
        var unusual = made.Where(one => !Of(one.Asked.Launch).IsEmpty).Select(one => (one.Id, Options: Of(one.Asked.Launch))).ToList();
        if (unusual.Count == 0) yield break;
        yield return (
            """
            UPDATE instances v SET metadata_endpoint = coalesce(n.endpoint, v.metadata_endpoint), metadata_tokens = coalesce(n.tokens, v.metadata_tokens),
                                   metadata_hop_limit = coalesce(n.hop_limit, v.metadata_hop_limit), metadata_tags = coalesce(n.tags, v.metadata_tags)
            FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[]) AS n(id, endpoint, tokens, hop_limit, tags) WHERE v.id = n.id
            """,
            [
                Columns.Texts(unusual.Select(one => one.Id)), Columns.TextsOrNull(unusual.Select(one => one.Options.Endpoint)), Columns.TextsOrNull(unusual.Select(one => one.Options.Tokens)),
                Columns.IntegersOrNull(unusual.Select(one => one.Options.HopLimit)), Columns.TextsOrNull(unusual.Select(one => one.Options.Tags)),
            ]);
    }

    /// <summary>Changes those of an instance that the caller holds, with a new generation, so that it is seen when its host has done so. True if something is otherwise now.</summary>
    public async Task<bool> ChangeAsync(Transaction transaction, string id, CancellationToken cancel) => !IsEmpty && await transaction.ExecuteAsync(
        """
        UPDATE instances SET metadata_endpoint = coalesce($2, metadata_endpoint), metadata_tokens = coalesce($3, metadata_tokens), metadata_hop_limit = coalesce($4, metadata_hop_limit),
                             metadata_tags = coalesce($5, metadata_tags), generation = generation + 1
        WHERE id = $1 AND (metadata_endpoint, metadata_tokens, metadata_hop_limit, metadata_tags)
                       <> (coalesce($2, metadata_endpoint), coalesce($3, metadata_tokens), coalesce($4, metadata_hop_limit), coalesce($5, metadata_tags))
        """, cancel, id, Columns.Text(Endpoint), Columns.Text(Tokens), Columns.Integer(HopLimit), Columns.Text(Tags)) > 0;

    /// <summary>The hosts of those instances whose guests are told their tags: they must hear of a change. The caller holds the instances.</summary>
    public static Task<List<string>> HostsToldTagsAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.QueryAsync(
        $"SELECT DISTINCT host_id FROM instances WHERE id = ANY($1) AND metadata_tags = '{Enabled}'", row => row.GetString(0), cancel, Columns.Texts(instanceIds));
}
