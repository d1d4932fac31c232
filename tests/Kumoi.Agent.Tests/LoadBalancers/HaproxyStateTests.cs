using Kumoi.Agent.LoadBalancers;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: what one haproxy knows of members is told to the next only as far as both ask them the same, and overrides nothing of its configuration.</summary>
public sealed class HaproxyStateTests
{
    private const string Names = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

    private static string Line(string name, int up, int admin = 0, int weight = 1, int first = 1, int port = 9000) =>
        FormattableString.Invariant($"4 b_1 1 {name} 10.0.0.11 {up} {admin} {weight} {first} 2 6 3 1 6 0 0 0 - 80 - 0 {port} - - 0");

    private static string Configuration(string check, params string[] servers) =>
        $"global\n  maxconn 1\nfrontend f_1\n  bind :80\nbackend b_1\n  mode http\n  timeout check 2s\n{check}{string.Concat(servers.Select(server => $"  server {server}\n"))}";

    private static IReadOnlyDictionary<string, HaproxyServer> Servers(string check, params string[] servers) => HaproxyServer.Read(Configuration(check, servers));

    [Fact]
    public void Servers_are_read_with_what_decides_their_health()
    {
        var servers = Servers("  option httpchk\n", "m_1 10.0.0.11:80 weight 3 source 10.0.0.50 cookie x check inter 5s", "m_2 10.0.0.12:80 weight 0 source 10.0.0.50");
        Assert.Equal(("10.0.0.11:80", 3), (servers["b_1/m_1"].Place, servers["b_1/m_1"].Weight));
        Assert.Null(servers["b_1/m_2"].Check);
        Assert.Equal(servers["b_1/m_1"].Check, Servers("  option httpchk\n", "m_1 10.0.0.11:80 weight 9 source 10.0.0.50 check inter 5s")["b_1/m_1"].Check);
        Assert.NotEqual(servers["b_1/m_1"].Check, Servers("", "m_1 10.0.0.11:80 weight 3 source 10.0.0.50 check inter 5s")["b_1/m_1"].Check);
        Assert.Empty(HaproxyServer.Read(""));
    }

    [Fact]
    public void Only_those_that_are_asked_the_same_are_told_to_the_next()
    {
        string[] before = ["m_1 10.0.0.11:80 weight 1 check inter 5s", "m_2 10.0.0.12:80 weight 1 check inter 5s", "m_3 10.0.0.13:80 weight 1 check inter 5s", "m_4 10.0.0.14:80 weight 1 check inter 5s", "m_5 10.0.0.15:80 weight 1 check inter 5s", "m_6 10.0.0.16:80 weight 1 check inter 5s"];
        string[] after = ["m_1 10.0.0.11:80 weight 5 check inter 5s", "m_2 10.0.0.12:80 weight 1", "m_3 10.0.0.13:80 weight 1 check inter 5s port 7000", "m_4 10.0.0.14:81 weight 1 check inter 5s", "m_6 10.0.0.16:80 weight 1 check inter 5s"];
        var answer = $"1\n{Names}\n{Line("m_1", 0, weight: 0)}\n{Line("m_2", 0)}\n{Line("m_3", 0)}\n{Line("m_4", 0)}\n{Line("m_5", 0)}\n{Line("m_6", 0, admin: 1)}\n\n";
        Assert.Equal($"1\n{Names}\n{Line("m_1", 0, weight: 5, first: 5, port: 0)}\n", HaproxyState.ForNext(answer, Servers("", before), Servers("", after)));
        Assert.Equal("1\n", HaproxyState.ForNext(null, Servers("", before), Servers("", after)));
        Assert.Equal("1\n", HaproxyState.ForNext("Unknown command", Servers("", before), Servers("", after)));
    }

    [Fact]
    public void A_running_process_is_told_what_differs()
    {
        var wanted = Servers("", "m_1 10.0.0.11:80 weight 0 check inter 5s", "m_2 10.0.0.12:80 weight 1", "m_3 10.0.0.13:80 weight 4");
        Assert.Equal(
            ["set server b_1/m_1 weight 0; set server b_1/m_3 state ready; set server b_1/m_3 weight 4"],
            HaproxyState.Steering($"1\n{Names}\n{Line("m_1", 2)}\n{Line("m_2", 0)}\n{Line("m_3", 0, admin: 1)}\n{Line("m_9", 0, admin: 1)}\n", wanted));
        Assert.Empty(HaproxyState.Steering("", wanted));
        Assert.Equal(["disable server b_1/m_2; shutdown sessions server b_1/m_2; disable server b_1/m_3; shutdown sessions server b_1/m_3"], HaproxyState.Ending([wanted["b_1/m_3"], wanted["b_1/m_2"]]));
    }
}
