using Kumoi.Agent.Linux;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Goal: what nobody here wrote gets along with the service where tokens are required. Method: botocore of Debian's package and curl, on real sockets in a namespace.</summary>
public sealed class MetadataClientTests
{
    // Credentials of a role are asked for by every program that has none of its own: it must hear at once that there are none.
    private const string Botocore =
        """
        from botocore.utils import InstanceMetadataFetcher, InstanceMetadataRegionFetcher
        print(InstanceMetadataFetcher(timeout=30, num_attempts=1).retrieve_iam_role_credentials(), InstanceMetadataRegionFetcher(timeout=30, num_attempts=1).retrieve_region())
        """;

    private readonly AgentState _state = new();

    [Fact]
    public async Task Clients_of_version_2_are_answered_and_those_of_version_1_are_not_where_tokens_are_required()
    {
        await using var machine = new Machine("qemu");
        var (network, guest, _) = await GuestNamespaces.MakeAsync(machine);
        var record = Samples.Instance(11, "running");
        _state.Replace(Samples.Document(1, null, [], record with { Metadata = new DesiredMetadata(true, true, 1, null), Labels = record.Labels with { Zone = "kumoi-a" } }));
        var listeners = new NamespaceListeners(TimeProvider.System, Machine.Log);
        await using var server = new MetadataServer(listeners, new MetadataEndpoint(_state, new MetadataTokens(new byte[32], TimeProvider.System), TimeProvider.System));
        await server.StartAsync(default);
        await listeners.EnsureAsync(network, Samples.Network);

        Assert.Equal((0, "{} kumoi-\n"), await InsideAsync(guest, "env", "-i", "PATH=/usr/bin:/bin", "HOME=/nonexistent", "/usr/bin/python3", "-c", Botocore));
        Assert.Equal((0, "401"), await CurlAsync(guest, "meta-data/instance-id"));
        Assert.Equal((0, "403"), await CurlAsync(guest, "api/token", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", "-H", "X-Forwarded-For: 10.0.0.12"));
        Assert.Equal((0, "400"), await CurlAsync(guest, "api/token", "-X", "PUT"));
        Assert.Equal((0, "405"), await CurlAsync(guest, "api/token"));
        await listeners.EnsureAsync(network, null);
    }

    private static Task<(int, string)> InsideAsync(string name, params string[] command) => Machine.RunAsync("nsenter", [.. NetworkNamespaces.Inside(name, command[0], command[1..])]);

    private static Task<(int, string)> CurlAsync(string name, string path, params string[] more) =>
        InsideAsync(name, ["curl", "-s", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}", .. more, $"http://169.254.169.254/latest/{path}"]);
}
