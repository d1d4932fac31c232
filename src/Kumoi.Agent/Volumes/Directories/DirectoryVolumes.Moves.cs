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
        var source = await exports.Sources.OpenAsync(volume, user, cancel);
        await CreateAsync(volume, files.Beginning, null, volume.SizeGib * VolumeSizes.Gib, cancel);
        DurableFiles.Own(files.Beginning, user);
        var (key, bytes) = (LayerKey.Of(volume, user), volume.Move!.UsedBytes);
        _programs.Start(volume.Id, new LayerWork("move-0", VolumeWorks.Move, 0, LayerWorkState.Running, 0, bytes, null), async run =>
        {
            try
            {
                await run.WatchAsync(commands, "setpriv", [.. As(user, []), .. Copy, .. source.Arguments, .. key.Arguments, "json:" + source.Node.ToJsonString(), .. key.Into(files.Beginning)], [key], bytes);
                return null;
            }
            finally
            {
                exports.Sources.Forget(volume.Id);
            }
        }, [key], () => _changed(volume.Id));
    }
}
