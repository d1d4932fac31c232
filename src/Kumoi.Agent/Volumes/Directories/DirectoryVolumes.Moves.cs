using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>Volumes that take the place of others: filled with what those have, and there when they are whole. They are layers over nothing.</summary>
public sealed partial class DirectoryVolumes
{
    public async Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await BeginAsync(volume, store, files, cancel);
        if (files.IsMade || await IsFillingAsync(volume, store, files, "moved", cancel)) return;
        // A program that an agent before this one had started writes to what is removed here.
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        File.Delete(files.Beginning);
        var user = UserOf(volume);
        await CreateAsync(volume, files.Beginning, null, volume.SizeGib * VolumeSizes.Gib, cancel);
        DurableFiles.Own(files.Beginning, user);
        var (key, bytes, from) = (LayerKey.Of(volume, user), volume.Move!.UsedBytes, exports.Sources.Open(volume, user));
        _programs.Start(volume.Id, new LayerWork("move-0", VolumeWorks.Move, 0, LayerWorkState.Running, 0, bytes, null), async run =>
        {
            using var source = from;
            await source.ConnectAsync(run.Cancelled);
            await run.WatchAsync(commands, "setpriv", [.. As(user, []), .. Copy, .. source.Arguments, .. key.Arguments, "json:" + source.Node.ToJsonString(), .. key.Into(files.Beginning)], [key], bytes, source.Descriptors);
            return null;
        }, [key], () => _changed(volume.Id));
    }
}
