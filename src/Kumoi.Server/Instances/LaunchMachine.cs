using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>The machine that an image is for, which its instances keep, and whether it is a CD.</summary>
public sealed record LaunchMachine(string Firmware, string DeviceModel, bool IsCd)
{
    public static LaunchMachine Usual { get; } = new(ImageFirmware.Bios, ImageDevices.Virtio, false);

    /// <summary>What is written of those instances of a launch whose machine is not the usual one; nothing, most of the time.</summary>
    public static IEnumerable<(string Sql, object?[] Values)> Statements(IReadOnlyList<NewInstance> made)
    {
        var unusual = made.Where(one => one.Parts.Machine != Usual).ToList();
        if (unusual.Count == 0) yield break;
        yield return (
            "UPDATE instances v SET firmware = n.firmware, device_model = n.model, cd_image_id = n.cd FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n(id, firmware, model, cd) WHERE v.id = n.id",
            [
                Columns.Texts(unusual.Select(one => one.Id)), Columns.Texts(unusual.Select(one => one.Parts.Machine.Firmware)), Columns.Texts(unusual.Select(one => one.Parts.Machine.DeviceModel)),
                Columns.TextsOrNull(unusual.Select(one => one.Parts.Machine.IsCd ? one.Parts.Image.Id : null)),
            ]);
    }
}
