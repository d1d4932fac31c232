using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>An instance about to be written, everything resolved.</summary>
public sealed record NewInstance(string Id, string Name, LaunchRequest Asked, LaunchParts Parts, PlacementRequest Needs)
{
    public HostView? Host { get; set; }

    /// <summary>Where the host keeps root disks as volumes; null: its agent has them otherwise.</summary>
    public RootStore? Root { get; set; }

    /// <summary>Id of the volume that it starts from, if that is a new one.</summary>
    public required string RootVolumeId { get; init; }

    /// <summary>The store that the volume which it names has got with it; null if it had one.</summary>
    public string? PlacedIn { get; set; }

    /// <summary>In their order in the guest.</summary>
    public IReadOnlyList<NewInterface> Interfaces { get; init; } = [];

    /// <summary>New ones beside the one that it starts from.</summary>
    public IReadOnlyList<NewVolume> Volumes { get; init; } = [];

    /// <summary>The instance as the API tells it.</summary>
    public Instance Describe(DateTimeOffset now) => new(
        Id, Name, new Ref(Asked.Caller.AccountId, Asked.Caller.AccountName), InstanceStates.Pending, "running", new Ref(Parts.Flavor.Id, Parts.Flavor.Name), Parts.Flavor.Vcpus,
        Parts.Flavor.MemoryMib, Parts.DiskGib, Parts.Image, Parts.KeyPair is { } pair ? new Ref(pair.Id, pair.Name) : null, new Ref(Host!.ZoneId, Host.ZoneName), new Ref(Host.Id, Host.Name),
        Parts.DefaultUser, [.. Interfaces.Select(face => face.Describe(new Ref(Id, Name)))],
        1, 1, 0, [], now, null, null, Asked.Launch.Recovery ?? "wait", Asked.Launch.RecoveryPriority ?? 0, Asked.Launch.Recovery == "restart" && Host.Storage is not null,
        Parts.PlacementGroup is { } group ? new Ref(group.Id, group.Name) : null, Parts.Machine.Firmware, Parts.Machine.DeviceModel, Parts.Machine.IsCd ? Parts.Image : null,
        Asked.Launch.Tags ?? System.Collections.Immutable.ImmutableDictionary<string, string>.Empty, Asked.Launch.TerminationProtection ?? false, Parts.HostPool, Tags.Parse(Parts.Labels.Json),
        Asked.Launch.MetadataEndpoint ?? MetadataOptions.Enabled, Asked.Launch.MetadataTokens ?? MetadataOptions.Optional, Asked.Launch.MetadataHopLimit ?? MetadataOptions.HopLimitUsual, Asked.Launch.MetadataTags ?? MetadataOptions.Disabled);
}

/// <summary>Every statement that launches write with: each for all instances of a batch.</summary>
public sealed class LaunchWriter(EventLog events)
{
    /// <summary>All rows of the instances, their events, and the mark on their networks, in one round trip.</summary>
    public Task WriteAsync(Transaction transaction, IReadOnlyList<NewInstance> made, DateTimeOffset now)
    {
        Npgsql.NpgsqlParameter Texts(Func<NewInstance, string?> text) => Columns.TextsOrNull(made.Select(text));
        Npgsql.NpgsqlParameter Numbers(Func<NewInstance, int> number) => Columns.Integers(made.Select(number));
        var interfaces = made.SelectMany(m => m.Interfaces.Select(face => (Interface: face, m.Asked.Caller.AccountId, InstanceId: m.Id))).ToList();
        var floating = interfaces.FindAll(m => m.Interface.Floating is not null);
        var networks = interfaces.Select(m => m.Interface.Parts.Network.Id).Distinct().ToList();
        var rooted = made.Where(m => m.Root is not null && m.Parts.Root is null).ToList();
        var named = made.Where(m => m.Parts.Root is not null).ToList();
        return transaction.ExecuteAsync(
        [
            ("""
            INSERT INTO instances (id, account_id, name, hostname, flavor_id, flavor_name, vcpus, memory_mib, disk_gib, image_id, key_pair_id, key_pair_name, public_key,
                                   user_data, zone_id, host_id, storage, recovery, recovery_priority, trace_parent, placement_group_id, placement_policy, root_volume, tags, termination_protection, host_pool_id,
                                   required_labels, flavor_labels, desired, created_at)
            SELECT n.*, 'running', $29 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[], $10::text[], $11::text[], $12::text[],
                                $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::int[], $20::text[], $21::text[], $22::text[], $23::boolean[], $24::jsonb[], $25::boolean[], $26::text[], $27::jsonb[], $28::jsonb[]) AS n
            """,
            [
                Texts(m => m.Id), Texts(m => m.Asked.Caller.AccountId), Texts(m => m.Name), Texts(m => Names.Hostname(m.Name, m.Id)), Texts(m => m.Parts.Flavor.Id), Texts(m => m.Parts.Flavor.Name),
                Numbers(m => m.Parts.Flavor.Vcpus), Numbers(m => m.Parts.Flavor.MemoryMib), Numbers(m => m.Parts.DiskGib), Texts(m => m.Parts.Image.Id), Texts(m => m.Parts.KeyPair?.Id),
                Texts(m => m.Parts.KeyPair?.Name), Texts(m => m.Parts.KeyPair?.PublicKey), Texts(m => string.IsNullOrEmpty(m.Asked.Launch.UserData) ? null : m.Asked.Launch.UserData),
                Texts(m => m.Host!.ZoneId), Texts(m => m.Host!.Id), Texts(m => m.Host!.Storage), Texts(m => m.Asked.Launch.Recovery ?? "wait"), Numbers(m => m.Asked.Launch.RecoveryPriority ?? 0),
                Texts(m => m.Asked.TraceParent), Texts(m => m.Parts.PlacementGroup?.Id), Texts(m => m.Parts.PlacementGroup?.Policy), Columns.Booleans(made.Select(m => m.Root is not null)), Columns.Jsons(made.Select(m => Tags.Text(m.Asked.Launch.Tags))),
                Columns.Booleans(made.Select(m => m.Asked.Launch.TerminationProtection ?? false)), Texts(m => m.Parts.HostPool?.Id), Columns.Jsons(made.Select(m => Tags.Text(m.Asked.Launch.RequiredLabels))), Columns.Jsons(made.Select(m => Tags.Text(m.Parts.Flavor.RequiredLabels))), now,
            ]),
            .. rooted.Count == 0 ? [] : new[] { RootVolumes.Insert(rooted, now) },
            .. RootVolumes.Attach(named),
            .. LaunchVolumes.Inserts(made, now),
            .. LaunchMachine.Statements(made),
            .. MetadataOptions.Statements(made),
            .. InterfaceStore.Inserts(interfaces),
            ("INSERT INTO floating_addresses (address, account_id, interface_id, created_at) SELECT n.*, $4 FROM unnest($1::inet[], $2::text[], $3::text[]) AS n",
            [Columns.Inets(floating.Select(m => m.Interface.Floating)), Columns.Texts(floating.Select(m => m.AccountId)), Columns.Texts(floating.Select(m => m.Interface.Id)), now]),
            (EventLog.Insert, events.Values(
            [
                .. made.Select(m => new NewEvent(m.Asked.Caller.AccountId, EventActor.Of(m.Asked.Caller), "instance.launch", new Subject("instance", m.Id, m.Name))),
                .. rooted.Select(m => new NewEvent(m.Asked.Caller.AccountId, EventActor.Of(m.Asked.Caller), "volume.create", new Subject("volume", m.RootVolumeId, RootVolumes.NameOf(m)), $"For {m.Name}.")),
                .. made.SelectMany(m => m.Volumes.Select(v => new NewEvent(m.Asked.Caller.AccountId, EventActor.Of(m.Asked.Caller), "volume.create", new Subject("volume", v.Id, v.Id), $"For {m.Name}."))),
                .. named.Select(m => new NewEvent(m.Asked.Caller.AccountId, EventActor.Of(m.Asked.Caller), "volume.attach", new Subject("volume", m.Parts.Root!.Id, m.Parts.Root.Name), $"To {m.Name}.")),
            ], now)),
            (HostRevisions.LockNetworks, [Columns.Texts(networks)]),
            (HostRevisions.TouchNetworks, [Columns.Texts(networks)]),
        ]);
    }
}
