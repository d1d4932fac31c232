using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>Goal: a volume moves between a directory and places that keep disks by themselves, either way, and has what it had. Method: as of the other tests of blocks, on one host.</summary>
[Collection("places")]
public sealed class BlockMoveTests
{
    private static readonly string Key = new('a', 64);

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    [InlineData(BlockStand.Rbd)]
    public async Task A_volume_moves_there_and_back_and_has_what_was_written(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        DesiredVolume Free(int number, string store) => stand.Volume(number) with { Store = store, InstanceId = null, Slot = null };
        var volume = Free(1, stand.OwnStore);
        await stand.SettleAsync(volume);
        await stand.DiskAsync(volume, null, "write -P 7 0 1M", "write -P 9 900M 64k");
        foreach (var (number, store) in new[] { (2, stand.Store), (3, stand.OwnStore) })
        {
            var place = Free(number, store);
            volume = volume with { Generation = 2, Made = true, Move = null, Export = new VolumeExport(VolumeProtocols.Nbd, place.Id, 1, Key, ReadOnly: true) };
            await stand.SettleAsync(volume);
            var port = (await stand.SeeAsync(volume)).Export!.Port;
            place = place with { Move = new VolumeMove(volume.Id, 2 * 1024 * 1024, new VolumeRemote(VolumeProtocols.Nbd, "127.0.0.1", port, 1, Key)) };
            await stand.SettleAsync(place);
            // What was its place is given to nobody any more, and removed.
            await stand.SettleAsync(volume with { Generation = 3, Incarnation = 2, Desired = VolumeDesire.Deleted, Export = null });
            Assert.False((await stand.SeeAsync(volume)).Traces);
            volume = place;
            await stand.DiskAsync(volume, null, "read -P 7 0 1M", "read -P 9 900M 64k", "read -P 0 1M 800M");
        }
    }
}
