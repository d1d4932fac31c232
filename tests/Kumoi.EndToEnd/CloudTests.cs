using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>
/// Goal: what the README promises, with real guests. Method: one cloud from `./kumoi quickstart`, used by the command line as a person
/// would, with processes killed in the middle, until `destroy` has left nothing.
/// </summary>
[TestCaseOrderer(typeof(InOrder))]
public sealed partial class CloudTests(QuickstartCloud cloud) : IClassFixture<QuickstartCloud>
{
    [Fact]
    public async Task Quickstart_ends_in_a_guest_and_tells_what_to_do_next()
    {
        Assert.Contains("Linux first ", cloud.Quickstart, StringComparison.Ordinal);
        Assert.Contains($"http://127.0.0.1:{cloud.Port}", cloud.Quickstart, StringComparison.Ordinal);
        Assert.Equal(5, cloud.Quickstart.Split('\n').Count(line => line.StartsWith("  ./kumoi ", StringComparison.Ordinal)));
        var status = await cloud.JsonAsync("status");
        Assert.Equal(["agent", "postgres", "server"], status.GetProperty("processes").EnumerateArray().Select(p => p.GetProperty("role").GetString()).Order());
        Assert.Equal("demo", status.GetProperty("demo").GetProperty("user").GetString());
        Assert.True(File.Exists(status.GetProperty("admin").GetProperty("passwordFile").GetString()));
    }

    [Fact]
    public async Task A_second_quickstart_changes_nothing()
    {
        var before = await cloud.JsonAsync("instance", "list");
        var pid = await cloud.PidAsync("server");
        (await Machine.RunAsync(Path.Combine(cloud.Tree, "kumoi"), ["quickstart", "--yes"], cloud.Environment, seconds: 120)).Ok.ToString();
        Assert.Equal(before.ToString(), (await cloud.JsonAsync("instance", "list")).ToString());
        Assert.Equal(pid, await cloud.PidAsync("server"));
    }

    [Fact]
    public async Task The_server_and_the_guests_run_without_rights_and_the_accelerator_is_told()
    {
        foreach (var pid in new[] { await cloud.PidAsync("server"), QuickstartCloud.Qemu((await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!) })
        {
            var status = await File.ReadAllLinesAsync($"/proc/{pid}/status");
            Assert.DoesNotContain("\t0\t", status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)), StringComparison.Ordinal);
            Assert.EndsWith("0000000000000000", status.Single(line => line.StartsWith("CapEff:", StringComparison.Ordinal)), StringComparison.Ordinal);
        }
        var password = await File.ReadAllTextAsync(Path.Combine(cloud.State, "secrets/admin-password"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{cloud.Port}") };
        var token = await (await http.PostAsJsonAsync("/api/v1/tokens", new { user = "admin", password = password.Trim() })).Content.ReadFromJsonAsync<JsonElement>();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token.GetProperty("token").GetString());
        var host = (await http.GetFromJsonAsync<JsonElement>("/api/v1/hosts")).GetProperty("items")[0];
        Assert.Equal(("up", "qemu"), (host.GetProperty("state").GetString(), host.GetProperty("hypervisor").GetString()));
        Assert.Contains(host.GetProperty("accelerator").GetString(), (string[])["tcg", "kvm"]);
        Assert.NotEmpty(host.GetProperty("acceleratorReason").GetString()!);
    }

    [Fact]
    public async Task A_guest_configures_itself_from_metadata_and_lives_through_stop_start_and_reboot()
    {
        var script = Path.Combine(Path.GetDirectoryName(cloud.State)!, "user-data");
        await File.WriteAllTextAsync(script, "#!/bin/sh\necho こんにちは雲居 > /root/greeting\n");
        (await cloud.KumoiAsync("instance", "create", "ウェブ web-1", "--image", "tiny", "--flavor", "small", "--key", "demo", "--user-data-file", script, "--metadata-tokens", "required", "--wait")).Ok.ToString();
        var instance = await cloud.JsonAsync("instance", "show", "ウェブ web-1");
        var (id, address) = (instance.GetProperty("id").GetString()!, instance.GetProperty("interfaces")[0].GetProperty("address").GetString()!);
        Assert.Equal("web-1", (await cloud.InGuestAsync(id, "hostname")).Ok.Trim());
        Assert.Contains($"inet {address}/", (await cloud.InGuestAsync(id, "ip", "-4", "addr")).Ok, StringComparison.Ordinal);
        await Wait.UntilAsync(async () => (await cloud.InGuestAsync(id, "cat", "/root/greeting")).Output.Trim() == "こんにちは雲居");
        Assert.Equal(7, (await cloud.InGuestAsync(id, "sh", "-c", "exit 7")).Code);
        // The disk has grown from the image's size to the flavor's.
        Assert.InRange(long.Parse((await cloud.InGuestAsync(id, "cat", "/sys/block/vda/size")).Ok.Trim(), System.Globalization.CultureInfo.InvariantCulture) * 512, 2L << 30, 2L << 30);
        var boot = (await cloud.InGuestAsync(id, "cat", "/proc/sys/kernel/random/boot_id")).Ok;

        (await cloud.KumoiAsync("instance", "stop", id, "--wait")).Ok.ToString();
        Assert.Equal("stopped", await cloud.StateAsync(id));
        Assert.DoesNotContain(Machine.Processes(id), p => p.Command.StartsWith("qemu", StringComparison.Ordinal));
        (await cloud.KumoiAsync("instance", "start", id, "--wait")).Ok.ToString();
        Assert.Equal("こんにちは雲居", (await cloud.InGuestAsync(id, "cat", "/root/greeting")).Ok.Trim());
        var second = (await cloud.InGuestAsync(id, "cat", "/proc/sys/kernel/random/boot_id")).Ok;
        Assert.NotEqual(boot, second);
        (await cloud.KumoiAsync("instance", "reboot", id, "--wait")).Ok.ToString();
        Assert.NotEqual(second, (await cloud.InGuestAsync(id, "cat", "/proc/sys/kernel/random/boot_id")).Ok);
        Assert.Equal(address, (await cloud.JsonAsync("instance", "show", id)).GetProperty("interfaces")[0].GetProperty("address").GetString());
        Assert.Equal(["instance.launch", "instance.running", "instance.stop", "instance.stopped", "instance.start", "instance.running", "instance.reboot", "instance.rebooted"], await cloud.ActionsAsync(id));
        (await cloud.KumoiAsync("instance", "delete", id, "--wait")).Ok.ToString();
    }

    [Fact]
    public async Task A_security_group_blocks_and_allows_at_once_without_touching_the_guest()
    {
        var first = await cloud.JsonAsync("instance", "show", "first");
        var (id, address) = (first.GetProperty("id").GetString()!, first.GetProperty("interfaces")[0].GetProperty("floatingAddress").GetString()!);
        var qemu = QuickstartCloud.Qemu(id);
        (await cloud.InGuestAsync("first", "sh", "-c", "mkdir -p /tmp/www && echo hello > /tmp/www/index.html && (busybox httpd -p 8080 -h /tmp/www || httpd -p 8080 -h /tmp/www)")).Ok.ToString();
        Assert.False(await AnswersAsync(address, 8080));
        var rule = (await cloud.JsonAsync("security-group", "add-rule", "default", "--port", "8080")).GetProperty("id").GetString()!;
        await Wait.UntilAsync(() => AnswersAsync(address, 8080), 20, "port 8080 opens");
        (await cloud.KumoiAsync("security-group", "delete-rule", "default", rule)).Ok.ToString();
        await Wait.UntilAsync(async () => !await AnswersAsync(address, 8080), 20, "port 8080 closes");
        Assert.True(await AnswersAsync(address, 22));
        (await cloud.KumoiAsync("instance", "set-security-groups", "first")).Ok.ToString();
        await Wait.UntilAsync(async () => !await AnswersAsync(address, 22), 20, "without a group nothing gets in");
        (await cloud.KumoiAsync("instance", "set-security-groups", "first", "default")).Ok.ToString();
        await Wait.UntilAsync(() => AnswersAsync(address, 22), 20, "port 22 is back");
        Assert.Equal(qemu, QuickstartCloud.Qemu(id));
    }

    private static async Task<bool> AnswersAsync(string address, int port)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, port, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    [Fact]
    public async Task A_guest_whose_process_is_killed_is_back_at_once_and_the_log_says_so()
    {
        var id = (await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!;
        var qemu = QuickstartCloud.Qemu(id);
        await Machine.KillAsync(qemu);
        await Wait.UntilAsync(async () => (await cloud.ActionsAsync(id)).Any(action => action is "instance.restarted" or "instance.lost"), 60, "the loss is in the log");
        await Wait.UntilAsync(async () => await cloud.StateAsync("first") == "running" && Machine.Processes(id).Any(p => p.Command.StartsWith("qemu", StringComparison.Ordinal) && p.Id != qemu), 60, "it runs again");
        (await cloud.InGuestAsync("first", "true")).Ok.ToString();
    }

    [Fact]
    public async Task An_agent_killed_in_the_middle_of_launches_and_terminations_converges()
    {
        var created = cloud.KumoiAsync("instance", "create", "crash", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--count", "3");
        await Wait.UntilAsync(() => Task.FromResult(Machine.Processes("qemu-system-x86_64").Count > 1 || created.IsCompleted), 60, "a launch is under way");
        await Machine.KillAsync(await cloud.PidAsync("agent"));
        (await created).Ok.ToString();
        (await cloud.KumoiAsync("up")).Ok.ToString();
        foreach (var i in (int[])[1, 2, 3]) await Wait.UntilAsync(async () => await cloud.StateAsync($"crash-{i}") == "running", 60, $"crash-{i} runs");
        var ids = (await cloud.JsonAsync("instance", "list", "--name", "crash-")).EnumerateArray().Select(i => i.GetProperty("id").GetString()!).ToList();
        foreach (var id in ids) Assert.Single(Machine.Processes(id), p => p.Command.StartsWith("qemu", StringComparison.Ordinal));

        var deleted = cloud.KumoiAsync("instance", "delete", "crash-1", "crash-2", "crash-3");
        await Wait.UntilAsync(() => Task.FromResult(deleted.IsCompleted || ids.Any(id => Machine.Processes(id).Count == 0)), 60, "a termination is under way");
        await Machine.KillAsync(await cloud.PidAsync("agent"));
        await deleted;
        (await cloud.KumoiAsync("up")).Ok.ToString();
        foreach (var id in ids)
        {
            await Wait.UntilAsync(async () => await cloud.StateAsync(id) == "terminated", 60, $"{id} is terminated");
            Assert.Empty(Machine.Processes(id));
            Assert.False(Directory.Exists(Path.Combine(cloud.State, "agent/instances", id)));
            var actions = await cloud.ActionsAsync(id);
            Assert.Single(actions, "instance.launch");
            Assert.Single(actions, "instance.terminated");
        }
    }

    [Fact]
    public async Task A_server_or_database_killed_at_any_moment_loses_nothing_that_was_acknowledged()
    {
        var id = (await cloud.JsonAsync("instance", "show", "first")).GetProperty("id").GetString()!;
        var qemu = QuickstartCloud.Qemu(id);
        // Whoever waits goes on waiting while there is no server.
        var waiting = cloud.KumoiAsync("instance", "create", "kept", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--wait");
        await Wait.UntilAsync(async () => (await cloud.KumoiAsync("instance", "list")).Output.Contains("kept", StringComparison.Ordinal), 30, "the launch is acknowledged");
        var postgres = await cloud.PidAsync("postgres");
        await Machine.KillAsync(await cloud.PidAsync("server"));
        Assert.Equal(6, (await cloud.KumoiAsync("instance", "list")).Code);
        await Machine.KillAsync(postgres);
        await Wait.UntilAsync(() => Task.FromResult(Machine.Processes(cloud.State + "/postgres").Count == 0), 30, "the database is gone");
        // As a script would do that holds a lock meanwhile; what is started does not go on holding it.
        var held = Path.Combine(Path.GetDirectoryName(cloud.State)!, "lock");
        (await Machine.RunAsync("bash", ["-c", "exec 9>\"$0\"; flock 9; exec \"$@\"", held, Path.Combine(cloud.Tree, "kumoi"), "up"], cloud.Environment)).Ok.ToString();
        await Machine.SayAsync("flock", "--nonblock", held, "true");
        Assert.Contains("running", (await waiting).Ok, StringComparison.Ordinal);
        Assert.Equal(qemu, QuickstartCloud.Qemu(id));
        (await cloud.KumoiAsync("instance", "delete", "kept", "--wait")).Ok.ToString();
    }

    [Fact]
    public async Task Filters_stay_while_the_agent_is_away()
    {
        var namespaceName = (await Machine.SayAsync("ip", "netns", "list")).Split('\n').Select(line => line.Split(' ')[0]).Single(name => name.StartsWith("kumoi-" + cloud.Tag, StringComparison.Ordinal));
        Task<string> RulesAsync() => Machine.SayAsync("ip", "netns", "exec", namespaceName, "nft", "-s", "list", "ruleset");
        var rules = await RulesAsync();
        // Members of the group that have just gone are told a moment later; a change of theirs is no change by the agent's end.
        await Wait.UntilAsync(async () =>
        {
            var before = rules;
            await Task.Delay(TimeSpan.FromSeconds(3));
            return (rules = await RulesAsync()) == before;
        }, 60, "the filters have come to rest");
        Assert.Contains("policy drop", rules, StringComparison.Ordinal);
        await Machine.KillAsync(await cloud.PidAsync("agent"));
        Assert.Equal(rules, await RulesAsync());
        (await cloud.KumoiAsync("up")).Ok.ToString();
        Assert.Equal(rules, await RulesAsync());
        (await cloud.InGuestAsync("first", "true")).Ok.ToString();
    }

    [Fact]
    public async Task Termination_leaves_nothing_of_the_instance()
    {
        async Task<string> HostAsync()
        {
            await using var source = Npgsql.NpgsqlDataSource.Create(new Npgsql.NpgsqlConnectionStringBuilder
            {
                Host = Path.Combine("/run", "kumoi-" + cloud.Tag, "postgres"), Username = "kumoi", Database = "kumoi", Password = (await File.ReadAllTextAsync(Path.Combine(cloud.State, "server/database-password"))).Trim(),
            }.ConnectionString);
            await using var command = source.CreateCommand("SELECT (allocated_vcpus, allocated_memory_mib, allocated_disk_gib, instances)::text || (SELECT count(*) FROM floating_addresses) FROM hosts");
            return (string)(await command.ExecuteScalarAsync())!;
        }
        var before = (Stock: await StockAsync(), Host: await HostAsync());
        (await cloud.KumoiAsync("instance", "create", "brief", "--image", "tiny", "--flavor", "medium", "--key", "demo", "--wait")).Ok.ToString();
        Assert.NotEqual(before.Host, await HostAsync());
        (await cloud.KumoiAsync("instance", "delete", "brief", "--wait")).Ok.ToString();
        // The volume that it started from goes after it.
        await Wait.UntilAsync(async () => await HostAsync() == before.Host, 60, "the host has its room back");
        Assert.Equal(before.Stock, await StockAsync());

        async Task<string> StockAsync()
        {
            var machine = await Machine.StockAsync(cloud.State, cloud.Tag);
            var files = Directory.GetFileSystemEntries(Path.Combine(cloud.State, "agent/instances")).Concat(Directory.GetFileSystemEntries($"/run/kumoi-{cloud.Tag}/g")).Order(StringComparer.Ordinal);
            var name = machine.Single(line => line.StartsWith("netns kumoi-" + cloud.Tag, StringComparison.Ordinal))["netns ".Length..];
            return string.Join('\n', machine.Concat(files)) + await Machine.SayAsync("ip", "netns", "exec", name, "ip", "-brief", "link") + await Machine.SayAsync("ip", "netns", "exec", name, "nft", "-s", "list", "ruleset");
        }
    }

    [Fact]
    public async Task A_browser_launches_an_instance_and_types_into_its_console()
    {
        var password = (await File.ReadAllTextAsync(Path.Combine(cloud.State, "secrets/demo-password"))).Trim();
        var pictures = System.Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1" ? Path.Combine(cloud.Tree, "docs/images") : Path.Combine(Path.GetDirectoryName(cloud.State)!, "pictures");
        Directory.CreateDirectory(pictures);
        var ran = await Machine.RunAsync("node", [Path.Combine(cloud.Tree, "tests/console/browser.mjs"), $"http://127.0.0.1:{cloud.Port}", pictures], new Dictionary<string, string>(cloud.Environment) { ["KUMOI_DEMO_PASSWORD"] = password }, seconds: 300);
        Assert.True(ran.Code == 0, ran.Output + ran.Error);
        Assert.Contains("the serial console answered", ran.Output, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(pictures, "*.png"));
        (await cloud.KumoiAsync("instance", "delete", "from-browser", "--wait")).Ok.ToString();
    }

    [Fact]
    public async Task The_command_line_speaks_Japanese_and_tells_what_is_wrong()
    {
        var japanese = new Dictionary<string, string>(cloud.Environment) { ["LANG"] = "ja_JP.UTF-8" };
        var list = await Machine.RunAsync(Path.Combine(cloud.Tree, "kumoi"), ["instance", "list"], japanese);
        Assert.StartsWith("名前", list.Ok, StringComparison.Ordinal);
        var wrong = await Machine.RunAsync(Path.Combine(cloud.Tree, "kumoi"), ["instance", "create", "x", "--image", "ない", "--flavor", "small"], japanese);
        Assert.Equal(2, wrong.Code);
        Assert.Contains("イメージ ない は存在しません", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await cloud.KumoiAsync("instance", "show", "nothing")).Code);
        Assert.Equal(2, (await cloud.KumoiAsync("instance", "create")).Code);
        var full = await cloud.KumoiAsync("instance", "create", "huge", "--image", "tiny", "--flavor", "2xlarge", "--count", "50");
        Assert.Equal(4, full.Code);
        Assert.Contains("host(s) have", full.Error, StringComparison.Ordinal);
        var destroy = await cloud.KumoiAsync("destroy");
        Assert.NotEqual(0, destroy.Code);
        Assert.Contains("--yes", destroy.Error, StringComparison.Ordinal);
    }

    /// <summary>Takes some five minutes under emulation, so it runs when asked for: <c>./test debian</c>.</summary>
    [Fact(Explicit = true)]
    public async Task A_real_distribution_configures_itself_as_on_EC2()
    {
        var image = Path.Combine(cloud.Tree, "artifacts/images/debian.qcow2");
        if (!File.Exists(image)) (await Machine.RunAsync(Path.Combine(cloud.Tree, "images/debian/build"), [image], seconds: 1200)).Ok.ToString();
        var script = Path.Combine(Path.GetDirectoryName(cloud.State)!, "cloud-config");
        await File.WriteAllTextAsync(script, "#cloud-config\nwrite_files:\n- path: /etc/greeting\n  content: こんにちは\n");
        (await cloud.KumoiAsync("image", "create", "debian", "--file", image, "--default-user", "debian")).Ok.ToString();
        (await cloud.KumoiAsync("instance", "create", "deb", "--image", "debian", "--flavor", "medium", "--key", "demo", "--user-data-file", script, "--metadata-tokens", "required", "--wait")).Ok.ToString();
        var done = (await cloud.KumoiAsync("instance", "ssh", "deb", "--timeout", "590", "--", "sudo cloud-init status --wait; cat /run/cloud-init/cloud-id /etc/greeting; echo; hostname")).Ok;
        Assert.Equal(["status: done", "aws", "こんにちは", "deb"], done.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim('.', ' ')).Where(line => line.Length > 0));
        (await cloud.KumoiAsync("instance", "delete", "deb", "--wait")).Ok.ToString();
    }

    [Fact]
    public async Task Down_and_up_bring_the_guests_back()
    {
        (await cloud.KumoiAsync("down")).Ok.ToString();
        Assert.Empty(Machine.Processes(cloud.State));
        (await cloud.KumoiAsync("up")).Ok.ToString();
        await Wait.UntilAsync(async () => await cloud.StateAsync("first") == "running", 60, "first runs again");
        (await cloud.InGuestAsync("first", "true")).Ok.ToString();
    }

    [Fact]
    public async Task Destroy_leaves_nothing_behind()
    {
        (await cloud.KumoiAsync("destroy", "--yes")).Ok.ToString();
        Assert.False(Directory.Exists(cloud.State));
        Assert.Equal(cloud.Before, await Machine.StockAsync(cloud.State, cloud.Tag));
        Assert.DoesNotContain(cloud.State, File.Exists(Config()) ? await File.ReadAllTextAsync(Config()) : "", StringComparison.Ordinal);
    }

    private string Config() => Path.Combine(cloud.Environment["HOME"], ".config/kumoi/config.json");
}
