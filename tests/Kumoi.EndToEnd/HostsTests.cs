using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>
/// Goal: one machine is a cloud of three hosts, and nothing of it but floating addresses is open to guests. Method: a cloud from
/// `./kumoi quickstart --hosts 3` with a real guest on each host, damaged and cut off in the middle, until `destroy` has left nothing.
/// </summary>
[TestCaseOrderer(typeof(InOrder))]
public sealed partial class HostsTests(ThreeHostsCloud cloud) : IClassFixture<ThreeHostsCloud>
{
    private static readonly string[] Three = ["host-1", "host-2", "host-3"];

    [Fact]
    public async Task Quickstart_makes_three_hosts_and_ends_in_a_guest()
    {
        Assert.Contains("Linux first ", cloud.Quickstart, StringComparison.Ordinal);
        var status = await cloud.JsonAsync("status");
        Assert.Equal(["agent-1", "agent-2", "agent-3", "postgres", "server"], status.GetProperty("processes").EnumerateArray().Select(p => p.GetProperty("role").GetString()).Order());
        var hosts = await cloud.HostsAsync();
        Assert.Equal(Three, hosts.Select(host => host.GetProperty("name").GetString()));
        Assert.All(hosts, host => Assert.Equal("up", host.GetProperty("state").GetString()));
        Assert.Equal(3, hosts.Select(host => host.GetProperty("address").GetString()).Distinct().Count());
        // They share the machine's memory: together they offer no more than there is.
        var machine = long.Parse((await File.ReadAllLinesAsync("/proc/meminfo"))[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        Assert.InRange(hosts.Sum(host => host.GetProperty("capacity").GetProperty("memoryMib").GetInt64()), 1, machine);
        Assert.NotEqual(await Machine.SayAsync("readlink", $"/proc/{await cloud.PidAsync("agent-1")}/ns/net"), await Machine.SayAsync("readlink", $"/proc/{await cloud.PidAsync("agent-2")}/ns/net"));
    }

    [Fact]
    public async Task Instances_are_spread_over_the_hosts_and_each_is_reached()
    {
        (await cloud.KumoiAsync("placement-group", "create", "apart", "--policy", "anti-affinity")).Ok.ToString();
        (await cloud.KumoiAsync("instance", "create", "on", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--count", "3", "--placement-group", "apart", "--wait")).Ok.ToString();
        var hosts = new List<string>();
        foreach (var name in (string[])["on-1", "on-2", "on-3"])
        {
            hosts.Add((await cloud.JsonAsync("instance", "show", name)).GetProperty("host").GetProperty("name").GetString()!);
            Assert.Equal(name, (await cloud.InGuestAsync(name, "hostname")).Ok.Trim());
            // The console's log comes from the agent, over the underlay.
            await Wait.UntilAsync(async () => (await cloud.KumoiAsync("instance", "log", name)).Ok.Contains("is ready", StringComparison.Ordinal), 60, $"the console of {name} tells that it is ready");
        }
        Assert.Equal(Three, hosts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Guests_reach_floating_addresses_of_other_hosts_and_the_outside()
    {
        var (_, other) = await FloatingAsync("on-2");
        Assert.StartsWith("SSH-", (await TryFromGuestAsync("on-1", other, 22)).Output, StringComparison.Ordinal);
        await using var outside = await Outside.MakeAsync(cloud.Tag);
        var heard = (await TryFromGuestAsync("on-1", outside.Address, Outside.Port)).Output.Trim();
        // Guests appear outside under the machine's address.
        Assert.Equal($"hello {outside.MachineAddress}", heard);
        Assert.Equal(heard, (await TryFromGuestAsync("on-3", outside.Address, Outside.Port)).Output.Trim());
    }

    [Theory]
    // What moves a volume is NBD, too.
    [InlineData("nbd", Explicit = true)]
    [InlineData("iscsi")]
    public async Task A_volume_goes_from_host_to_host_and_what_gives_it_may_be_killed(string protocol)
    {
        (await cloud.OperatorKumoiAsync("pool", "update", "local", "--protocol", protocol)).Ok.ToString();
        var data = await GuestVolume.MakeAsync(cloud, "walks-" + protocol, "--size", "1GiB");
        await data.AttachAsync("on-1");
        var written = await data.FillAsync("on-1");
        await data.UnmountAsync("on-1");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await data.UntilAsync("available");
        var home = (await data.ShowAsync()).GetProperty("host").GetProperty("name").GetString();
        Assert.NotEqual(home, (await cloud.JsonAsync("instance", "show", "on-2")).GetProperty("host").GetProperty("name").GetString());

        // Its bytes stay where they are, and the guest of another host has them.
        await data.AttachAsync("on-2");
        Assert.Equal(protocol == "iscsi" ? 1 : 0, Machine.Processes(data.Id).Count(process => process.Command.StartsWith("tgtd", StringComparison.Ordinal)));
        Assert.Equal(home, (await data.ShowAsync()).GetProperty("host").GetProperty("name").GetString());
        Assert.Equal(written, await data.SumAsync("on-2"));
        // While the guest writes, the process that gives it is killed, and then the agent with it: nothing that was said to be written is lost.
        (await cloud.InGuestAsync("on-2", "sh", "-c", "rm -f /root/sums; (i=0; while [ $i -lt 12 ]; do dd if=/dev/urandom of=/mnt/part$i bs=1M count=2 conv=fsync 2>/dev/null && sha256sum /mnt/part$i >>/root/sums; i=$((i+1)); done; echo done >>/root/sums) >/dev/null 2>&1 </dev/null &")).Ok.ToString();
        await Machine.KillAsync(Daemon(data.Id));
        await Wait.UntilAsync(() => Task.FromResult(Machine.Processes(data.Id).Any(IsDaemon)), 60, "another process gives the volume");
        await Machine.KillAsync(Daemon(data.Id));
        await Machine.KillAsync(await cloud.PidAsync("agent-" + home!["host-".Length..]));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await Wait.UntilAsync(async () => (await cloud.InGuestAsync("on-2", "tail", "-n", "1", "/root/sums")).Output.Trim() == "done", 180, "the guest has written all");
        Assert.Equal(12, (await cloud.InGuestAsync("on-2", "sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches; grep -v done /root/sums | sha256sum -c")).Ok.Split('\n').Count(line => line.EndsWith("OK", StringComparison.Ordinal)));
        (await cloud.KumoiAsync("volume", "resize", data.Name, "--size", "2GiB", "--wait")).Ok.ToString();
        Assert.Equal(2L << 30, await data.SizeInAsync("on-2"));
        await data.UnmountAsync("on-2");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await data.UntilAsync("available");
        Assert.DoesNotContain(Machine.Processes(data.Id), process => IsDaemon(process) || process.Command.StartsWith("tgtd", StringComparison.Ordinal));

        // Back at its host it has what was written elsewhere.
        await data.AttachAsync("on-1");
        Assert.Equal(written, await data.SumAsync("on-1"));
        Assert.Equal("12", (await cloud.InGuestAsync("on-1", "sh", "-c", "ls /mnt/part* | wc -l")).Ok.Trim());
        await data.UnmountAsync("on-1");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await data.UntilAsync("available");
        (await cloud.KumoiAsync("volume", "delete", data.Name)).Ok.ToString();
        (await cloud.OperatorKumoiAsync("pool", "update", "local", "--protocol", "nbd")).Ok.ToString();

        static bool IsDaemon((int Id, string Command) process) => process.Command.StartsWith("qemu-storage-daemon", StringComparison.Ordinal);
        static int Daemon(string volumeId) => Machine.Processes(volumeId).Single(IsDaemon).Id;
    }

    [Fact]
    public async Task A_volume_moves_to_another_host_and_agents_may_be_killed_meanwhile()
    {
        var data = await GuestVolume.MakeAsync(cloud, "moves", "--size", "1GiB");
        await data.AttachAsync("on-1");
        var written = await data.FillAsync("on-1");
        await data.UnmountAsync("on-1");
        var (home, there) = ((await data.ShowAsync()).GetProperty("host").GetProperty("name").GetString()!, (await cloud.JsonAsync("instance", "show", "on-2")).GetProperty("host").GetProperty("name").GetString()!);
        Assert.Contains("on-1", (await cloud.KumoiAsync("volume", "move", data.Name, "--host", there)).Error, StringComparison.Ordinal);
        (await cloud.KumoiAsync("instance", "stop", "on-1", "--wait")).Ok.ToString();
        (await cloud.KumoiAsync("volume", "move", data.Name, "--host", there)).Ok.ToString();
        Assert.NotEqual(0, (await cloud.KumoiAsync("instance", "start", "on-1")).Code);
        foreach (var host in new[] { home, there }) await Machine.KillAsync(await cloud.PidAsync("agent-" + host["host-".Length..]));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await data.UntilAsync("in-use");
        Assert.Equal(there, (await data.ShowAsync()).GetProperty("host").GetProperty("name").GetString());
        // Nothing of it is left where it was: what is there is called otherwise.
        await Wait.UntilAsync(() => Task.FromResult(!Directory.EnumerateDirectories(cloud.State, data.Id, SearchOption.AllDirectories).Any()), 60, "its former place is removed");
        (await cloud.KumoiAsync("instance", "start", "on-1", "--wait")).Ok.ToString();
        Assert.Equal(written, await data.SumAsync("on-1"));
        await data.UnmountAsync("on-1");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await data.UntilAsync("available");
        // Of the host that it is on now.
        await data.AttachAsync("on-2");
        Assert.Equal(written, await data.SumAsync("on-2"));
        await data.UnmountAsync("on-2");
        (await cloud.KumoiAsync("volume", "detach", data.Name)).Ok.ToString();
        await data.UntilAsync("available");
        (await cloud.KumoiAsync("volume", "delete", data.Name, "--wait")).Ok.ToString();
    }

    [Fact(Explicit = true)]
    public Task A_pool_is_emptied_by_one_command_and_what_is_in_use_follows_once_it_is_not() => EmptyPoolAsync();

    [Fact]
    public async Task Nothing_of_the_machine_and_the_underlay_is_open_to_guests()
    {
        var machine = await cloud.MachineAddressAsync();
        var listener = new TcpListener(System.Net.IPAddress.Any, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        // The machine's address towards the outside.
        var own = JsonDocument.Parse(await Machine.SayAsync("ip", "-j", "-4", "route", "get", "198.51.100.1")).RootElement[0].GetProperty("prefsrc").GetString()!;
        var peer = (await cloud.HostsAsync())[1].GetProperty("address").GetString()!;
        try
        {
            // The same ports answer from where they may: the test is not one of silence.
            foreach (var (address, at) in ((string, int)[])[(machine, cloud.Port + 1), (machine, port), (own, port)]) Assert.True(await AnswersAsync(address, at), $"{address}:{at}");
            while (listener.Pending()) (await listener.AcceptTcpClientAsync()).Dispose();
            foreach (var (address, at) in ((string, int)[])[(machine, cloud.Port + 1), (machine, port), (own, port)])
                Assert.NotEqual(0, (await TryFromGuestAsync("on-1", address, at)).Code);
            Assert.False(listener.Pending());
        }
        finally
        {
            listener.Stop();
        }
        // What a guest sends to another host would be taken for that of the host it is on.
        var before = await ResetsAsync(peer);
        Assert.NotEqual(0, (await TryFromGuestAsync("on-1", peer, 4789)).Code);
        Assert.Equal(before, await ResetsAsync(peer));
        Assert.False(await AnswersAsync(peer, 4789));
        Assert.Equal(before + 1, await ResetsAsync(peer));
    }

    [Fact]
    public async Task Up_again_changes_nothing_and_fewer_hosts_are_refused()
    {
        var before = await ProcessesAsync();
        (await cloud.KumoiAsync("up")).Ok.ToString();
        (await cloud.KumoiAsync("up", "--hosts", "3")).Ok.ToString();
        Assert.Equal(before, await ProcessesAsync());
        var refused = await cloud.KumoiAsync("up", "--hosts", "2");
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("This cloud has 3 hosts", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, await ProcessesAsync());
    }

    private async Task<string> ProcessesAsync() => (await cloud.JsonAsync("status")).GetProperty("processes").ToString();

    [Fact]
    public async Task A_host_that_lost_its_namespace_is_named_and_joined_again()
    {
        await Machine.SayAsync("ip", "link", "delete", $"k{cloud.Tag}-3");
        var doctor = await cloud.KumoiAsync("doctor");
        Assert.NotEqual(0, doctor.Code);
        Assert.Contains("host-3 is not joined", doctor.Output, StringComparison.Ordinal);
        (await cloud.KumoiAsync("up")).Ok.ToString();
        Assert.DoesNotContain("is not joined", (await cloud.KumoiAsync("doctor")).Output, StringComparison.Ordinal);
        foreach (var name in (string[])["on-1", "on-2", "on-3"]) (await cloud.InGuestAsync(name, "true")).Ok.ToString();
    }

    [Fact]
    public async Task Hosts_are_added_and_guests_run_on()
    {
        var guests = Machine.Processes("qemu-system-x86_64").Where(p => p.Command.StartsWith("qemu", StringComparison.Ordinal) && p.Command.Contains($"/run/kumoi-{cloud.Tag}/", StringComparison.Ordinal)).Select(p => p.Id).Order().ToList();
        Assert.Equal(4, guests.Count);
        (await cloud.KumoiAsync("up", "--hosts", "4")).Ok.ToString();
        var hosts = await cloud.HostsAsync();
        Assert.Equal([.. Three, "host-4"], hosts.Select(host => host.GetProperty("name").GetString()));
        // Each has a smaller part of the machine now, and says so with its next report.
        await Wait.UntilAsync(async () => (await cloud.HostsAsync()).Select(host => host.GetProperty("capacity").GetProperty("memoryMib").GetInt32()).Distinct().Count() == 1, 60, "all hosts have parts of one size");
        Assert.All(guests, guest => Assert.True(Directory.Exists($"/proc/{guest}")));
        (await cloud.InGuestAsync("first", "true")).Ok.ToString();
    }

    [Fact]
    public async Task A_host_that_was_given_up_joins_anew_and_what_was_lost_with_it_is_taken_back()
    {
        var lost = (await cloud.HostsAsync()).Single(host => host.GetProperty("name").GetString() == "host-4").GetProperty("id").GetString();
        (await cloud.KumoiAsync("instance", "create", "there", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--placement-group", "apart", "--wait")).Ok.ToString();
        Assert.Equal("host-4", (await cloud.JsonAsync("instance", "show", "there")).GetProperty("host").GetProperty("name").GetString());
        (await cloud.InGuestAsync("there", "sh", "-c", "echo kept > /root/kept; sync")).Ok.ToString();
        await Machine.KillAsync(await cloud.PidAsync("agent-4"));
        await Wait.UntilAsync(async () => (await cloud.OperatorKumoiAsync("host", "fence", "host-4")).Code == 0, 120, "the host is known not to answer");
        (await cloud.OperatorKumoiAsync("host", "delete", "host-4", "--lost", "--yes")).Ok.ToString();
        Assert.NotEqual(0, (await cloud.KumoiAsync("instance", "show", "there")).Code);
        (await cloud.KumoiAsync("up")).Ok.ToString();
        Assert.NotEqual(lost, (await cloud.HostsAsync()).Single(host => host.GetProperty("name").GetString() == "host-4").GetProperty("id").GetString());
        await Wait.UntilAsync(async () => (await cloud.KumoiAsync("volume", "recover")).Output.Contains("there-root", StringComparison.Ordinal), 60, "its volume is offered");
        (await cloud.KumoiAsync("volume", "recover", "there-root")).Ok.ToString();
        (await cloud.KumoiAsync("instance", "launch", "again", "--flavor", "tiny", "--key", "demo", "--root-volume", "there-root", "--wait")).Ok.ToString();
        Assert.Equal("kept", (await cloud.InGuestAsync("again", "cat", "/root/kept")).Ok.Trim());
        (await cloud.KumoiAsync("instance", "delete", "again", "--wait")).Ok.ToString();
    }

    /// <summary>Each line that `up` says is the end of one of its steps. All of them take minutes: `./test long`.</summary>
    [Theory]
    [InlineData(0, Explicit = true)]
    [InlineData(1, Explicit = true)]
    [InlineData(2, Explicit = true)]
    [InlineData(3)]
    [InlineData(4, Explicit = true)]
    public async Task Up_cut_off_anywhere_is_put_right_by_the_next_one(int lines)
    {
        (await cloud.KumoiAsync("down")).Ok.ToString();
        Assert.Empty(Machine.Processes(cloud.State));
        await Machine.CutOffAsync(Path.Combine(cloud.Tree, "kumoi"), ["up"], cloud.Environment, lines);
        (await cloud.KumoiAsync("up")).Ok.ToString();
        Assert.Equal(6, (await cloud.JsonAsync("status")).GetProperty("processes").GetArrayLength());
        Assert.All(await cloud.HostsAsync(), host => Assert.Equal("up", host.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task Guests_come_back_with_their_hosts()
    {
        foreach (var name in (string[])["first", "on-1", "on-2", "on-3"])
        {
            await Wait.UntilAsync(async () => await cloud.StateAsync(name) == "running", 60, $"{name} runs again");
            (await cloud.InGuestAsync(name, "true")).Ok.ToString();
        }
    }

    [Fact]
    public async Task Destroy_leaves_nothing_behind()
    {
        (await cloud.KumoiAsync("destroy", "--yes")).Ok.ToString();
        Assert.False(Directory.Exists(cloud.State));
        Assert.Equal(cloud.Before, await Machine.StockAsync(cloud.State, cloud.Tag));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task What_a_first_up_left_when_it_was_cut_off_is_destroyed(int lines)
    {
        await Machine.CutOffAsync(Path.Combine(cloud.Tree, "kumoi"), ["up", "--hosts", "2"], cloud.Environment, lines);
        (await cloud.KumoiAsync("destroy", "--yes")).Ok.ToString();
        Assert.False(Directory.Exists(cloud.State));
        Assert.Equal(cloud.Before, await Machine.StockAsync(cloud.State, cloud.Tag));
    }
}
