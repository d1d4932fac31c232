using Kumoi.Api;
using Kumoi.Server.Events;

namespace Kumoi.Server.Explanations;

/// <summary>How the bytes of an image come in.</summary>
/// <param name="Holder">The server, or upload, that is receiving them now.</param>
/// <param name="LeaseUntil">Until when it is, or when the next try may be.</param>
public sealed record ExplainedIntake(int Attempts, string? Holder, DateTimeOffset? LeaseUntil, int Instances);

/// <summary>Explains an image: pure.</summary>
public static class ImageExplanation
{
    public static Findings Of(Image image, ExplainedIntake intake)
    {
        var receiving = image.State == "pending" && intake.Holder is not null;
        var waits = image.State != "pending" ? [] : receiving ? [new Sentence("image-waits-bytes", image.ReceivedBytes, (object?)image.ExpectedBytes ?? "?")]
            : image.SourceUrl is null ? [new Sentence("image-waits-upload", image.Name) { Since = image.CreatedAt }] : (IReadOnlyList<Sentence>)[new Sentence("image-waits-source", intake.Attempts)];
        return new Findings(new Subject("image", image.Id, image.Name), image.State, new Sentence("image-" + image.State))
        {
            Desired = [image.SourceUrl is { } url ? new Sentence("image-from-url", url) { Since = image.CreatedAt } : new Sentence("image-from-upload") { Since = image.CreatedAt }],
            Observed = [image.State == "available" ? new Sentence("image-stored", image.SizeBytes!, image.Sha256!) : new Sentence("image-received", image.ReceivedBytes, intake.Attempts),
                new Sentence("image-used", intake.Instances)],
            WaitingFor = waits,
            Next = image.State == "pending" && !receiving && image.SourceUrl is not null ? [new Sentence("image-next-try") { At = intake.LeaseUntil }]
                : image.State == "failed" ? [new Sentence("image-next-none")] : [],
            Conditions = image.Conditions,
        };
    }
}

/// <summary>How many use a network, and how often its members or names have changed.</summary>
public sealed record ExplainedNetwork(Network Network, int Interfaces, int Hosts, long Revision);

/// <summary>Explains a network: pure.</summary>
public static class NetworkExplanation
{
    public static Findings Of(ExplainedNetwork sight)
    {
        var network = sight.Network;
        return new Findings(new Subject("network", network.Id, network.Name), "", new Sentence("network-summary", sight.Interfaces))
        {
            Desired = [.. network.Subnets.Select(subnet => new Sentence("network-subnet", subnet.Cidr, subnet.Gateway))],
            Observed = [new Sentence("network-used", sight.Interfaces, sight.Hosts), .. network.Subnets.Select(subnet => new Sentence(subnet.FreeAddresses > 0 ? "network-free" : "network-full", subnet.Cidr, subnet.FreeAddresses))],
            Next = [new Sentence("network-next", sight.Revision)],
        };
    }
}
