using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Server.Instances;

namespace Kumoi.Server.Interfaces;

/// <summary>A subnet that an address is to be of.</summary>
public sealed record SubnetPart(Ref Subnet, IPNetwork Range);

/// <summary>What the names of an interface asked for stand for.</summary>
/// <param name="Field">Where in the request it is, with a dot at the end; empty if it is the request itself.</param>
/// <param name="Isolated">The network has no outside.</param>
/// <param name="First">Subnets for the first address, in their order.</param>
/// <param name="Second">IPv6 subnets of a network with both families; empty in others.</param>
/// <param name="Address">The first address, if it was asked for by name.</param>
/// <param name="SegmentDevice">The device that a bridged network is on; null for one of the overlay.</param>
public sealed record InterfaceParts(
    string Field, Ref Network, bool Isolated, IReadOnlyList<SubnetPart> First, IReadOnlyList<SubnetPart> Second, IPAddress? Address, IPAddress? Address6, IReadOnlyList<Ref> Groups,
    string? SegmentDevice = null);

/// <summary>An address to be found.</summary>
/// <param name="name">The field by which it could be asked for.</param>
/// <param name="wanted">The one asked for; null: any that is free.</param>
public sealed class AddressNeed(string name, IReadOnlyList<SubnetPart> subnets, IPAddress? wanted)
{
    public string Field => name;

    public IReadOnlyList<SubnetPart> Subnets => subnets;

    public IPAddress? Wanted => wanted;

    public Ref? Subnet { get; private set; }

    public IPAddress? Address { get; private set; }

    public void Take(SubnetPart from, IPAddress address) => (Subnet, Address) = (from.Subnet, address);
}

/// <summary>An interface about to be written.</summary>
public sealed class NewInterface(string id, int index, InterfaceParts parts, int? rateMbps)
{
    public string Id => id;

    public int Index => index;

    public InterfaceParts Parts => parts;

    public int? RateMbps => rateMbps;

    // 02 marks a locally administered address; 40 random bits.
    public PhysicalAddress Mac { get; } = new([2, .. RandomNumberGenerator.GetBytes(5)]);

    public AddressNeed First { get; } = new(parts.Field + "address", parts.First, parts.Address);

    public AddressNeed? Second { get; } = parts.Second.Count == 0 ? null : new AddressNeed(parts.Field + "address6", parts.Second, parts.Address6);

    public IEnumerable<AddressNeed> Needs => Second is null ? [First] : [First, Second];

    public IPAddress? Floating { get; set; }

    /// <summary>The interface as the API tells it.</summary>
    public Interface Describe(Ref instance) => new(
        Id, Parts.Network, First.Subnet!, First.Address!.ToString(), InstanceStore.MacText(Mac), Floating?.ToString(), [.. Parts.Groups.OrderBy(g => g.Id, StringComparer.Ordinal)],
        Second?.Subnet, Second?.Address?.ToString(), [], [], instance, Index, InterfaceStates.Attached, RateMbps);
}

public static class InterfaceStates
{
    public const string Attached = "attached", Detaching = "detaching";
}
