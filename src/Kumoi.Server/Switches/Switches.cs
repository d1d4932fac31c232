using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Switches;

/// <summary>The drivers that this server has, by name.</summary>
public sealed class SwitchDrivers
{
    private readonly ConcurrentDictionary<string, ISwitchDriver> _drivers = new();

    public SwitchDrivers(TimeProvider clock) => Add(new RestSwitchDriver(clock));

    public IEnumerable<string> Names => _drivers.Keys.Order();

    /// <summary>Takes a driver in, in place of one of the same name.</summary>
    public void Add(ISwitchDriver driver) => _drivers[driver.Name] = driver;

    public ISwitchDriver? Find(string name) => _drivers.GetValueOrDefault(name);
}

/// <summary>Switches as operators manage them, and what they want of ports.</summary>
public sealed partial class SwitchUseCases(Database database, SwitchStore store, SwitchDrivers drivers, SwitchBell bell, EventLog events, Ids ids, TimeProvider clock)
{
    private const string DriverDefault = "rest";

    // A bearer token of any kind fits; a chain of authorities has a few certificates.
    private const int TokenMax = 4096, AuthorityMax = 65_536, PortNameMax = 64;

    public async Task<Result<Page<Switch>>> ListAsync(PageRequest page, CancellationToken cancel) => page.Of(await store.ListAsync(page.After, page.Limit + 1, cancel), one => one.Id);

    public async Task<Result<Switch>> GetAsync(string key, CancellationToken cancel) => await store.FindAsync(key, cancel) is { } found ? found : Failure.NotFound("switch", key);

    public async Task<Result<Switch>> CreateAsync(Caller caller, CreateSwitch create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Check(create, name).OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        // Paths of the protocol are put behind it.
        var sound = create with { Url = create.Url.EndsWith('/') ? create.Url : create.Url + "/" };
        var made = await database.TransactionAsync<Ref>(transaction => Idempotency.OnceAsync<Ref>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = ids.New(Ids.Switch);
            if (!await store.InsertAsync(transaction, id, name, sound, create.Driver ?? DriverDefault, cancel)) return Failure.NameTaken("switch", name);
            await events.WriteAsync(transaction, caller, "switch.create", new Subject("switch", id, name), cancel);
            return new Ref(id, name);
        }), cancel);
        return await made.Then(one => GetAsync(one.Id, cancel));
    }

    private IEnumerable<Violation?> Check(CreateSwitch create, string name)
    {
        yield return Names.Check("name", name);
        if (drivers.Find(create.Driver ?? DriverDefault) is null) yield return new Violation("driver", "one-of", string.Join(", ", drivers.Names));
        if (!Uri.TryCreate(create.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
            yield return new Violation("url", "https-url");
        if (create.Token.Length is 0 or > TokenMax || !TokenForm().IsMatch(create.Token)) yield return new Violation("token", "bearer-token", TokenMax);
        if (create.Authority is { } pem && !IsAuthority(pem)) yield return new Violation("authority", "authority-pem");
    }

    private static bool IsAuthority(string pem)
    {
        if (pem.Length > AuthorityMax) return false;
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            var any = certificates.Count > 0;
            foreach (var certificate in certificates) certificate.Dispose();
            return any;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Forgets a switch and what was wanted of its ports. They stay as they are.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await SwitchStore.LockAsync(transaction, key, cancel) is not { } found) return Failure.NotFound("switch", key);
        await transaction.ExecuteAsync("DELETE FROM switches WHERE id = $1", cancel, found.Id);
        await events.WriteAsync(transaction, caller, "switch.delete", new Subject("switch", found.Id, found.Name), cancel);
        return new Done();
    }, cancel);

    /// <summary>Every port as the switch says itself, now.</summary>
    public async Task<Result<SeenSwitch>> PortsAsync(string key, CancellationToken cancel) => await (await GetAsync(key, cancel)).Then<Switch, SeenSwitch>(async found =>
    {
        var (name, target, problem) = await store.TargetAsync(found.Id, cancel);
        if (name is null) return Failure.NotFound("switch", key);
        if (problem is not null || drivers.Find(name) is not { } driver) return new Failure("switch-failed", 502, found.Name, problem ?? $"This server has no driver {name}.");
        var seen = await driver.ListAsync(target!, cancel);
        await store.KeepAsync(found.Id, seen.Problem, cancel);
        if (seen.Problem is { } failed) return new Failure("switch-failed", 502, found.Name, failed);
        var wanted = found.Ports.ToDictionary(port => port.Name);
        return new SeenSwitch([.. seen.Value!.OrderBy(port => port.Key, StringComparer.Ordinal)
            .Select(port => new SeenSwitchPort(port.Key, port.Value.Mode, port.Value.AccessVlan, port.Value.Texts, wanted.GetValueOrDefault(port.Key)))]);
    });

    /// <summary>Says what a port should be. It is made so afterwards, and again whenever it is found otherwise.</summary>
    public async Task<Result<SwitchPort>> SetPortAsync(Caller caller, string key, SetSwitchPort set, CancellationToken cancel)
    {
        if (set.Name.Length > PortNameMax || !PortForm().IsMatch(set.Name)) return Failure.Invalid("name", "port-name", PortNameMax);
        if (set.Mode is not (PortModes.Access or PortModes.Trunk or PortModes.None)) return Failure.Invalid("mode", "one-of", $"{PortModes.Access}, {PortModes.Trunk}, {PortModes.None}");
        if (set.Mode == PortModes.Access != set.AccessVlan is not null) return Failure.Invalid("accessVlan", set.AccessVlan is null ? "required" : "only-with-mode", PortModes.Access);
        if (set.AccessVlan is < SegmentRules.VlanMin or > SegmentRules.VlanMax) return Failure.Invalid("accessVlan", "between", SegmentRules.VlanMin, SegmentRules.VlanMax);
        var trunk = set.TrunkVlans ?? [];
        if (set.Mode == PortModes.Trunk != trunk.Count > 0) return Failure.Invalid("trunkVlans", trunk.Count == 0 ? "required" : "only-with-mode", PortModes.Trunk);
        if (trunk.Count > PortSetting.RangesMax) return Failure.Invalid("trunkVlans", "at-most", PortSetting.RangesMax);
        Violation[] broken = [.. trunk.Select((text, i) => SegmentRules.Vlans(text) is null ? new Violation($"trunkVlans[{i}]", "vlans", SegmentRules.VlanMin, SegmentRules.VlanMax) : null).OfType<Violation>()];
        if (broken.Length > 0) return Failure.Invalid(broken);
        var setting = PortSetting.Of(set.Mode, set.AccessVlan, trunk)!;
        return await database.TransactionAsync<SwitchPort>(async transaction =>
        {
            if (await SwitchStore.LockAsync(transaction, key, cancel) is not { } found) return Failure.NotFound("switch", key);
            if (await SwitchStore.SetPortAsync(transaction, found.Id, set.Name, setting, cancel))
                await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "switch.set-port", new Subject("switch", found.Id, found.Name), cancel,
                    $"{set.Name}: {setting.Mode} {setting.AccessVlan}{string.Join(",", setting.Texts)}".Trim());
            transaction.AfterCommit(bell.Ring);
            return (await SwitchStore.FindPortAsync(transaction, found.Id, set.Name, cancel))!;
        }, cancel);
    }

    [GeneratedRegex(@"^[\x21-\x7e]+\z")] private static partial Regex TokenForm();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._:/-]*\z")] private static partial Regex PortForm();
}

public static class SwitchEndpoints
{
    public static IServiceCollection AddSwitches(this IServiceCollection services) =>
        services.AddSingleton<SwitchStore>().AddSingleton<SwitchDrivers>().AddSingleton<SwitchBell>().AddSingleton<SwitchUseCases>().AddLoop<SwitchController>();

    public static void MapSwitches(this IEndpointRouteBuilder routes, SwitchUseCases switches)
    {
        routes.Get("/switches", Permission.Cloud("switches", "read"), "ListSwitches", "List switches, and what is wanted of their ports",
            async call => await PageRequest.Read(call).Then(page => switches.ListAsync(page, call.Cancelled))).WithPaging();
        routes.Post<CreateSwitch, Switch>("/switches", Permission.Cloud("switches"), "CreateSwitch", "Name a switch and how it is spoken to", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => switches.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/switches/{switch}", Permission.Cloud("switches", "read"), "ShowSwitch", "Show a switch, and what is wanted of its ports", call => switches.GetAsync(call.Route("switch"), call.Cancelled));
        routes.Delete("/switches/{switch}", Permission.Cloud("switches"), "DeleteSwitch", "Forget a switch; its ports stay as they are", call => switches.DeleteAsync(call.Caller, call.Route("switch"), call.Cancelled));
        routes.Get("/switches/{switch}/ports", Permission.Cloud("switches", "read"), "ListSwitchPorts", "Ask a switch for its ports now", call => switches.PortsAsync(call.Route("switch"), call.Cancelled)).Fails(502);
        routes.Put<SetSwitchPort, SwitchPort>("/switches/{switch}/ports", Permission.Cloud("switches"), "SetSwitchPort", "Say what a port should be; it is made so afterwards", 200,
            (call, set) => switches.SetPortAsync(call.Caller, call.Route("switch"), set, call.Cancelled));
    }
}
