using System.Text.Json.Nodes;
using Kumoi.Agent.Images;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>Volumes whose files are encrypted: each layer with a master key of its own, which the volume's key opens.</summary>
public sealed partial class DirectoryVolumes
{
    /// <summary>How often a layer is tried to be made on a machine whose clock ticks coarsely. Too low: an encrypted volume or its snapshot waits for its next turn; too high: one that cannot be made keeps others waiting.</summary>
    private const int TriesMax = 12;

    // Of a second and more of a processor's time that QEMU takes to measure how fast keys are stretched: on a machine that is busy it waits for that like everything else.
    private static readonly TimeSpan CreateLimit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program that needs a volume's key.</summary>
    private Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, LayerKey key, CancellationToken cancel) => RunAsync(program, arguments, key, Commands.DefaultLimit, cancel);

    private Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, LayerKey key, TimeSpan limit, CancellationToken cancel) => commands.TryRunAsync(program, arguments, null, key.Descriptors, limit, cancel);

    private async Task<CommandResult> CreateAsync(IReadOnlyList<string> arguments, LayerKey key, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            var result = await RunAsync(ImageTool, arguments, key, CreateLimit, cancel);
            // QEMU measures how fast keys are stretched here, and gives up where a kernel counts a process's time by ticks and none has passed.
            if (tries == TriesMax || !result.Error.Contains("Unable to get accurate CPU usage", StringComparison.Ordinal)) return result;
        }
    }

    /// <summary>
    /// Begins to fill an encrypted volume from its image, or looks after that; it is there when it is whole. It is no layer over the image, so that all that it is
    /// made of is worthless without its key, and that its store tells nobody what of an image was changed.
    /// </summary>
    private async Task FillAsync(DesiredVolume volume, DesiredImage image, StoreDirectory store, VolumeFiles files, CancellationToken cancel)
    {
        using var mine = await GateAsync(volume.Id, cancel);
        if (await IsFillingAsync(volume, store, files, "filled from its image", cancel)) return;
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        File.Delete(files.Beginning);
        await CreateAsync(volume, files.Beginning, null, VolumeSizes.BytesOf(volume, image), cancel);
        var user = UserOf(volume);
        DurableFiles.Own(files.Beginning, user);
        var key = LayerKey.Of(volume, user);
        Run(volume, VolumeWorks.Copy, 0, 0, null, image.SizeBytes, [.. As(user, []), .. Copy, .. key.Arguments, "json:" + ImageNode(ImageCache.NameOf(image)).ToJsonString(), .. key.Into(files.Beginning)], key);
    }

    private JsonObject ImageNode(string name) =>
        new() { ["driver"] = name.Split('.')[1], ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = stores.Images.PathOf(name) } };
}
