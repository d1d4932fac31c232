using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Postgres;

/// <summary>
/// Goal: servers can be replaced one by one. Method: what each file of the schema did is read from PostgreSQL's catalogue and compared with what
/// the version before relies on; and migrations are raced, cut off and held up.
/// </summary>
public sealed class MigrationTests
{
    /// <summary>Rules that do touch what the version before writes, and why it never breaks them.</summary>
    private static readonly Dictionary<(int Version, string Rule), string> Considered = new()
    {
        [(2, "hosts_down_is_fenced")] = "The version before does not know the state down, so it never writes it.",
        [(3, "instances_placement_group")] = "The version before leaves the columns null.",
        [(3, "instances_affinity")] = "It places none in a group; a move of one that is breaks off, and is tried again by a server of this version.",
        [(3, "instances_anti_affinity")] = "The same.",
        [(5, "subnets_range")] = "It is wider: what the version before writes, IPv4 of /16 to /28, is allowed as ever.",
        [(5, "interfaces.hold_addresses")] = "An address that is held looks like one that is taken; the version before then takes another.",
        [(5, "interfaces.rest_addresses")] = "It changes nothing that the version before reads.",
        [(5, "floating_addresses.rest_address")] = "What the version before gives out goes as ever; what it does not know of stays.",
        [(8, "load_balancers.hold_addresses")] = "The version before does not know the table.",
        [(8, "load_balancers.rest_addresses")] = "The same.",
        [(10, "subnets_part")] = "The version before leaves the columns null.",
        [(10, "networks_segment")] = "The same.",
        [(13, "volumes.state")] = "It is computed anew, and means what it did for all that the version before makes; volumes are few.",
        [(13, "volumes_slot_check")] = "It is wider: 1 to 8 is allowed as ever.",
        [(13, "volumes_former_is_deleted")] = "The version before leaves the column null.",
        [(13, "volumes_deleted_without_snapshots")] = "The version before takes no snapshots; they are used once every server is of this version.",
        [(18, "volumes_restored_whole")] = "The version before leaves the columns null.",
        [(19, "volumes_exported_whole")] = "The version before leaves exported false, and the columns null.",
        [(24, "pools_driver_check")] = "It is wider: directory is allowed as ever.",
        [(26, "users.users_are_members")] = "It gives users of the version before the memberships that their role means, and refuses nothing.",
        [(29, "count_")] = "Nothing is counted nor refused while there is no limit; limits are set by servers of this version.",
        [(30, "count_")] = "The same.",
        [(31, "count_")] = "The same.",
        [(13, "store_hosts_root")] = "The version before leaves the column false, which the index passes over.",
        [(34, "volumes.state")] = "It is computed anew, and means what it did for all that the version before makes; volumes are few.",
        [(34, "volumes_moving_is_present")] = "The version before leaves the column null; volumes are moved once every server is of this version.",
        [(34, "pools_drained_elsewhere")] = "The version before leaves the column null; pools are emptied once every server is of this version.",
        [(42, ".meter_")] = "The triggers of use write a table that the version before does not know.",
        [(43, ".meter_")] = "The same.",
        [(44, ".meter_")] = "The same.",
        [(54, "users_directory_subject")] = "The version before leaves the column null, which the index passes over.",
        [(55, "contacts_webhook_signed")] = "The version before makes no contacts that are webhooks.",
    };

    private static async Task<NpgsqlDataSource> DatabaseAsync(IReadOnlyList<Migration> migrations)
    {
        var source = Sources.Open(new NpgsqlConnectionStringBuilder(await (await PostgresServer.SharedAsync()).CreateDatabaseAsync()));
        await new Migrator(source, migrations, TimeProvider.System).MigrateAsync(default);
        return source;
    }

    private static Migration Next(string sql) => new(9001, "9001-next.sql", sql);

    private static async Task<IReadOnlyList<string>> BreaksAsync(IReadOnlyList<Migration> before, Migration next)
    {
        await using var source = await DatabaseAsync(before);
        return await BreaksAsync(source, [.. before, next]);
    }

    /// <summary>What the last of these breaks, of a database that has the others.</summary>
    private static async Task<IReadOnlyList<string>> BreaksAsync(NpgsqlDataSource source, IReadOnlyList<Migration> migrations)
    {
        var was = await SchemaPicture.OfAsync(source);
        await new Migrator(source, migrations, TimeProvider.System).MigrateAsync(default);
        return [.. SchemaPicture.Breaks(was, await SchemaPicture.OfAsync(source))];
    }

    [Fact]
    public async Task Every_migration_only_adds()
    {
        var migrations = Migration.Compiled;
        Assert.Equal(Enumerable.Range(1, migrations.Count), migrations.Select(m => m.Version));
        await using var source = await DatabaseAsync([migrations[0]]);
        for (var i = 1; i < migrations.Count; i++)
            Assert.Empty((await BreaksAsync(source, [.. migrations.Take(i + 1)])).Where(sentence => !Considered.Keys.Any(c => c.Version == migrations[i].Version && sentence.Contains(c.Rule, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("DROP TABLE leases", "table leases")]
    [InlineData("DROP TABLE leases; CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)", "table leases")]
    [InlineData("ALTER TABLE leases RENAME TO lease", "table leases")]
    [InlineData("ALTER TABLE instances DROP COLUMN notices", "instances.notices is gone")]
    [InlineData("ALTER TABLE instances DROP COLUMN notices; ALTER TABLE instances ADD COLUMN notices jsonb NOT NULL DEFAULT '[]'", "instances.notices is gone")]
    [InlineData("ALTER TABLE instances RENAME COLUMN notices TO remarks", "instances.remarks was notices")]
    [InlineData("ALTER TABLE hosts ALTER COLUMN vcpus TYPE bigint", "hosts.vcpus has another type")]
    [InlineData("ALTER TABLE hosts ALTER COLUMN storage SET NOT NULL", "hosts.storage may not be null")]
    [InlineData("ALTER TABLE hosts ALTER COLUMN maintenance DROP DEFAULT", "hosts.maintenance has lost its default")]
    [InlineData("ALTER TABLE hosts ADD COLUMN rack text NOT NULL", "hosts.rack needs a default")]
    [InlineData("ALTER TABLE hosts ADD COLUMN rack text NOT NULL DEFAULT 'a' UNIQUE", "hosts_rack_key may refuse")]
    [InlineData("ALTER TABLE hosts ADD COLUMN size text GENERATED ALWAYS AS (vcpus::text) STORED", "hosts.size rewrites")]
    [InlineData("ALTER TABLE hosts ADD CONSTRAINT large CHECK (vcpus > 2) NOT VALID", "large may refuse")]
    [InlineData("CREATE UNIQUE INDEX one_address ON hosts (address)", "one_address may refuse")]
    [InlineData("CREATE UNIQUE INDEX one_address ON hosts (lower(address))", "one_address may refuse")]
    [InlineData("ALTER TABLE hosts DROP CONSTRAINT hosts_state_check, ADD CONSTRAINT hosts_state_check CHECK (state IN ('up', 'down', 'lost'))", "hosts_state_check is not wider")]
    [InlineData("ALTER TABLE hosts DROP CONSTRAINT hosts_name_key", "hosts_name_key is gone")]
    [InlineData("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE INSERT ON hosts FOR EACH ROW EXECUTE FUNCTION f()", "trigger hosts.t")]
    public async Task A_migration_that_servers_of_the_version_before_could_not_bear_is_found(string sql, string said) =>
        Assert.Contains(said, Assert.Single(await BreaksAsync(Migration.Compiled, Next(sql))), StringComparison.Ordinal);

    [Theory]
    [InlineData("CREATE TABLE racks (id text PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name <> ''))")]
    [InlineData("ALTER TABLE hosts ADD COLUMN rack text, ADD COLUMN weight integer NOT NULL DEFAULT 0 CHECK (weight >= 0)")]
    [InlineData("CREATE TABLE racks (id text PRIMARY KEY); ALTER TABLE hosts ADD COLUMN rack text UNIQUE REFERENCES racks; CREATE INDEX hosts_rack ON hosts (rack, state)")]
    [InlineData("ALTER TABLE hosts DROP CONSTRAINT hosts_state_check, ADD CONSTRAINT hosts_state_check CHECK (state IN ('up', 'unreachable', 'down', 'lost'))")]
    [InlineData("ALTER TABLE instances DROP CONSTRAINT instances_recovery_check; ALTER TABLE join_tokens ALTER COLUMN zone_id DROP NOT NULL")]
    public async Task A_migration_that_only_adds_passes(string sql) => Assert.Empty(await BreaksAsync(Migration.Compiled, Next(sql)));

    [Fact]
    public async Task Servers_that_start_at_once_apply_each_file_once()
    {
        await using var source = await DatabaseAsync([]);
        Migration[] migrations = [.. Enumerable.Range(1, 5).Select(i => new Migration(i, $"{i}.sql", $"CREATE TABLE t{i} (n integer); INSERT INTO t{i} VALUES ({i}); SELECT pg_sleep(0.05)"))];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => new Migrator(source, migrations, TimeProvider.System).MigrateAsync(default)));
        await using var connection = await source.OpenConnectionAsync();
        Assert.Equal([1, 2, 3, 4, 5], await connection.RowsAsync("SELECT n FROM t1 UNION ALL SELECT n FROM t2 UNION ALL SELECT n FROM t3 UNION ALL SELECT n FROM t4 UNION ALL SELECT n FROM t5 ORDER BY 1", row => row.GetInt32(0), default));
        Assert.Equal([1, 2, 3, 4, 5], await connection.RowsAsync("SELECT version FROM schema_migrations ORDER BY 1", row => row.GetInt32(0), default));
    }

    [Fact]
    public async Task One_that_is_killed_in_the_middle_of_a_file_leaves_those_before_and_the_next_goes_on()
    {
        await using var source = await DatabaseAsync([]);
        var first = new Migration(1, "1.sql", "CREATE TABLE first (n integer)");
        // To PostgreSQL a killed server is a connection that ends.
        var cutOff = new Migration(2, "2.sql", "CREATE TABLE second (n integer); SELECT pg_terminate_backend(pg_backend_pid())");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => new Migrator(source, [first, cutOff], TimeProvider.System).MigrateAsync(default));
        await using (var connection = await source.OpenConnectionAsync())
            Assert.Equal(["1 first"], await connection.RowsAsync("SELECT m.version || ' ' || t.tablename FROM schema_migrations m, pg_tables t WHERE t.tablename IN ('first', 'second')", row => row.GetString(0), default));
        await new Migrator(source, [first, new Migration(2, "2.sql", "CREATE TABLE second (n integer)")], TimeProvider.System).MigrateAsync(default);
        await using var again = await source.OpenConnectionAsync();
        Assert.Equal(["1 1.sql", "2 2.sql"], await again.RowsAsync("SELECT version || ' ' || name FROM schema_migrations, second RIGHT JOIN (SELECT 1) AS one ON true ORDER BY version", row => row.GetString(0), default));
    }

    [Fact]
    public async Task A_table_that_is_in_use_is_waited_for_without_holding_up_others()
    {
        await using var source = await DatabaseAsync(Migration.Compiled);
        await using var user = await source.OpenConnectionAsync();
        await user.RunAsync("SET idle_in_transaction_session_timeout = 0", default);
        var use = await user.BeginTransactionAsync();
        await user.RowsAsync("SELECT count(*) FROM hosts", row => row.GetInt64(0), default);
        var migrated = new Migrator(source, [.. Migration.Compiled, Next("ALTER TABLE hosts ADD COLUMN rack text")], TimeProvider.System).MigrateAsync(default);
        await using var other = await source.OpenConnectionAsync();
        await Wait.UntilAsync(async () => (await other.RowsAsync("SELECT count(*) FROM pg_locks WHERE relation = 'hosts'::regclass AND NOT granted", row => row.GetInt64(0), default))[0] == 1, what: "the migration waits for the table");
        // Behind the waiting migration; it is let by, although the table is still in use.
        await other.RowsAsync("SELECT count(*) FROM hosts", row => row.GetInt64(0), default);
        Assert.False(migrated.IsCompleted);
        await use.CommitAsync();
        await migrated;
        Assert.Equal([0L], await other.RowsAsync("SELECT count(rack) FROM hosts", row => row.GetInt64(0), default));
    }

    [Fact]
    public async Task Instances_of_before_there_were_hop_limits_have_none_and_new_ones_have_the_usual_one()
    {
        var at = Migration.Compiled.ToList().FindIndex(migration => migration.Name.EndsWith("instance-metadata-options.sql", StringComparison.Ordinal));
        await using var source = await DatabaseAsync([.. Migration.Compiled.Take(at)]);
        await using var connection = await source.OpenConnectionAsync();
        Task LaunchAsync(string id) => connection.RunAsync(
            // What an instance refers to is of no matter here.
            $"""
            SET session_replication_role = replica;
            INSERT INTO instances (id, account_id, name, hostname, flavor_id, flavor_name, vcpus, memory_mib, disk_gib, image_id, zone_id, host_id, desired, created_at) VALUES ('{id}', 'a', '{id}', 'h', 'f', 'f', 1, 1, 1, 'i', 'z', 'h', 'running', now())
            """, default);
        await LaunchAsync("i-1");
        await new Migrator(source, [.. Migration.Compiled.Take(at + 1)], TimeProvider.System).MigrateAsync(default);
        await LaunchAsync("i-2");
        Assert.Equal(["enabled optional 64 disabled", "enabled optional 1 disabled"], await connection.RowsAsync("SELECT concat_ws(' ', metadata_endpoint, metadata_tokens, metadata_hop_limit, metadata_tags) FROM instances ORDER BY id", row => row.GetString(0), default));
    }

    [Fact]
    public async Task A_schema_that_is_newer_than_the_program_is_left_as_it_is()
    {
        await using var source = await DatabaseAsync([.. Migration.Compiled, Next("ALTER TABLE hosts ADD COLUMN rack text")]);
        var newer = await SchemaPicture.OfAsync(source);
        await new Migrator(source, Migration.Compiled, TimeProvider.System).MigrateAsync(default);
        var after = await SchemaPicture.OfAsync(source);
        Assert.Equal(newer.Columns, after.Columns);
        Assert.Contains(after.Columns, c => c.Value.Name == "rack");
    }
}
