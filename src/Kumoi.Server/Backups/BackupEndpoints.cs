using Kumoi.Api;
using Kumoi.Server.Backups.Schedules;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Backups;

public static class BackupEndpoints
{
    public static IServiceCollection AddBackups(this IServiceCollection services) => services
        .AddSingleton<BackupRecords>().AddSingleton<BackupUseCases>().AddSingleton<BackupMakingUseCases>().AddSingleton<BackupStoreUseCases>().AddSingleton<BackupScheduleUseCases>().AddSingleton<BackupScheduler>()
        .AddSingleton<IReportObserver, BackupPlaceObservation>().AddSingleton<IReportObserver, BackupObservation>().AddLoop<BackupLoop>();

    public static void MapBackups(this IEndpointRouteBuilder routes, BackupUseCases backups, BackupMakingUseCases making, BackupStoreUseCases stores, BackupScheduleUseCases schedules)
    {
        routes.Get("/backups", Permission.Read("backups"), "ListBackups", "List backups",
            async call => await PageRequest.Read(call).Then(page => backups.ListAsync(call.Caller, call.Query("state"), call.Query("volume"), call.Query("name"), page, call.Cancelled)))
            .WithPaging().WithQuery("state", "creating, available, deleting or failed").WithQuery("volume", "Only those of this volume, which may be gone").WithQuery("name", "Only names that begin so");
        routes.Get("/backups/{backup}", Permission.Read("backups"), "ShowBackup", "Show a backup, or wait until it is in a state",
            async call =>
            {
                if (call.Query("wait") is not { } state) return await backups.GetAsync(call.Caller, call.Route("backup"), call.Cancelled);
                return await Waits.Read(call).Then(timeout => backups.WaitAsync(call.Caller, call.Route("backup"), state, timeout, call.Cancelled));
            }).Fails(408).WithQuery("wait", "available: answer when it is made; verified: when it was read and compared; deleted: answer 404 when it is gone").WithQuery("timeout", "Seconds to wait, 1 to 300 (default 60)", Microsoft.OpenApi.JsonSchemaType.Integer);
        routes.Delete("/backups/{backup}", Permission.Write("backups"), "DeleteBackup", "Delete a backup; those that build on it stay whole", call => backups.DeleteAsync(call.Caller, call.Route("backup"), call.Cancelled));
        routes.Post<CreateBackup, Backup>("/volumes/{volume}/backups", Permission.Write("volumes"), "CreateBackup", "Make a backup of a volume, while its guest runs or not", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => making.CreateAsync(call.Caller, call.Route("volume"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<RestoreBackup, Volume>("/backups/{backup}/restore", Permission.Write("backups"), "RestoreBackup", "Make a volume from a backup", 201,
            async (call, restore) => await Endpoints.Idempotency(call).Then(once => making.RestoreAsync(call.Caller, call.Route("backup"), restore, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<Backup>("/backups/{backup}/verify", Permission.Write("backups"), "VerifyBackup", "Read a backup with all that it builds on, and compare it with what was written", 200,
            call => backups.VerifyAsync(call.Caller, call.Route("backup"), call.Cancelled)).Fails(409);
        routes.Post<Backup>("/backups/{backup}/cancel", Permission.Write("backups"), "CancelBackup", "Give up a backup that is being made; nothing of it is left", 200, call => backups.CancelAsync(call.Caller, call.Route("backup"), call.Cancelled)).Fails(409);
        routes.Get("/backup-stores", Permission.Read("backup-stores"), "ListBackupStores", "List backup stores", async call => await PageRequest.Read(call).Then(page => stores.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Get("/backup-stores/{backupStore}", Permission.Read("backup-stores"), "ShowBackupStore", "Show a backup store", call => stores.GetAsync(call.Caller, call.Route("backupStore"), call.Cancelled));
        routes.Get("/backup-schedules", Permission.Read("backup-schedules"), "ListBackupSchedules", "List backup schedules", async call => await PageRequest.Read(call).Then(page => schedules.ListAsync(call.Caller, call.Query("volume"), page, call.Cancelled)))
            .WithPaging().WithQuery("volume", "Only those of this volume");
        routes.Post<CreateBackupSchedule, BackupSchedule>("/backup-schedules", Permission.Write("backup-schedules"), "CreateBackupSchedule", "Have backups of a volume made by themselves", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => schedules.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/backup-schedules/{backupSchedule}", Permission.Read("backup-schedules"), "ShowBackupSchedule", "Show a backup schedule", call => schedules.GetAsync(call.Caller, call.Route("backupSchedule"), call.Cancelled));
        routes.Put<UpdateBackupSchedule, BackupSchedule>("/backup-schedules/{backupSchedule}", Permission.Write("backup-schedules"), "UpdateBackupSchedule", "Switch a backup schedule on or off, or change how many backups stay", 200,
            (call, update) => schedules.UpdateAsync(call.Caller, call.Route("backupSchedule"), update, call.Cancelled));
        routes.Delete("/backup-schedules/{backupSchedule}", Permission.Write("backup-schedules"), "DeleteBackupSchedule", "Delete a backup schedule; its backups stay", call => schedules.DeleteAsync(call.Caller, call.Route("backupSchedule"), call.Cancelled));
    }
}
