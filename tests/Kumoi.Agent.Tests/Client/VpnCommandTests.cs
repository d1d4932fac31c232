using Kumoi.Cli.Client;
using Xunit;

namespace Kumoi.Agent.Tests.Client;

/// <summary>Secrets come from files or standard input; what is an argument others can read, and the shell keeps.</summary>
public sealed class VpnCommandTests
{
    [Theory]
    [InlineData(true, "--preshared-key", "generate")]
    [InlineData(true, "--preshared-key-file", "-")]
    [InlineData(true)]
    [InlineData(false, "--preshared-key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    public void A_preshared_key_is_no_argument(bool accepted, params string[] options) =>
        Assert.Equal(accepted, VpnCommands.Make().Parse(["site", "add", "v1", "kobe", "--range", "192.168.20.0/24", .. options]).Errors.Count == 0);
}
