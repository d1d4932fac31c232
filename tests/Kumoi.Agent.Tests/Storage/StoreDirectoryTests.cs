using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Storage;

/// <summary>The grants of a directory that several hosts have mounted; here several objects on one directory, each with locks of its own.</summary>
public sealed class StoreDirectoryTests
{
    private static readonly string Id = Samples.InstanceId(1);

    [Fact]
    public async Task Hosts_that_mark_a_directory_together_agree_on_its_id()
    {
        await using var machine = new Machine("simulated");
        var ids = new ConcurrentBag<string>();
        Parallel.For(0, 32, _ => ids.Add(StoreDirectory.Open(machine.State, shared: true, "storage-away", TimeProvider.System).Id));
        Assert.Single(ids.Distinct());
        Assert.StartsWith("st-", ids.First(), StringComparison.Ordinal);
        Assert.Equal([".kumoi-storage"], Directory.GetFileSystemEntries(machine.State).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public async Task A_grant_only_grows_however_many_ask_together()
    {
        await using var machine = new Machine("simulated");
        var hosts = Enumerable.Range(0, 4).Select(_ => StoreDirectory.Open(machine.State, shared: true, "storage-away", TimeProvider.System)).ToArray();
        var held = new List<int>();
        var refused = 0;
        var inside = 0;
        await Task.WhenAll(Enumerable.Range(0, 80).Select(number => Task.Run(async () =>
        {
            var incarnation = 1 + new Random(number).Next(40);
            try
            {
                await hosts[number % 4].HoldAsync(Id, incarnation, () =>
                {
                    Assert.Equal(1, Interlocked.Increment(ref inside));
                    held.Add(incarnation);
                    Interlocked.Decrement(ref inside);
                }, default);
            }
            catch (HypervisorException e) when (e.Reason == "fenced")
            {
                Interlocked.Increment(ref refused);
            }
        })));
        Assert.Equal(held.Order(), held);
        Assert.Equal(80, held.Count + refused);
        Assert.Equal(held[^1], hosts[0].Granted(Id));
        Assert.True(refused > 0, "Some came too late.");
    }

    [Fact]
    public async Task Where_another_storage_or_none_is_mounted_nothing_is_done()
    {
        await using var machine = new Machine("simulated");
        var storage = StoreDirectory.Open(machine.State, shared: true, "storage-away", TimeProvider.System);
        var mark = Path.Combine(machine.State, ".kumoi-storage");
        foreach (var spoil in new Action[] { () => File.WriteAllText(mark, "st-0000000000000000f"), () => File.Delete(mark) })
        {
            spoil();
            var e = await Assert.ThrowsAsync<HypervisorException>(() => storage.HoldAsync(Id, 1, () => Assert.Fail("Not to be done."), default));
            Assert.Equal("storage-away", e.Reason);
        }
        Assert.False(Directory.Exists(Path.Combine(machine.State, Id)));
        await File.WriteAllTextAsync(mark, "what?");
        Assert.Throws<IOException>(() => StoreDirectory.Open(machine.State, shared: true, "storage-away", TimeProvider.System));
    }

    [Fact]
    public async Task A_grant_that_cannot_be_read_is_an_obstacle_and_not_a_licence()
    {
        await using var machine = new Machine("simulated");
        var storage = StoreDirectory.Open(machine.State, shared: true, "storage-away", TimeProvider.System);
        await storage.HoldAsync(Id, 5, () => { }, default);
        await File.WriteAllTextAsync(Path.Combine(machine.State, Id, "grant"), "");
        await Assert.ThrowsAsync<IOException>(() => storage.HoldAsync(Id, 6, () => Assert.Fail("Not to be done."), default));
    }
}
