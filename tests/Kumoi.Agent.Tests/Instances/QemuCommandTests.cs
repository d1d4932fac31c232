using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

public sealed class QemuCommandTests
{
    private static readonly AgentPaths Paths = new("/var/lib/kumoi", "/run/kumoi-abcd12", null);

    [Fact]
    public void The_command_line_under_tcg_is_as_reviewed() =>
        Golden.Check("qemu-tcg", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running"), new QemuSetting(Paths, "tcg", 1400000000, null, "/var/lib/kumoi/agent/images/a.qcow2", "qcow2", [57]))) + "\n");

    [Fact]
    public void The_command_line_under_kvm_is_as_reviewed() =>
        Golden.Check("qemu-kvm", string.Join('\n', QemuCommand.Build(Samples.Instance(11, "running") with { Interfaces = [] }, new QemuSetting(Paths, "kvm", 1400000001, 108, "/a,b.raw", "raw", []))) + "\n");

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
