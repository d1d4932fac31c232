using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>A network card as the guest's process has it; the two parts come and go one after the other.</summary>
/// <param name="Id">The interface's id, or what an earlier version called its card: <c>nic</c> and the index.</param>
/// <param name="Device">The card that the guest sees.</param>
/// <param name="Backend">What leads from it to the interface's tap.</param>
public sealed record GuestCard(string Id, bool Device, bool Backend)
{
    /// <summary>The name of a card by an earlier version, which guests that it started keep until they end.</summary>
    public const string FormerPrefix = "nic";

    public bool IsFormer => Id.StartsWith(FormerPrefix, StringComparison.Ordinal);

    public bool IsOf(DesiredInterface wanted) => Id == wanted.Id || Id == FormattableString.Invariant($"{FormerPrefix}{wanted.Index}");
}

/// <summary>An interface, and what its network says of its card.</summary>
/// <param name="Mtu">The longest packet, in bytes; told to the guest by the card itself, for guests that do not ask for it.</param>
public sealed record CardIntent(DesiredInterface Interface, int Mtu)
{
    /// <summary>A card that systems without drivers for virtio know.</summary>
    public bool Emulated { get; init; }
}

/// <summary>Compares the cards that a guest has with its record. Pure.</summary>
public static class GuestCards
{
    private const int MtuDefault = 1500, MtuMin = 1280, MtuMax = 9216;

    /// <summary>The record's cards, in their order in the guest.</summary>
    public static IReadOnlyList<CardIntent> Of(DesiredDocument document, DesiredInstance record) =>
        [.. record.Interfaces.OrderBy(wanted => wanted.Index).Select(wanted => new CardIntent(wanted, MtuOf(document, wanted.NetworkId)) { Emulated = record.Machine?.DeviceModel == Kumoi.Api.ImageDevices.Emulated })];

    /// <summary>Interfaces whose card the guest lacks, in their order.</summary>
    public static IReadOnlyList<DesiredInterface> Missing(DesiredInstance record, GuestProcess process) =>
        process.Cards is not { } cards ? [] : [.. record.Interfaces.Where(wanted => !cards.Any(card => card.IsOf(wanted) && card.Device)).OrderBy(wanted => wanted.Index)];

    /// <summary>Cards that no interface of the record has, those that lead nowhere, and parts by an earlier version that no card is made from any more.</summary>
    public static IReadOnlyList<GuestCard> Surplus(DesiredInstance record, GuestProcess process) =>
        process.Cards is not { } cards ? [] : [.. cards.Where(card => !record.Interfaces.Any(card.IsOf) || !card.Backend || (card.IsFormer && !card.Device))];

    private static int MtuOf(DesiredDocument document, string networkId) =>
        document.Networks.FirstOrDefault(network => network.Id == networkId)?.Mtu is >= MtuMin and <= MtuMax and var mtu ? mtu : MtuDefault;
}
