using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

public sealed class QemuCommandTests
{
    private static readonly AgentPaths Paths = new("/var/lib/kumoi", "/run/kumoi-abcd12", null);

    [Fact]
    public void The_command_line_under_tcg_is_as_reviewed() =>
        Golden.Check("qemu-tcg", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running"), new QemuSetting(Paths, "tcg", 1400000000, null, new QemuRoot("/var/lib/kumoi/agent/images/a.qcow2", "qcow2"), [new QemuCard(new CardIntent(Samples.Instance(11, "running").Interfaces[0], 1450), 57)], []))) + "\n");

    [Fact]
    public void The_command_line_under_kvm_is_as_reviewed() =>
        Golden.Check("qemu-kvm", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running") with { Interfaces = [] }, new QemuSetting(Paths, "kvm", 1400000001, 108, new QemuRoot("/a,b.raw", "raw"), [], []))) + "\n");

    [Fact]
    public void The_command_line_with_volumes_is_as_reviewed()
    {
        var volume = new DesiredVolume("vol-19a3f2b4c5d6e7f80", "st-1", 1, 1, VolumeDesire.Present, 10, null, Samples.InstanceId(11), 1);
        QemuDrive[] drives =
        [
            new(volume, "/srv/a,b/vol-19a3f2b4c5d6e7f80/base.qcow2", null, null),
            new(volume with { Id = "vol-19a3f2b4c5d6e7f81", Slot = 3, ImageId = "img-1", Limits = new VolumeLimits(500, 20) }, "/srv/\"c/vol-19a3f2b4c5d6e7f81/base.qcow2", "/var/lib/kumoi/agent/images/b.raw", "raw"),
        ];
        Golden.Check("qemu-volumes", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running") with { Interfaces = [] }, new QemuSetting(Paths, "tcg", 1400000000, null, new QemuRoot("/i.qcow2", "qcow2"), [], drives))) + "\n");
        QemuDrive[] rooted = [new(volume with { Id = "vol-19a3f2b4c5d6e7f82", Slot = 0, ImageId = "img-1" }, "/srv/vol-19a3f2b4c5d6e7f82/base.qcow2", "/i.qcow2", "qcow2"), drives[0]];
        Golden.Check("qemu-root-volume", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running") with { Interfaces = [], RootVolume = true }, new QemuSetting(Paths, "tcg", 1400000000, null, null, [], rooted))) + "\n");
        // QEMU's own limit for names of nodes.
        Assert.All(drives.SelectMany(DriveParts.Nodes), node => Assert.InRange(node["node-name"]!.ToString().Length, 1, 31));
        Assert.Equal(20, ObjectNames.Serial(volume.Id).Length);
    }

    [Fact]
    public void The_command_line_of_an_emulated_machine_with_uefi_and_a_cd_is_as_reviewed()
    {
        var record = Samples.Instance(11, "running");
        var machine = new QemuMachine(true, new QemuFirmware("/usr/share/OVMF/OVMF_CODE_4M.fd", "/srv/a,b/uefi-vars.fd"), (Samples.Image, "/var/lib/kumoi/agent/images/\"c.iso"));
        Golden.Check("qemu-uefi-cd", string.Join('\n', QemuCommand.Build(record, new QemuSetting(Paths, "tcg", 1400000000, null, new QemuRoot("/i.iso", "iso"), [new QemuCard(new CardIntent(record.Interfaces[0], 1450) { Emulated = true }, 57)], []) { Machine = machine })) + "\n");
        var root = new QemuDrive(new DesiredVolume("vol-19a3f2b4c5d6e7f82", "st-1", 1, 1, VolumeDesire.Present, 10, null, record.Id, 0), "/srv/vol-19a3f2b4c5d6e7f82/base.qcow2", null, null);
        Golden.Check("qemu-uefi-root-volume", string.Join('\n', QemuCommand.Build(record with { Interfaces = [], RootVolume = true }, new QemuSetting(Paths, "tcg", 1400000000, null, null, [], [root]) { Machine = machine })) + "\n");
    }

    [Theory]
    [InlineData(1, "rp1 rp2", "rp1")]
    [InlineData(1, "np1 rp2 rp7", "rp7")]
    [InlineData(3, "np1", null)]
    public void A_volume_is_plugged_into_the_port_of_its_slot_or_the_last_that_is_free(int slot, string free, string? expected) => Assert.Equal(expected, DrivePorts.Choose(slot, free.Split(' ')));

    [Theory]
    [InlineData("0", "np1")]
    [InlineData("0,1,2", "np1,np2,np3")]
    [InlineData("0,2,5", "np1,np3,np6")]
    [InlineData("1,9", "np2,np1")]
    [InlineData("8,0", "np2,np1")]
    [InlineData("0,1,2,3,4,5,6,7,8", "np1,np2,np3,np4,np5,np6,np7,np8,")]
    public void Cards_have_the_port_of_their_index_and_others_the_first_that_is_free(string indices, string expected) =>
        Assert.Equal(expected, string.Join(',', CardPorts.Assign([.. indices.Split(',').Select(int.Parse)])));

    [Theory]
    [InlineData(1, "rp1 np2 np3", "np2")]
    [InlineData(0, "rp1 np3 np2", "np2")]
    [InlineData(0, "rp10 rp2", "rp2")]
    [InlineData(0, "", null)]
    public void A_card_is_plugged_into_its_own_port_or_the_first_that_is_free(int index, string free, string? expected) =>
        Assert.Equal(expected, CardPorts.Choose(index, free.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void What_qemu_prints_of_its_networks_is_read_as_cards()
    {
        const string Printed = "nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:00\r\n \\ net0: index=0,type=tap,fd=57\r\n"
            + "eni-1: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:09\r\n \\ net-eni-1: index=0,type=tap,fd=9\r\nnet-eni-2: index=0,type=tap,fd=10\r\n";
        Assert.Equal(
            [new GuestCard("eni-1", true, true), new GuestCard("eni-2", false, true), new GuestCard("eni-3", true, false), new GuestCard("nic0", true, true)],
            QemuCards.Parse(new HashSet<string> { "nic0", "eni-1", "eni-3" }, Printed));
    }

    [Fact]
    public void The_identity_is_read_back_only_for_the_instance_it_names()
    {
        Assert.Equal((3, 4), QemuGuest.Parse("i-1f/3/4", "i-1f"));
        Assert.Null(QemuGuest.Parse("i-2f/3/4", "i-1f"));
        Assert.Null(QemuGuest.Parse("i-1f/3", "i-1f"));
        Assert.Null(QemuGuest.Parse("i-1f/-3/4", "i-1f"));
    }

    [Fact]
    public void The_machine_uuid_is_one_that_cloud_init_takes_for_ec2() => Assert.Matches("^ec2[0-9a-f]{5}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", ObjectNames.MachineUuid("i-19a3f2b4c5d6e7f80"));

    [Theory]
    [InlineData("../../etc")]
    [InlineData("i-19a3f2b4c5d6e7f80/..")]
    [InlineData("")]
    [InlineData("i-")]
    [InlineData("I-1f")]
    [InlineData("i-19a3f2b4c5d6e7f801")]
    public void What_is_no_id_never_becomes_a_path(string text) => Assert.False(ObjectNames.IsId(text));
}
