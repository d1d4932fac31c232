using System.Runtime.CompilerServices;
using Xunit;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>Texts others see, kept in files: with KUMOI_WRITE_GOLDEN set they are written anew, to be reviewed as a diff.</summary>
internal static class Golden
{
    public static void Check(string name, string actual, [CallerFilePath] string here = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(here)!, $"{name}.golden");
        if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") is not null) File.WriteAllText(file, actual);
        var expected = File.Exists(file) ? File.ReadAllText(file) : throw new FileNotFoundException($"There is no golden file {file}; set KUMOI_WRITE_GOLDEN to write it.");
        Assert.Equal(expected, actual);
    }
}
