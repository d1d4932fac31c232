using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Hosts: listing with what they have free, letting placement use them or not, and tokens for new ones.</summary>
public static class HostCommands
{
    public static Command Make()
    {
        var noun = new Noun<Host>("host", "hosts", h => h.Name,
        [
            new("name", h => h.Name), new("id", h => h.Id), new("zone", h => h.Zone.Name), new("pool", h => h.HostPool.Name), new("state", h => h.State), new("schedulable", h => h.Maintenance ? "maintenance" : h.Schedulable ? "yes" : "no"),
            new("accelerator", h => h.Hypervisor == "qemu" ? h.Accelerator : h.Hypervisor), new("instances", h => $"{h.Instances}"), new("vcpus", h => $"{h.Allocated.Vcpus}/{h.Capacity.Vcpus}"),
            new("memory", h => $"{h.Allocated.MemoryMib}/{h.Capacity.MemoryMib} MiB"), new("disk", h => $"{h.Allocated.DiskGib}/{h.Capacity.DiskGib} GiB"),
        ]).List((Options.New<string?>("--state"), "state")).Show();
        Delete(noun);
        foreach (var (verb, change) in new[]
        {
            ("enable", new UpdateHost(true, null)), ("disable", new UpdateHost(false, null)), ("begin-maintenance", new UpdateHost(null, true)), ("end-maintenance", new UpdateHost(null, false)),
        })
        {
            var key = noun.Key();
            noun.Act(new Command(verb, Messages.Text("host-" + verb)) { key }, async (session, parsed, cancel) =>
            {
                session.Write(await session.Client.PutAsync<UpdateHost, Host>(noun.PathOf(parsed.GetValue(key)!), change, cancel));
                return ExitCodes.Ok;
            });
        }
        var silent = noun.Key();
        noun.Act(new Command("fence", Messages.Text("host-fence")) { silent }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<Host>(noun.PathOf(parsed.GetValue(silent)!) + "/fence", cancel));
            return ExitCodes.Ok;
        });
        Pool(noun);
        Label(noun);
        HostPowerCommands.Add(noun);
        StrayCommands.Add(noun);
        var (zone, minutes, uses, pool) = (Options.New<string?>("--zone"), Options.New<int?>("--expires-in-minutes"), Options.New<int?>("--uses"), new Option<string?>("--host-pool") { Description = Messages.Text("option-join-pool") });
        noun.Act(new Command("join-token", Messages.Text("host-join-token")) { zone, minutes, uses, pool }, async (session, parsed, cancel) =>
        {
            var token = await session.Client.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(parsed.GetValue(zone), parsed.GetValue(minutes), parsed.GetValue(uses), parsed.GetValue(pool)), null, cancel);
            if (session.Json) session.Write(token);
            else Console.WriteLine(token.Token);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static void Pool(Noun<Host> noun)
    {
        var (key, pool) = (noun.Key(), new Argument<string>("pool") { Description = Messages.Text("argument-host-pool") });
        noun.Act(new Command("set-pool", Messages.Text("host-set-pool")) { key, pool }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateHost, Host>(noun.PathOf(parsed.GetValue(key)!), new UpdateHost(null, null, parsed.GetValue(pool)), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Label(Noun<Host> noun)
    {
        var key = noun.Key();
        var labels = new Argument<string[]>("labels") { HelpName = "key=value", Description = Messages.Text("argument-labels"), Arity = ArgumentArity.ZeroOrMore };
        var remove = new Option<string[]>("--remove") { HelpName = "key", Description = Messages.Text("option-remove-label") };
        noun.Act(new Command("label", Messages.Text("host-label")) { key, labels, remove }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateHost, Host>(noun.PathOf(parsed.GetValue(key)!), new UpdateHost(null, null, null, TagOptions.Of(parsed.GetValue(labels), parsed.GetValue(remove))), cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary>A host, or a lost one with what is on it: that is asked for, since nothing of it comes back.</summary>
    private static void Delete(Noun<Host> noun)
    {
        var (keys, lost, yes) = (noun.Keys(), Options.New<bool>("--lost"), Options.New<bool>("--yes"));
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys, lost, yes };
        delete.Aliases.Add("rm");
        noun.Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!)
            {
                if (parsed.GetValue(lost) && !parsed.GetValue(yes))
                {
                    if (Console.IsInputRedirected) throw new UserException("yes-needed", "host delete --lost");
                    var host = await session.Client.GetAsync<Host>(noun.PathOf(key), cancel);
                    if (!Session.Errors.Confirm(Messages.Text("host-lost-confirm", host.Name, host.Instances), false)) return ExitCodes.Cancelled;
                }
                await session.Client.DeleteAsync(noun.PathOf(key) + (parsed.GetValue(lost) ? "?lost=true" : ""), cancel);
            }
            return ExitCodes.Ok;
        });
    }
}
