using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Launched;

internal static class TinyImage
{
    /// <summary>The tiny image: what is told, what was built for this tree, or built now.</summary>
    public static async Task<string> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("KUMOI_TEST_IMAGE") is { } told) return told;
        var tree = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(tree.FullName, "Kumoi.slnx"))) tree = tree.Parent ?? throw new InvalidOperationException("The test is not run from the tree.");
        var image = Path.Combine(tree.FullName, "artifacts/images/tiny.qcow2");
        if (File.Exists(image)) return image;
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        var (code, said) = await Machine.RunAsync(Path.Combine(tree.FullName, "images/tiny/build"), image);
        return code == 0 ? image : throw new InvalidOperationException(said);
    }
}
