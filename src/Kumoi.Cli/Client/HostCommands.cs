using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Hosts: listing with what they have free, letting placement use them or not, and tokens for new ones.</summary>
public static class HostCommands
{
    public static Command Make()
    {
        var noun = new Noun<Host>("host", "hosts", h => h.Name,
        [
            new("name", h => h.Name), new("id", h => h.Id), new("zone", h => h.Zone.Name), new("state", h => h.State), new("schedulable", h => h.Schedulable ? "yes" : "no"),
            new("accelerator", h => h.Hypervisor == "qemu" ? h.Accelerator : h.Hypervisor), new("instances", h => $"{h.Instances}"), new("vcpus", h => $"{h.Allocated.Vcpus}/{h.Capacity.Vcpus}"),
            new("memory", h => $"{h.Allocated.MemoryMib}/{h.Capacity.MemoryMib} MiB"), new("disk", h => $"{h.Allocated.DiskGib}/{h.Capacity.DiskGib} GiB"),
        ]).List((Options.New<string?>("--state"), "state")).Show().Delete();
        foreach (var (verb, schedulable) in new[] { ("enable", true), ("disable", false) })
        {
            var key = noun.Key();
            noun.Act(new Command(verb, Messages.Text("host-" + verb)) { key }, async (session, parsed, cancel) =>
            {
                session.Write(await session.Client.PutAsync<UpdateHost, Host>(noun.PathOf(parsed.GetValue(key)!), new UpdateHost(schedulable), cancel));
                return ExitCodes.Ok;
            });
        }
        var (zone, minutes, uses) = (Options.New<string?>("--zone"), Options.New<int?>("--expires-in-minutes"), Options.New<int?>("--uses"));
        noun.Act(new Command("join-token", Messages.Text("host-join-token")) { zone, minutes, uses }, async (session, parsed, cancel) =>
        {
            var token = await session.Client.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(parsed.GetValue(zone), parsed.GetValue(minutes), parsed.GetValue(uses)), null, cancel);
            if (session.Json) session.Write(token);
            else Console.WriteLine(token.Token);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }
}
