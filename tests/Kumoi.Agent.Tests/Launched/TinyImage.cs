using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Launched;

internal static class TinyImage
{
    /// <summary>The tiny image: what is told, what was built for this tree, or built now.</summary>
    public static async Task<string> FindAsync() => Environment.GetEnvironmentVariable("KUMOI_TEST_IMAGE") ?? await FindAsync("tiny.qcow2");

    /// <summary>The same guest with a kernel for all hardware, which UEFI starts, too.</summary>
    public static Task<string> FindGenericAsync() => FindAsync("tiny-generic.qcow2", "--generic");

    private static async Task<string> FindAsync(string name, params string[] options)
    {
        var tree = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(tree.FullName, "Kumoi.slnx"))) tree = tree.Parent ?? throw new InvalidOperationException("The test is not run from the tree.");
        var image = Path.Combine(tree.FullName, "artifacts/images", name);
        if (File.Exists(image)) return image;
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        var (code, said) = await Machine.RunAsync(Path.Combine(tree.FullName, "images/tiny/build"), [.. options, image]);
        return code == 0 ? image : throw new InvalidOperationException(said);
    }
}
