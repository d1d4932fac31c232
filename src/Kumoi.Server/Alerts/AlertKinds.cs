namespace Kumoi.Server.Alerts;

/// <summary>How much an alert matters.</summary>
public static class Severities
{
    public const string Info = "info", Warning = "warning", Critical = "critical";

    public static readonly string[] All = [Info, Warning, Critical];

    public static int Rank(string severity) => Array.IndexOf(All, severity);
}

/// <summary>A kind of alert and the statement that finds what is so: one row for each alert that should stand now.</summary>
/// <param name="Sql">Answers account (null: the operators'), severity, resource type, id and name, id and name of the cause, and arguments as a JSON array of texts.</param>
public sealed record AlertKind(string Name, string Sql);

/// <summary>
/// All kinds of alerts. Nothing raises an alert but what stands in the records; so none is lost, and each goes with its reason. Texts are <c>alert.</c>KIND (the resource's name is {0}),
/// <c>alert.</c>KIND<c>.many</c> for several in a sum, and <c>alert.</c>KIND<c>.action</c>. Arguments that begin with <see cref="AlertText.NounMark"/> or <see cref="AlertText.ConditionMark"/> are translated.
/// </summary>
public static class AlertKinds
{
    // What heals by itself does within this; earlier alerts would be of what nobody has to look at.
    private const int ConditionMinutes = 5;

    // A pool that has so little left is full within hours, whatever its own limit for warnings is.
    private const int NearlyFullPercent = 95;

    // Lower is noise for accounts whose limits fit them; higher leaves no time to ask for more.
    private const int QuotaPercent = 90;

    public static readonly IReadOnlyList<AlertKind> All =
    [
        new("host.unreachable", "SELECT NULL::text, 'warning', 'host', h.id, h.name, NULL::text, NULL::text, jsonb_build_array(h.instances::text) FROM hosts h WHERE h.state = 'unreachable' AND NOT h.maintenance"),
        new("host.down", "SELECT NULL::text, 'critical', 'host', h.id, h.name, NULL::text, NULL::text, jsonb_build_array(h.instances::text) FROM hosts h WHERE h.state = 'down' AND NOT h.maintenance"),
        new("host.failing", $"SELECT NULL::text, 'warning', 'host', h.id, h.name, NULL::text, NULL::text, jsonb_build_array(c.words) FROM hosts h {Standing("h.conditions")} WHERE h.state = 'up' AND h.conditions <> '[]'"),
        new("host.power-failing", $"SELECT NULL::text, 'warning', 'host', h.id, h.name, NULL::text, NULL::text, jsonb_build_array(c.words) FROM host_power p JOIN hosts h ON h.id = p.host_id {Standing("p.conditions || p.notices")}"),
        new("pool.filling", $"""
            SELECT NULL::text, {Filling("s", "p")}, 'store', s.id, p.name, NULL::text, NULL::text,
                   jsonb_build_array(s.used_gib::text, s.capacity_gib::text, coalesce((SELECT string_agg(h.name, ', ' ORDER BY h.name) FROM (SELECT h.name FROM store_hosts x JOIN hosts h ON h.id = x.host_id WHERE x.store_id = s.id ORDER BY h.name LIMIT 5) h), '-'))
            FROM stores s JOIN pools p ON p.id = s.pool_id WHERE {Full("s", "p")}
            """),
        new("backup-store.filling", $"SELECT NULL::text, {Filling("p", "s")}, 'backup-place', p.id, s.name, NULL::text, NULL::text, jsonb_build_array(p.used_gib::text, p.capacity_gib::text) FROM backup_places p JOIN backup_stores s ON s.id = p.store_id WHERE {Full("p", "s")}"),
        // One that was started anew has another id and the same address.
        new("server.silent", """
            SELECT NULL::text, 'warning', 'server', s.id, s.name, NULL::text, NULL::text, jsonb_build_array(s.agent_url) FROM servers s WHERE s.seen_at < clock_timestamp() - interval '60 seconds'
               AND NOT EXISTS (SELECT 1 FROM servers n WHERE n.agent_url = s.agent_url AND n.seen_at > s.seen_at)
            """),
        new("switch.failing", $"SELECT NULL::text, 'warning', 'switch', s.id, s.name, NULL::text, NULL::text, jsonb_build_array(c.words) FROM switches s {Standing("s.conditions")} WHERE s.conditions <> '[]'"),
        new("instance.unreachable", """
            SELECT i.account_id, CASE h.state WHEN 'down' THEN 'critical' ELSE 'warning' END, 'instance', i.id, i.name, h.id, h.name, jsonb_build_array(h.name)
            FROM hosts h JOIN instances i ON i.host_id = h.id WHERE h.state <> 'up' AND i.terminated_at IS NULL AND i.desired = 'running'
            """),
        new("instance.failing", $"""
            SELECT i.account_id, 'critical', 'instance', i.id, i.name, CASE WHEN h.state <> 'up' THEN h.id END, CASE WHEN h.state <> 'up' THEN h.name END, jsonb_build_array(c.words)
            FROM instances i JOIN hosts h ON h.id = i.host_id {Standing("i.conditions || i.notices", "process-lost", "disk-error")}
            WHERE i.terminated_at IS NULL AND (i.conditions <> '[]' OR i.notices <> '[]')
            """),
        new("volume.failing", $"""
            SELECT v.account_id, 'warning', 'volume', v.id, v.name, CASE WHEN h.state <> 'up' THEN h.id END, CASE WHEN h.state <> 'up' THEN h.name END, jsonb_build_array(c.words)
            FROM volumes v LEFT JOIN hosts h ON h.id = v.host_id {Standing("v.conditions")} WHERE v.deleted_at IS NULL AND v.conditions <> '[]'
            """),
        new("backup.failed", "SELECT b.account_id, 'warning', 'backup', b.id, b.name, NULL::text, NULL::text, jsonb_build_array(b.volume_name) FROM backups b WHERE b.state = 'failed'"),
        new("backup.damaged", "SELECT b.account_id, 'critical', 'backup', b.id, b.name, NULL::text, NULL::text, jsonb_build_array(b.volume_name) FROM backups b WHERE b.damaged IS NOT NULL AND b.desired = 'present'"),
        new("backup-schedule.failing", $"""
            SELECT s.account_id, 'warning', 'backup-schedule', s.id, s.name, NULL::text, NULL::text, jsonb_build_array({Words("s.conditions -> 0")})
            FROM backup_schedules s WHERE s.enabled AND s.conditions <> '[]' AND s.conditions -> 0 ->> 'reason' <> 'backup-under-way'
            """),
        new("backup-schedule.late", """
            SELECT s.account_id, 'warning', 'backup-schedule', s.id, s.name, NULL::text, NULL::text, jsonb_build_array() FROM backup_schedules s
            WHERE s.enabled AND s.next_at < clock_timestamp() - interval '15 minutes' AND (s.conditions = '[]' OR s.conditions -> 0 ->> 'reason' = 'backup-under-way')
            """),
        // Whoever ended it themselves gave no reason.
        new("subscription.failing", $"""
            SELECT s.account_id, 'warning', 'subscription', s.id, s.name, NULL::text, NULL::text, jsonb_build_array(coalesce(nullif(s.reason, ''), s.last_error, '-')) FROM subscriptions s
            WHERE s.state = 'failing' AND s.failing_since < clock_timestamp() - interval '{ConditionMinutes} minutes' OR s.state = 'disabled' AND s.reason <> ''
            """),
        new("usage.late", """
            SELECT NULL::text, 'warning', 'usage', 'usage', 'usage', NULL::text, NULL::text, jsonb_build_array(to_char(p.computed_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
            FROM usage_progress p WHERE p.computed_until < clock_timestamp() - interval '3 hours'
            """),
        new("image.failed", $"""
            SELECT i.account_id, 'warning', 'image', i.id, i.name, NULL::text, NULL::text, jsonb_build_array({Words("i.conditions -> 0")}) FROM images i WHERE i.state = 'failed' AND i.deleted_at IS NULL
            """),
        new("quota.near", $"""
            SELECT a.id, 'warning', 'quota', q.scope_id || '/' || q.resource, q.resource, NULL::text, NULL::text,
                   jsonb_build_array('{AlertText.NounMark}quota.' || q.resource, q.used::text, q.quota_limit::text, coalesce(a.name, d.path))
            FROM quotas q LEFT JOIN accounts a ON a.id = q.scope_id LEFT JOIN domains d ON d.id = q.scope_id
            WHERE q.quota_limit > 0 AND q.used * 100 >= q.quota_limit * {QuotaPercent} AND coalesce(a.id, d.id) IS NOT NULL
            """),
    ];

    public static readonly IReadOnlyList<string> Names = [.. All.Select(kind => kind.Name)];

    /// <summary>The first of the conditions that have stood for a while, as <c>c.words</c>; rows without one fall out.</summary>
    /// <param name="atOnce">Reasons that nobody has to wait for.</param>
    private static string Standing(string conditions, params string[] atOnce) =>
        $"""
        CROSS JOIN LATERAL (SELECT {Words("x")} AS words FROM jsonb_array_elements({conditions}) x
            WHERE (x ->> 'since')::timestamptz < clock_timestamp() - interval '{ConditionMinutes} minutes' OR x ->> 'reason' = ANY(ARRAY[{string.Join(',', atOnce.Select(reason => $"'{reason}'"))}]::text[]) ORDER BY x ->> 'reason' LIMIT 1) c
        """;

    private static string Words(string condition) => $"coalesce('{AlertText.ConditionMark}' || ({condition} ->> 'reason') || '{AlertText.ConditionMark}' || ({condition} ->> 'message'), '-')";

    private static string Full(string place, string limits) => $"{place}.capacity_gib > 0 AND {place}.used_gib::bigint * 100 >= {place}.capacity_gib::bigint * {limits}.warn_percent";

    private static string Filling(string place, string limits) => $"CASE WHEN {place}.used_gib::bigint * 100 >= {place}.capacity_gib::bigint * greatest({NearlyFullPercent}, {limits}.warn_percent) THEN 'critical' ELSE 'warning' END";
}
