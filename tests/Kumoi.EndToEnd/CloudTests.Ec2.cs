using Xunit;

namespace Kumoi.EndToEnd;

public sealed partial class CloudTests
{
    /// <summary>Each launches a guest, reaches it by ssh, gives it a volume, snapshots that and ends it all again, with what `access-key create` prints and nothing else.</summary>
    [Theory]
    [InlineData("/bin/bash", "ec2_awscli.sh")]
    [InlineData("/usr/bin/python3", "ec2_boto3.py")]
    [InlineData("/usr/bin/python3", "ec2_libcloud.py")]
    public Task Clients_of_EC2_lead_a_guests_life(string program, string script) => LeadAsync(program, script);

    /// <summary>The same by Ansible, each of whose steps starts Python anew: minutes, so only when it is asked for. Without guests it is among the server's tests.</summary>
    [Fact(Explicit = true)]
    public Task Ansible_leads_a_guests_life() => LeadAsync("/bin/bash", "ec2_ansible.sh");

    private async Task LeadAsync(string program, string script)
    {
        var before = (await cloud.JsonAsync("instance", "list")).ToString();
        var variables = (await cloud.KumoiAsync("access-key", "create", "--expires-in-days", "1", "--source-range", "127.0.0.0/8", "--output", "env")).Ok
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal($"http://127.0.0.1:{cloud.Port}/ec2", variables["AWS_ENDPOINT_URL_EC2"]);
        // Debian's own programs: others in the path may be of other versions.
        var environment = new Dictionary<string, string>(variables)
        {
            ["KUMOI_GUESTS"] = "1", ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["LANG"] = "C.UTF-8", ["PYTHONDONTWRITEBYTECODE"] = "1", ["AWS_EC2_METADATA_DISABLED"] = "true", ["AWS_PAGER"] = "", ["AWS_CONFIG_FILE"] = "/dev/null", ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null",
        };
        (await Machine.RunAsync(program, [Path.Combine(cloud.Tree, "tests/clients", script)], environment, seconds: 900)).Ok.ToString();
        Assert.Equal(before, (await cloud.JsonAsync("instance", "list")).ToString());
        (await cloud.KumoiAsync("access-key", "delete", variables["AWS_ACCESS_KEY_ID"])).Ok.ToString();
    }
}
