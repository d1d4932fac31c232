using Kumoi.Faults.Cloud;
using Kumoi.Faults.Work;
using Kumoi.Server.Platform.Postgres;
using Xunit;

namespace Kumoi.Faults;

/// <summary>
/// Goal: servers are replaced one by one, under load, and nobody notices. Method: to these servers the schema of a version that is not written yet
/// is what theirs will be to it: the next version's migrations are applied under them, in the way its first server would.
/// </summary>
public sealed class UpgradeTests
{
    /// <summary>Of everything that a migration may do, something, at the tables that are used most.</summary>
    private static readonly Migration[] Next =
    [
        new(9001, "9001-racks.sql",
            """
            CREATE TABLE racks (id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL REFERENCES accounts, name text NOT NULL UNIQUE);
            ALTER TABLE hosts ADD COLUMN rack_id text COLLATE "C" REFERENCES racks, ADD COLUMN watts integer NOT NULL DEFAULT 0 CHECK (watts >= 0);
            ALTER TABLE hosts DROP CONSTRAINT hosts_state_check, ADD CONSTRAINT hosts_state_check CHECK (state IN ('up', 'unreachable', 'down', 'retired'));
            CREATE INDEX hosts_rack ON hosts (rack_id, state);
            """),
        new(9002, "9002-labels.sql",
            """
            ALTER TABLE instances ADD COLUMN labels jsonb NOT NULL DEFAULT '{}', ADD COLUMN rack_id text COLLATE "C" REFERENCES racks, ADD COLUMN watts_max integer;
            ALTER TABLE instances ADD CONSTRAINT instances_watts CHECK (watts_max IS NULL OR watts_max > 0) NOT VALID;
            CREATE INDEX instances_labels ON instances USING gin (labels);
            ALTER TABLE interfaces ADD COLUMN flows_max integer NOT NULL DEFAULT 1500;
            ALTER TABLE networks ADD COLUMN flows_max integer NOT NULL DEFAULT 1500;
            ALTER TABLE events ADD COLUMN rack_id text;
            ALTER TABLE images ADD COLUMN rack_label text NOT NULL DEFAULT 'none';
            ALTER TABLE idempotency_keys ADD COLUMN server_id text;
            ALTER TABLE servers ADD COLUMN draining boolean NOT NULL DEFAULT false;
            """),
        new(9003, "9003-labels-validated.sql", "ALTER TABLE instances VALIDATE CONSTRAINT instances_watts; UPDATE hosts SET watts = 100;"),
    ];

    [Fact]
    public async Task Servers_are_replaced_one_by_one_and_one_goes_back()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 2, hosts: 20);
        var stopped = new List<int>();
        var work = await Workload.WhileAsync(cloud, 41, async () =>
        {
            await new Migrator(cloud.Database, [.. Migration.Compiled, .. Next], TimeProvider.System).MigrateAsync(default);
            await cloud.AddServerAsync();
            foreach (var old in cloud.Servers.Take(2).ToList()) stopped.Add(await old.Process.StopAsync());
            // Back to the version before: its program finds a schema that is newer than what it knows.
            cloud.Servers[0].Process.Start();
            await cloud.Servers[0].ReadyAsync();
            stopped.Add(await cloud.Servers[2].Process.StopAsync());
        });
        Assert.Equal([0, 0, 0], stopped);
        Assert.Empty(work.Broken);
        Assert.Equal(0, work.Unavailable);
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
        Assert.Empty(await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action IN ('instance.lost', 'instance.restarted', 'instance.recover')"));
        Assert.Equal(["9001", "9002", "9003"], await Verdict.TextsAsync(cloud, "SELECT version::text FROM schema_migrations WHERE version > 9000 ORDER BY 1"));
        Assert.Equal(0, await cloud.Hosts[0].StopAsync());
    }
}
