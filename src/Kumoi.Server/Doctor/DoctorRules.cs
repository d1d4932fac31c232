using static Kumoi.Server.Doctor.Diagnosis;

namespace Kumoi.Server.Doctor;

/// <summary>What is healthy and what is not: pure. A check that finds nothing wrong says so once.</summary>
public static class DoctorRules
{
    // Less is within what a well-kept clock does between two measurements over a network.
    public static readonly TimeSpan SkewMax = TimeSpan.FromSeconds(2);

    // Renewal begins at a third of a certificate's life; one that has less left was not renewed.
    public static readonly TimeSpan CertificateLeft = TimeSpan.FromDays(7);

    // What an error that heals itself takes at most, with its longest wait between two tries.
    public static readonly TimeSpan ConditionAge = TimeSpan.FromMinutes(10);

    // Below these shares a disk is filled by a few images or a day of events.
    private const double DiskWarning = 0.10, DiskError = 0.03;

    // Fewer dead rows are the ordinary work of autovacuum.
    private const long DeadMin = 50_000;

    private const double ConnectionsWarning = 0.85;

    public static IEnumerable<Diagnosis> Database(DatabaseHealth database, DateTimeOffset now)
    {
        const string check = "database";
        string Setting(string name) => database.Settings.GetValueOrDefault(name, "?");
        yield return new Diagnosis(check, Ok, "database-answers", null, Setting("server_version"), database.SizeBytes >> 20);
        foreach (var name in (string[])["fsync", "full_page_writes", "synchronous_commit"])
            if (Setting(name) == "off") yield return new Diagnosis(check, Error, "setting-unsafe", name, name);
        if (Setting("wal_level") == "minimal") yield return new Diagnosis(check, Warning, "wal-minimal", "wal_level");
        foreach (var (table, dead, live) in database.DeadTuples)
            if (dead > DeadMin && dead > live) yield return new Diagnosis(check, Warning, "dead-tuples", table, table, dead, live);
        if (int.TryParse(Setting("max_connections"), out var most) && database.Connections > most * ConnectionsWarning)
            yield return new Diagnosis(check, Warning, "connections", null, database.Connections, most);
        if ((database.Clock - now).Duration() > SkewMax) yield return new Diagnosis("clock", Error, "clock-database", null, (int)(database.Clock - now).TotalSeconds);
        else yield return new Diagnosis("clock", Ok, "clock-together", null);
    }

    public static IEnumerable<Diagnosis> Quotas(IReadOnlyList<(string Scope, string Resource, long Counted, long Real)> wrong) => wrong.Count == 0 ? [new Diagnosis("counters", Ok, "quotas-right", null)]
        : wrong.Select(w => new Diagnosis("counters", Error, "quota-wrong", w.Scope, w.Scope, w.Resource, w.Counted, w.Real));

    /// <summary>So many of the last hours are computed again and compared.</summary>
    public static readonly TimeSpan UsageLooked = TimeSpan.FromDays(2);

    private static readonly TimeSpan UsageLate = TimeSpan.FromHours(3);

    public static IEnumerable<Diagnosis> Usage(IReadOnlyList<(string Resource, string Meter, decimal Noted, decimal Real)> unnoted, int wrong, DateTimeOffset computedUntil, DateTimeOffset now)
    {
        foreach (var (resource, meter, noted, real) in unnoted) yield return new Diagnosis("usage", Error, "usage-unnoted", resource, resource, meter, noted, real);
        if (wrong > 0) yield return new Diagnosis("usage", Error, "usage-wrong", null, wrong, computedUntil - UsageLooked);
        if (now - computedUntil > UsageLate) yield return new Diagnosis("usage", Warning, "usage-late", null, computedUntil);
        if (unnoted.Count == 0 && wrong == 0) yield return new Diagnosis("usage", Ok, "usage-right", null);
    }

    public static IEnumerable<Diagnosis> Counters(IReadOnlyList<WrongCounters> wrong) => wrong.Count == 0 ? [new Diagnosis("counters", Ok, "counters-right", null)]
        : wrong.Select(w => new Diagnosis("counters", Error, "counters-wrong", w.Host, w.Host, w.Recorded.Vcpus, w.Real.Vcpus, w.Recorded.MemoryMib, w.Real.MemoryMib, w.Recorded.DiskGib, w.Real.DiskGib, w.RecordedInstances, w.RealInstances));

    /// <summary>How late a scheduled backup may be before it is said. Too low: each restart of a server is news; too high: days go by.</summary>
    public static readonly TimeSpan BackupDelay = TimeSpan.FromMinutes(15);

    public static IEnumerable<Diagnosis> BackupSchedules(IReadOnlyList<(string Name, DateTimeOffset Since)> late) =>
        late.Select(schedule => new Diagnosis("backups", Warning, "backup-schedule-behind", schedule.Name, schedule.Name, schedule.Since));

    public static IEnumerable<Diagnosis> BackupPlaces(IReadOnlyList<(string Store, string Place, int CapacityGib, int UsedGib)> full) =>
        full.Select(place => new Diagnosis("backups", Warning, "backup-place-nearly-full", place.Store, place.Store, place.Place, place.UsedGib, place.CapacityGib));

    public static IEnumerable<Diagnosis> Snapshots(IReadOnlyList<(string Volume, int Recorded, int Real)> wrong) =>
        wrong.Select(volume => new Diagnosis("counters", Error, "snapshot-counters-wrong", volume.Volume, volume.Volume, volume.Recorded, volume.Real));

    public static IEnumerable<Diagnosis> Stores(IReadOnlyList<StoreHealth> stores)
    {
        const string check = "stores";
        var full = stores.Where(store => store.UsedGib * 100L >= (long)store.CapacityGib * store.WarnPercent).ToList();
        foreach (var store in full) yield return new Diagnosis(check, Warning, "store-nearly-full", store.Id, store.Id, store.Pool, store.Hosts, store.UsedGib, store.CapacityGib);
        foreach (var store in stores.Where(store => store.Hosts.Length == 0)) yield return new Diagnosis(check, Warning, "store-without-host", store.Id, store.Id, store.Pool);
        foreach (var store in stores.Where(store => store.RecordedGib != store.RealGib)) yield return new Diagnosis("counters", Error, "store-counters-wrong", store.Id, store.Id, store.Pool, store.RecordedGib, store.RealGib);
        if (full.Count == 0 && stores.Count > 0) yield return new Diagnosis(check, Ok, "stores-have-room", null, stores.Count);
    }

    public static IEnumerable<Diagnosis> Addresses(IReadOnlyList<(string Code, string Instance, string Address)> wrong) => wrong.Count == 0 ? [new Diagnosis("addresses", Ok, "addresses-right", null)]
        : wrong.Select(w => new Diagnosis("addresses", Error, w.Code, w.Instance, w.Instance, w.Address));

    /// <summary>More hosts with the same trouble are told together.</summary>
    private const int NamedMax = 5;

    public static IEnumerable<Diagnosis> Hosts(IReadOnlyList<HostHealth> hosts)
    {
        const string check = "hosts";
        if (hosts.Count == 0) yield return new Diagnosis(check, Warning, "no-hosts", null);
        var silent = hosts.Where(host => host.State != Server.Hosts.HostStates.Up).ToList();
        // A switch that fails silences a rack: one finding, not forty.
        if (silent.Count > NamedMax) yield return new Diagnosis(check, Error, "hosts-silent", null, silent.Count, hosts.Count, string.Join(", ", silent.Take(NamedMax).Select(host => host.Name)));
        else foreach (var host in silent) yield return new Diagnosis(check, Error, "host-silent", host.Name, host.Name, host.State, host.SilentSeconds);
        foreach (var host in hosts)
        {
            if (host.Strays > 0) yield return new Diagnosis("strays", Warning, "host-strays", host.Name, host.Name, host.Strays);
            foreach (var condition in host.Conditions) yield return new Diagnosis(check, Warning, "host-condition", host.Name, host.Name, condition.Message);
        }
        var up = hosts.Count(host => host.State == Server.Hosts.HostStates.Up);
        if (hosts.Count > 0 && up == hosts.Count) yield return new Diagnosis(check, Ok, "hosts-up", null, up);
    }

    /// <summary>Dedicated hosts that others are on still: they were there before the pool was theirs alone.</summary>
    public static IEnumerable<Diagnosis> HostPools(IReadOnlyList<(string Pool, string Host, string Account, int Instances)> foreign) =>
        foreign.Select(one => new Diagnosis("host-pools", Warning, "host-pool-foreign", one.Host, one.Host, one.Pool, one.Instances, one.Account));

    /// <param name="missing">The program that a driver lacks on this server; null if none.</param>
    public static IEnumerable<Diagnosis> Power(IReadOnlyList<(string Driver, int Hosts)> used, Func<string, string?> missing) => used.Where(use => missing(use.Driver) is not null)
        .Select(use => new Diagnosis("power", Warning, "power-program-missing", use.Driver, use.Hosts, use.Driver, missing(use.Driver)!));

    public static IEnumerable<Diagnosis> Versions(string own, IReadOnlyList<(string Name, string Version)> servers, IReadOnlyList<HostHealth> hosts)
    {
        const string check = "versions";
        var others = servers.Where(server => server.Version != own).ToList();
        foreach (var server in others) yield return new Diagnosis(check, Warning, "version-server", server.Name, server.Name, server.Version, own);
        var agents = hosts.Where(host => host.AgentVersion != own).GroupBy(host => host.AgentVersion).ToList();
        foreach (var group in agents) yield return new Diagnosis(check, Warning, "version-agents", group.First().Name, group.Count(), group.Key, own, group.First().Name);
        if (others.Count == 0 && agents.Count == 0) yield return new Diagnosis(check, Ok, "versions-equal", null, own);
    }

    public static IEnumerable<Diagnosis> Conditions(IReadOnlyList<StandingCondition> standing) => standing.Count == 0 ? [new Diagnosis("instances", Ok, "no-old-conditions", null)]
        : standing.Select(s => new Diagnosis("instances", Warning, "old-condition", s.Instance, s.Instance, s.Reason, s.Since.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", System.Globalization.CultureInfo.InvariantCulture)));

    public static Diagnosis Certificate(string subject, DateTimeOffset expires, DateTimeOffset now)
    {
        var day = expires.UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return expires <= now ? new Diagnosis("certificates", Error, "certificate-expired", subject, subject, day)
            : expires - now < CertificateLeft ? new Diagnosis("certificates", Warning, "certificate-expires", subject, subject, day) : new Diagnosis("certificates", Ok, "certificate-valid", subject, subject, day);
    }

    public static Diagnosis Disk(string path, long free, long total)
    {
        var share = total == 0 ? 0 : (double)free / total;
        return new Diagnosis("disk", share < DiskError ? Error : share < DiskWarning ? Warning : Ok, share < DiskWarning ? "disk-short" : "disk-free", path, path, free >> 30, total >> 30);
    }

    /// <summary>A file that nobody but its owner may read.</summary>
    public static Diagnosis Secret(string path, UnixFileMode mode)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        return (mode & others) == 0 ? new Diagnosis("secrets", Ok, "secret-kept", path, path) : new Diagnosis("secrets", Error, "secret-open", path, path, Convert.ToString((int)mode, 8));
    }
}
