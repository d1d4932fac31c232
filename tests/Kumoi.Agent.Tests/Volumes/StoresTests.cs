using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>Goal: a store that is not there is missed, and never replaced by an empty one in its place.</summary>
public sealed class StoresTests
{
    [Fact]
    public async Task A_host_has_a_store_of_its_own_that_stays_the_same()
    {
        await using var machine = new Machine("simulated");
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var first = Assert.Single((await Open(machine).LookAsync(default)).There).Store;
        var second = Assert.Single((await Open(machine).LookAsync(default)).There).Store;
        Assert.Equal(first.Id, second.Id);
        Assert.Matches("^st-[0-9a-f]{17}$", first.Id);
        Assert.Equal(("local", true, false), (first.Pool, first.Own, first.Shared));
        Assert.InRange(first.UsedGib, 1, first.CapacityGib);
    }

    [Fact]
    public async Task A_new_store_must_be_an_empty_directory_that_is_there()
    {
        await using var machine = new Machine("simulated");
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var place = Path.Combine(machine.State, "mnt");
        machine.Options = machine.Options with { Stores = [$"fast=directory:{place}"] };
        var stores = Open(machine);
        Assert.Contains("make it, or mount it", await MissedAsync(stores), StringComparison.Ordinal);

        Directory.CreateDirectory(Path.Combine(place, "photos"));
        Assert.Contains("not empty", await MissedAsync(stores), StringComparison.Ordinal);
        Directory.Delete(Path.Combine(place, "photos"));
        File.SetUnixFileMode(place, AgentModes.PrivateDirectory);
        Assert.Contains("chmod o+x", await MissedAsync(stores), StringComparison.Ordinal);
        File.SetUnixFileMode(place, AgentModes.Passable);
        // What a new file system has.
        Directory.CreateDirectory(Path.Combine(place, "lost+found"));
        var store = (await NamedAsync(stores)).Store;
        Assert.Equal(("fast", false, false), (store.Pool, store.Own, store.Shared));
        Assert.Equal(place, stores.Need(store.Id).Disks);
    }

    [Fact]
    public async Task Where_a_store_was_no_other_is_made_while_it_is_away()
    {
        await using var machine = new Machine("simulated");
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var (place, away) = (Path.Combine(machine.State, "mnt"), Path.Combine(machine.State, "away"));
        DurableFiles.MakeDirectory(place, AgentModes.Passable);
        machine.Options = machine.Options with { Stores = [$"fast=directory:{place}"] };
        var running = Open(machine);
        var store = (await NamedAsync(running)).Store;

        // Taken off, with an empty directory in its place: for an agent that runs, and for one that is started then.
        Directory.Move(place, away);
        DurableFiles.MakeDirectory(place, AgentModes.Passable);
        var started = Open(machine);
        Assert.Contains("not mounted", await MissedAsync(running), StringComparison.Ordinal);
        Assert.Contains(store.Id, await MissedAsync(started), StringComparison.Ordinal);
        Assert.Equal("store-away", Assert.Throws<HypervisorException>(() => started.Need(store.Id)).Reason);
        Assert.Empty(Directory.GetFileSystemEntries(place));

        // Another store in its place is another store.
        Assert.NotEqual(store.Id, StoreDirectory.Open(place, false, "store-away", TimeProvider.System).Id);
        Assert.Contains("another", await MissedAsync(started), StringComparison.Ordinal);

        Directory.Delete(place, recursive: true);
        Directory.Move(away, place);
        foreach (var stores in new[] { running, started }) Assert.Equal(store, (await NamedAsync(stores)).Store);
    }

    [Fact]
    public async Task On_shared_disks_the_store_has_their_id_and_goes_with_them()
    {
        await using var machine = new Machine("simulated");
        var disks = Path.Combine(machine.State, "disks");
        DurableFiles.MakeDirectory(disks, AgentModes.Passable);
        machine.Options = machine.Options with { DisksDirectory = disks, SharedDisks = true };
        var shared = StoreDirectory.Open(disks, true, "storage-away", TimeProvider.System);
        var stores = new Stores(machine.Options, StorePlace.Of(machine.Options), shared, TimeProvider.System);
        var store = Assert.Single((await stores.LookAsync(default)).There).Store;
        Assert.Equal((shared.Id, "shared", true, false), (store.Id, store.Pool, store.Shared, store.Own));
        File.Delete(Path.Combine(disks, ".kumoi-storage"));
        Assert.Contains("not mounted", await MissedAsync(stores), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Volumes_found_in_a_store_are_told_unless_other_hosts_reach_it()
    {
        await using var machine = new Machine("simulated");
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var places = new[] { "one", "two" }.Select(name => Path.Combine(machine.State, name)).ToArray();
        foreach (var place in places) DurableFiles.MakeDirectory(place, AgentModes.Passable);
        machine.Options = machine.Options with { Stores = [$"one=directory:{places[0]}", $"two=directory:{places[1]},shared"] };
        var stores = Open(machine);
        await stores.LookAsync(default);
        foreach (var place in places)
            foreach (var name in new[] { "vol-1", "i-1", "vol-x" }) Directory.CreateDirectory(Path.Combine(place, name));
        Assert.Equal([("vol-1", places[0])], (await stores.LookAsync(default)).There.SelectMany(store => store.Volumes));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_holds_nobody_up_and_is_back_when_it_does()
    {
        await using var machine = new Machine("simulated");
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var time = new ManualTime();
        var stores = new Stores(machine.Options, StorePlace.Of(machine.Options), null, time);
        var store = Assert.Single((await stores.LookAsync(default)).There).Store;
        var mark = Path.Combine(machine.Options.Paths.Volumes, ".kumoi-storage");
        File.Delete(mark);
        // Whoever opens it waits until another end is opened: as with a file of a server that is gone.
        Assert.Equal(0, (await Machine.RunAsync("mkfifo", mark)).Code);
        for (var look = 0; look < 2; look++)
        {
            var looking = stores.LookAsync(default);
            await Wait.ForAsync("the wait", () => time.Pending > 0, TimeSpan.FromSeconds(20));
            time.Advance(TimeSpan.FromSeconds(5));
            Assert.Contains("does not answer", Assert.Single((await looking).Missed).Words, StringComparison.Ordinal);
            Assert.Equal("store-away", Assert.Throws<HypervisorException>(() => stores.Need(store.Id)).Reason);
        }
        await File.WriteAllTextAsync(mark, store.Id);
        File.Delete(mark);
        await File.WriteAllTextAsync(mark, store.Id);
        await Wait.ForAsync("the store", async () => (await stores.LookAsync(default)).There.Count == 1, TimeSpan.FromSeconds(20));
        Assert.Equal(store.Id, stores.Need(store.Id).Id);
    }

    private static Stores Open(Machine machine) => new(machine.Options, StorePlace.Of(machine.Options), null, TimeProvider.System);

    /// <summary>The only store beside that of root disks.</summary>
    private static async Task<StoreSight> NamedAsync(Stores stores) => Assert.Single((await stores.LookAsync(default)).There, one => !one.Store.Root);

    private static async Task<string> MissedAsync(Stores stores)
    {
        var seen = await stores.LookAsync(default);
        Assert.DoesNotContain(seen.There, one => !one.Store.Root);
        return Assert.Single(seen.Missed).Words;
    }
}
