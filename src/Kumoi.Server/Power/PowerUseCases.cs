using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Power;

/// <summary>Hosts' power as operators manage it.</summary>
public sealed class PowerUseCases(Database database, HostUseCases hosts, PowerControllers controllers, PowerDrivers drivers, EventLog events, TimeProvider clock)
{
    // Long enough for a controller that is busy; the answer to the caller waits for it.
    private static readonly TimeSpan OrderLife = TimeSpan.FromSeconds(20);

    private sealed record PoweredHost(string Id, string Name, string State, bool Maintenance, int Instances, bool HasPower)
    {
        public Subject Subject => new("host", Id, Name);
    }

    private static Task<PoweredHost?> LockAsync(Transaction transaction, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT id, name, state, maintenance, instances, EXISTS (SELECT 1 FROM host_power WHERE host_id = hosts.id) FROM hosts WHERE id = $1 OR name = $1 FOR NO KEY UPDATE",
        r => new PoweredHost(r.GetString(0), r.GetString(1), r.GetString(2), r.GetBoolean(3), r.GetInt32(4), r.GetBoolean(5)), cancel, key);

    public async Task<Result<Host>> SetAsync(Caller caller, string key, SetHostPower set, CancellationToken cancel)
    {
        if (drivers.Find(set.Driver) is not { } driver) return Failure.Invalid("driver", "one-of", string.Join(", ", drivers.Names));
        if (PowerAddress.Parse(set.Address) is null) return Failure.Invalid("address", "power-address");
        if (driver.Check(set).ToArray() is { Length: > 0 } wrong) return Failure.Invalid(wrong);
        var kept = await database.TransactionAsync<string>(async transaction =>
        {
            if (await LockAsync(transaction, key, cancel) is not { } host) return Failure.NotFound("host", key);
            await controllers.SetAsync(transaction, host.Id, set, cancel);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "host.set-power", host.Subject, cancel, $"{set.Driver}, {set.Address}, user {set.User}.");
            return host.Id;
        }, cancel);
        return await kept.Then(id => hosts.GetAsync(id, cancel));
    }

    public Task<Result<Done>> ClearAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await LockAsync(transaction, key, cancel) is not { } host) return Failure.NotFound("host", key);
        if (await transaction.ExecuteAsync("DELETE FROM host_power WHERE host_id = $1", cancel, host.Id) == 1)
            await events.WriteAsync(transaction, caller, "host.clear-power", host.Subject, cancel);
        return new Done();
    }, cancel);

    /// <summary>What the controller says now.</summary>
    public async Task<Result<HostPower>> AskAsync(string key, CancellationToken cancel) => await (await hosts.GetAsync(key, cancel)).Then<Host, HostPower>(async host =>
    {
        if (await controllers.AskAsync(host.Id, cancel) is null) return NoPower(host.Name);
        return await ReadAsync(host.Id, cancel);
    });

    /// <summary>Has the power switched. Off only where nothing runs any more as far as the cloud knows. The log is told first: it must not miss what cannot be taken back.</summary>
    public async Task<Result<HostPower>> SwitchAsync(Caller caller, string key, bool on, CancellationToken cancel)
    {
        var asked = clock.GetTimestamp();
        var allowed = await database.TransactionAsync<PoweredHost>(async transaction =>
        {
            if (await LockAsync(transaction, key, cancel) is not { } host) return Failure.NotFound("host", key);
            if (!host.HasPower) return NoPower(host.Name);
            if (!on && host.State != HostStates.Down && (!host.Maintenance || host.Instances > 0)) return new Failure("host-in-service", 409, host.Name, host.Instances);
            await events.WriteAsync(transaction, caller, on ? "host.power-on" : "host.power-off", host.Subject, cancel);
            return host;
        }, cancel);
        return await allowed.Then<PoweredHost, HostPower>(async host =>
        {
            var answer = await controllers.SwitchAsync(host.Id, on, () => clock.GetElapsedTime(asked) < OrderLife, cancel);
            if (answer?.Problem is { } problem) return new Failure("power-controller", 502, host.Name, problem);
            await controllers.AskAsync(host.Id, cancel);
            return await ReadAsync(host.Id, cancel);
        });
    }

    private async Task<Result<HostPower>> ReadAsync(string id, CancellationToken cancel) =>
        await (await hosts.GetAsync(id, cancel)).Then<Host, HostPower>(host => Task.FromResult<Result<HostPower>>(host.Power is { } power ? power : NoPower(host.Name)));

    private static Failure NoPower(string host) => new("no-power-controller", 409, host);
}

public static class PowerEndpoints
{
    public static IServiceCollection AddPower(this IServiceCollection services) => services
        .AddSingleton<PowerDrivers>().AddSingleton<PowerControllers>().AddSingleton<PowerUseCases>().AddLoop<PowerFence>().AddLoop<PowerWatch>();

    public static void MapPower(this IEndpointRouteBuilder routes, PowerUseCases power)
    {
        routes.Put<SetHostPower, Host>("/hosts/{host}/power", Permission.Cloud("hosts"), "SetHostPower", "Name the controller of a host's power, by which a lost host is switched off", 200,
            (call, set) => power.SetAsync(call.Caller, call.Route("host"), set, call.Cancelled));
        routes.Delete("/hosts/{host}/power", Permission.Cloud("hosts"), "ClearHostPower", "Forget the controller of a host's power", call => power.ClearAsync(call.Caller, call.Route("host"), call.Cancelled));
        routes.Get("/hosts/{host}/power", Permission.Cloud("hosts", "read"), "ShowHostPower", "Ask a host's power controller now", call => power.AskAsync(call.Route("host"), call.Cancelled)).Fails(409);
        routes.Post<HostPower>("/hosts/{host}/power/on", Permission.Cloud("hosts"), "PowerHostOn", "Switch a host's power on", 200,
            call => power.SwitchAsync(call.Caller, call.Route("host"), on: true, call.Cancelled)).Fails(409).Fails(502);
        routes.Post<HostPower>("/hosts/{host}/power/off", Permission.Cloud("hosts"), "PowerHostOff", "Switch the power of a host off that is down, or in maintenance and empty", 200,
            call => power.SwitchAsync(call.Caller, call.Route("host"), on: false, call.Cancelled)).Fails(409).Fails(502);
    }
}
