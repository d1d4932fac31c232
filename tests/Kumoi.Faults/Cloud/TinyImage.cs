namespace Kumoi.Faults.Cloud;

/// <summary>The small guest image, built from its recipe unless that has been done.</summary>
internal static class TinyImage
{
    public static async Task<byte[]> ReadAsync()
    {
        var tree = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(tree.FullName, "Kumoi.slnx"))) tree = tree.Parent!;
        var (recipe, image) = (Path.Combine(tree.FullName, "images/tiny"), new FileInfo(Path.Combine(tree.FullName, "artifacts/images/tiny.qcow2")));
        if (!image.Exists || new DirectoryInfo(recipe).EnumerateFiles("*", SearchOption.AllDirectories).Any(file => file.LastWriteTimeUtc > image.LastWriteTimeUtc))
            await RackNetwork.RunAsync(Path.Combine(recipe, "build"), image.FullName);
        return await File.ReadAllBytesAsync(image.FullName);
    }
}
