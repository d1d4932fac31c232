using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Metering;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Power;

namespace Kumoi.Server.Doctor;

/// <summary>Looks at everything that only a server can see: the database, the records, its own files. Changes nothing.</summary>
public sealed class DoctorUseCases(DoctorStore store, UsageStore usage, Authority authority, ServerCertificate certificate, ImageFiles files, PowerDrivers drivers, ServerOptions options, TimeProvider clock)
{
    public async Task<Result<DoctorReport>> ExamineAsync(Caller caller, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var hosts = await store.HostsAsync(cancel);
        IEnumerable<Diagnosis> all =
        [
            .. DoctorRules.Database(await store.DatabaseAsync(cancel), clock.GetUtcNow()),
            .. DoctorRules.Versions(ServerRegistry.Version, await store.ServersAsync(cancel), hosts),
            .. DoctorRules.Hosts(hosts),
            .. DoctorRules.Power(await store.PowerDriversAsync(cancel), driver => drivers.Find(driver)?.MissingProgram),
            .. DoctorRules.Counters(await store.CountersAsync(cancel)),
            .. DoctorRules.Quotas(await store.QuotaDriftAsync(cancel)),
            .. DoctorRules.Usage(await usage.UnnotedAsync(DoctorStore.RowsMax, cancel), await usage.WrongAsync(DoctorRules.UsageLooked, cancel), await usage.ComputedUntilAsync(cancel), now),
            .. DoctorRules.HostPools(await store.ForeignInstancesAsync(cancel)),
            .. DoctorRules.Stores(await store.StoresAsync(cancel)),
            .. DoctorRules.Snapshots(await store.SnapshotsAsync(cancel)),
            .. DoctorRules.BackupSchedules(await store.BackupSchedulesAsync(now - DoctorRules.BackupDelay, cancel)),
            .. DoctorRules.BackupPlaces(await store.BackupPlacesAsync(cancel)),
            .. DoctorRules.Addresses(await store.AddressesAsync(cancel)),
            .. DoctorRules.Conditions(await store.ConditionsAsync(DoctorRules.ConditionAge, cancel)),
            DoctorRules.Certificate("authority", authority.Certificate.NotAfter, now), DoctorRules.Certificate("server", certificate.Current.NotAfter, now),
            DoctorRules.Secret(options.MasterKeyFile, File.GetUnixFileMode(options.MasterKeyFile)),
            .. await FilesAsync(cancel), .. await RestAsync(cancel),
        ];
        return new DoctorReport(clock.GetUtcNow(), ServerRegistry.Version, [.. all.Select(diagnosis => diagnosis.In(caller.Language))]);
    }

    private async Task<List<Diagnosis>> FilesAsync(CancellationToken cancel)
    {
        var drive = new DriveInfo(options.ImageDirectory);
        var found = new List<Diagnosis> { DoctorRules.Disk(options.ImageDirectory, drive.AvailableFreeSpace, drive.TotalSize) };
        var missing = (await store.AvailableImagesAsync(cancel)).Where(image => !File.Exists(files.PathOf(image.Id))).ToList();
        if (missing.Count == 0) found.Add(new Diagnosis("images", Diagnosis.Ok, "images-there", null));
        found.AddRange(missing.Select(image => new Diagnosis("images", Diagnosis.Error, "image-missing", image.Name, image.Name, files.PathOf(image.Id))));
        return found;
    }

    private async Task<List<Diagnosis>> RestAsync(CancellationToken cancel)
    {
        var found = new List<Diagnosis>();
        if (await store.EventsOutsideMonthsAsync(cancel) is > 0 and var rest) found.Add(new Diagnosis("events", Diagnosis.Warning, "events-outside-months", null, rest));
        return found;
    }
}

public static class DoctorEndpoints
{
    public static IServiceCollection AddDoctor(this IServiceCollection services) => services.AddSingleton<DoctorStore>().AddSingleton<DoctorUseCases>();

    public static void MapDoctor(this IEndpointRouteBuilder routes, DoctorUseCases doctor) =>
        routes.Get("/doctor", Permission.Cloud("doctor", "read"), "Examine", "Check the control plane: database, records against each other, hosts, certificates, versions",
            call => doctor.ExamineAsync(call.Caller, call.Cancelled));
}
