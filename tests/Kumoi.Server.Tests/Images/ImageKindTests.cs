using System.Buffers.Binary;
using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>What machine an image is for, and images of CDs.</summary>
public sealed class ImageKindTests
{
    private static async Task<Image> MakeAsync(TestClient client, string name, byte[] bytes, object? create = null)
    {
        await client.PostAsync<Image>("/images", create ?? new { name });
        return await client.PutAsync<Image>($"/images/{name}/content", new ByteArrayContent(bytes));
    }

    [Fact]
    public async Task An_instance_keeps_the_machine_that_its_image_was_for_and_its_host_is_told()
    {
        await using var scene = await Scene.StartAsync();
        var image = await MakeAsync(scene.Tenant, "windows", Qcow2.Good(), new { name = "windows", firmware = "uefi", deviceModel = "emulated", architecture = "x86_64" });
        Assert.Equal(("x86_64", "uefi", "emulated"), (image.Architecture, image.Firmware, image.DeviceModel));
        var made = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "w", flavor = "small", image = "windows" });
        Assert.Equal(("uefi", "emulated", null), (made.Firmware, made.DeviceModel, made.Cd));
        image = await scene.Tenant.PutAsync<Image>("/images/windows", new { firmware = "bios", deviceModel = "virtio" });
        Assert.Equal(("bios", "virtio"), (image.Firmware, image.DeviceModel));
        // What is installed on a disk starts in one way only.
        made = await scene.Tenant.GetAsync<Instance>("/instances/w");
        Assert.Equal(("uefi", "emulated"), (made.Firmware, made.DeviceModel));
        Assert.Equal(new Kumoi.Api.Agent.DesiredMachine("uefi", "emulated"), Assert.Single((await scene.Host.DesiredAsync())!.Instances).Machine);
        var usual = await scene.LaunchAsync("usual");
        Assert.Equal(("bios", "virtio"), (usual.Firmware, usual.DeviceModel));
        Assert.Null((await scene.Host.DesiredAsync())!.Instances.Single(i => i.Id == usual.Id).Machine);
    }

    [Fact]
    public async Task A_machine_that_there_is_none_of_is_refused_with_words()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<Image>("/images", new { name = "own" });
        foreach (var (method, path) in new[] { (HttpMethod.Post, "/images"), (HttpMethod.Put, "/images/own") })
        {
            var refused = await tenant.FailAsync(400, method, path, new { name = "x", architecture = "aarch64", firmware = "coreboot", deviceModel = "xen" });
            Assert.Equal(["architecture architecture", "deviceModel one-of", "firmware one-of"], refused.Errors!.Select(e => $"{e.Field} {e.Rule}").Order());
            Assert.Contains("x86_64", refused.Errors!.Single(e => e.Field == "architecture").Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_cd_is_known_by_its_descriptors_and_kept_as_it_came()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var bytes = IsoImage.Bootable("x");
        var image = await MakeAsync(tenant, "cd", bytes);
        Assert.Equal(("available", "iso", bytes.LongLength, bytes.LongLength), (image.State, image.Format, image.SizeBytes, image.VirtualSizeBytes));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(cloud.Options.ImageDirectory, image.Id)));
        // One that is a disk, too, is what its owner calls it.
        var hybrid = IsoImage.Bootable("x");
        IsoImage.BootSector("x").CopyTo(hybrid, 0);
        Assert.Equal("iso", (await MakeAsync(tenant, "hybrid", hybrid)).Format);
        Assert.Equal("raw", (await MakeAsync(tenant, "stick", hybrid, new { name = "stick", format = "raw" })).Format);
        // And what is called a CD must be one.
        await tenant.PostAsync<Image>("/images", new { name = "no-cd", format = "iso" });
        Assert.Equal("image-format", (await tenant.FailAsync(400, HttpMethod.Put, "/images/no-cd/content", new ByteArrayContent(Qcow2.Good()))).Errors![0].Rule);
    }

    public static TheoryData<string, string> Damaged() => new()
    {
        { "truncated", "iso-damaged" }, { "odd-length", "iso-damaged" }, { "no-end", "iso-damaged" }, { "no-primary", "iso-damaged" }, { "two-sizes", "iso-damaged" }, { "other-sectors", "iso-damaged" }, { "huge", "iso-damaged" },
        { "qcow2-inside", "qcow2-backing-file" },
    };

    [Theory, MemberData(nameof(Damaged))]
    public async Task A_hostile_or_broken_cd_is_refused(string kind, string rule)
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<Image>("/images", new { name = "bad" });
        var error = Assert.Single((await tenant.FailAsync(400, HttpMethod.Put, "/images/bad/content", new ByteArrayContent(Bytes(kind)))).Errors!);
        Assert.Equal(("content", rule), (error.Field, error.Rule));
        Assert.Empty(Directory.GetFiles(cloud.Options.ImageDirectory));
    }

    private static byte[] Bytes(string kind)
    {
        var cd = IsoImage.Bootable("x");
        var primary = cd.AsSpan(16 * IsoImage.Sector);
        switch (kind)
        {
            case "truncated": return cd[..(20 * IsoImage.Sector)];
            case "odd-length": return cd[..^512];
            case "no-end":
                // Descriptors up to the end of the bytes, and none says that it is the last.
                cd[18 * IsoImage.Sector] = 2;
                return cd;
            case "no-primary":
                primary[0] = 2;
                return cd;
            case "two-sizes":
                primary[84] = 1;
                return cd;
            case "other-sectors":
                BinaryPrimitives.WriteUInt16LittleEndian(primary[128..], 512);
                BinaryPrimitives.WriteUInt16BigEndian(primary[130..], 512);
                return cd;
            case "huge":
                BinaryPrimitives.WriteUInt32LittleEndian(primary[80..], uint.MaxValue);
                BinaryPrimitives.WriteUInt32BigEndian(primary[84..], uint.MaxValue);
                return cd;
            default:
                // A CD at its descriptors, and a layer over a file of the host at its beginning: what is first counts.
                var directory = Directory.CreateTempSubdirectory("kumoi-bad-").FullName;
                try
                {
                    File.ReadAllBytes(Qcow2.Make(directory, "16M", "-u", "-F", "raw", "-b", "/etc/shadow")).AsSpan(0, 512).CopyTo(cd);
                    return cd;
                }
                finally
                {
                    Directory.Delete(directory, recursive: true);
                }
        }
    }
}
