using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Backups;

/// <summary>Takes in what hosts tell of backups that are theirs to do. Of another placement, and of what was not asked, nothing is believed.</summary>
public sealed class BackupObservation(Database database, HostRevisions hosts, EventLog events, TimeProvider clock) : IReportObserver
{
    private const int BackupsMax = 2000, WordsMax = 500;

    private const long BytesMax = 1L << 50;

    // How far work has come is written so often while nothing else changes.
    private static readonly TimeSpan WorkInterval = TimeSpan.FromSeconds(5);

    private sealed record Row(
        string Id, string Name, string AccountId, string HostId, string HostName, int Incarnation, string State, bool Offered, string? ParentId, long VerifyNumber, long VerifiedNumber, string Conditions, string? Work, DateTimeOffset? WorkAt,
        string? ChildId, DateTimeOffset CreatedAt);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Backups ?? []).Take(BackupsMax).Where(backup => Ids.Looks(backup.Id)).Select(backup => (r.HostId, Backup: backup)))
            .GroupBy(one => (one.HostId, one.Backup.Id)).Select(same => same.Last()).OrderBy(one => one.Backup.Id, StringComparer.Ordinal).ToList();
        if (told.Count == 0) return;
        var now = clock.GetUtcNow();
        await database.TransactionAsync<Done>(async transaction =>
        {
            var rows = (await transaction.QueryAsync(
                """
                SELECT b.id, b.name, b.account_id, b.host_id, h.name, b.incarnation, b.state, b.offered, b.parent_id, b.verify_number, b.verified_number, b.conditions::text, b.work::text, b.work_at,
                       (SELECT c.id FROM backups c WHERE c.parent_id = b.id AND c.sha256 IS NOT NULL LIMIT 1), b.created_at
                FROM backups b JOIN hosts h ON h.id = b.host_id WHERE b.id = ANY($1) ORDER BY b.id FOR UPDATE OF b
                """, row => new Row(
                    row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetString(6), row.GetBoolean(7), row.TextOrNull(8), row.GetInt64(9), row.GetInt64(10), row.GetString(11),
                    row.TextOrNull(12), row.TimeOrNull(13), row.TextOrNull(14), row.Time(15)), cancel, Columns.Texts(told.Select(one => one.Backup.Id)))).ToDictionary(row => row.Id);
            var changed = false;
            foreach (var (host, backup) in told)
                if (rows.TryGetValue(backup.Id, out var row) && row.HostId == host && row.Incarnation == backup.Incarnation) changed |= await TakeAsync(transaction, row, backup, now, cancel);
            if (changed)
            {
                await hosts.TouchAsync(transaction, [.. told.Select(one => one.HostId).Distinct().Order(StringComparer.Ordinal)], cancel);
                await BackupOffers.SettleAsync(transaction, hosts, now, cancel);
            }
            transaction.AfterCommit(events.Ring);
            return new Done();
        }, cancel);
    }

    /// <summary>True if the host's document has to change.</summary>
    private async Task<bool> TakeAsync(Transaction transaction, Row row, ObservedBackup told, DateTimeOffset now, CancellationToken cancel)
    {
        if (row is { State: "creating" } && told.Made is { } made && IsSum(made.Sha256) && (made.ParentId is null || made.ParentId == row.ParentId))
        {
            var full = made.ParentId is null && row.ParentId is not null;
            IReadOnlyList<Condition> said = full ? [new Condition("Backup", "base-missing", "What the last backup was made of is not below the volume any more, or that backup's file is missing: it is a full one.", now, null)] : [];
            await transaction.ExecuteAsync(
                """
                UPDATE backups SET sha256 = $2, stored_bytes = $3, moved_bytes = $4, taken_at = $5, consistency = $6, kind = CASE WHEN $7 THEN 'full' ELSE kind END, parent_id = CASE WHEN $7 THEN NULL ELSE parent_id END,
                                   conditions = CASE WHEN $7 THEN $8 ELSE coalesce((SELECT jsonb_agg(c) FROM jsonb_array_elements(conditions) c WHERE c ->> 'reason' = 'base-missing'), '[]') END, work = NULL, work_at = NULL WHERE id = $1
                """, cancel, row.Id, made.Sha256, Math.Clamp(made.StoredBytes, 0, BytesMax), Math.Clamp(made.MovedBytes, 0, BytesMax), Later(SnapshotObservation.Past(made.TakenAt, now), row.CreatedAt),
                made.Consistency == SnapshotConsistency.FileSystem ? SnapshotConsistency.FileSystem : SnapshotConsistency.Crash, full, Columns.Json(said));
            await WriteAsync(row, "backup.made", full ? "A full one, since there was nothing to build on." : null);
            return true;
        }
        if (row is { State: "deleting", Offered: true } && told.Gone && (row.ChildId is null || (told.Merged is { } joined && joined.ChildId == row.ChildId && IsSum(joined.Sha256))))
        {
            if (row.ChildId is { } child)
                await transaction.ExecuteAsync(
                    "UPDATE backups SET sha256 = $2, stored_bytes = $3, parent_id = $4, kind = CASE WHEN $4 IS NULL THEN 'full' ELSE 'incremental' END WHERE id = $1", cancel, child, told.Merged!.Sha256,
                    Math.Clamp(told.Merged.StoredBytes, 0, BytesMax), Columns.Text(row.ParentId));
            await transaction.ExecuteAsync("DELETE FROM backups WHERE id = $1", cancel, row.Id);
            await WriteAsync(row, "backup.deleted", null);
            return true;
        }
        if (row.State == "available" && row.VerifiedNumber < row.VerifyNumber && told.Verified >= row.VerifyNumber)
        {
            var words = told.Damaged is { } damaged ? damaged[..Math.Min(damaged.Length, WordsMax)] : null;
            await transaction.ExecuteAsync("UPDATE backups SET verified_number = verify_number, verified_at = $2, damaged = $3, work = NULL, work_at = NULL WHERE id = $1", cancel, row.Id, now, Columns.Text(words));
            await WriteAsync(row, words is null ? "backup.verified" : "backup.damaged", words);
            return true;
        }
        await KeepAsync(transaction, row, told, now, cancel);
        return false;

        Task WriteAsync(Row one, string action, string? message) => events.WriteAsync(transaction, [new NewEvent(one.AccountId, EventActor.Host(one.HostId, one.HostName), action, new Subject("backup", one.Id, one.Name), message)], cancel);
    }

    /// <summary>Why it is not as was asked, and how far it is.</summary>
    private static async Task KeepAsync(Transaction transaction, Row row, ObservedBackup told, DateTimeOffset now, CancellationToken cancel)
    {
        if (row.State == "failed" || (row.State == "available" && row.VerifiedNumber == row.VerifyNumber)) return;
        var work = WorkText(told.Work, now);
        var isNews = (work is null) != (row.Work is null) || row.WorkAt is null || now - row.WorkAt >= WorkInterval;
        var conditions = Columns.ConditionsText(told.Conditions);
        // What was said when it was asked for stays: that it is a full one.
        if (row.State == "creating" && told.Conditions.Count == 0 && row.Conditions.Contains("base-missing", StringComparison.Ordinal)) conditions = row.Conditions;
        await transaction.ExecuteAsync(
            "UPDATE backups SET conditions = $2, work = CASE WHEN $4 THEN $3 ELSE work END, work_at = CASE WHEN $4 THEN $5 ELSE work_at END WHERE id = $1 AND (conditions <> $2 OR $4 AND work IS DISTINCT FROM $3)", cancel,
            row.Id, Columns.Json(conditions), Columns.Json(work), isNews, now);
    }

    private static DateTimeOffset Later(DateTimeOffset told, DateTimeOffset asked) => told > asked ? told : asked;

    private static bool IsSum(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private static string? WorkText(VolumeWork? work, DateTimeOffset now)
    {
        if (work is not { Kind: VolumeWorks.Backup or VolumeWorks.Merge or VolumeWorks.Verify }) return null;
        var total = Math.Clamp(work.TotalBytes, 0, BytesMax);
        return JsonSerializer.Serialize(new VolumeWork(work.Kind, Math.Clamp(work.DoneBytes, 0, total), total, SnapshotObservation.Past(work.Since, now)), ApiJson.Default.VolumeWork);
    }
}
