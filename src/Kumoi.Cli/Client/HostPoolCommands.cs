using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Host pools: which accounts hosts are for, and how much they offer.</summary>
public static class HostPoolCommands
{
    public static Command Make()
    {
        var noun = new Noun<HostPool>("host-pool", "host-pools", p => p.Name,
        [
            new("name", p => p.Name), new("id", p => p.Id), new("account", p => p.Accounts is null ? "*" : p.Accounts.Count == 0 ? "-" : string.Join(" ", p.Accounts.Select(a => a.Name))), new("hosts", p => p.Hosts is { } hosts ? $"{hosts}" : "-"),
            new("vcpus", p => Used(p.Allocated?.Vcpus, p.Capacity?.Vcpus)), new("memory", p => p.Capacity is null ? "-" : Used(p.Allocated?.MemoryMib, p.Capacity.MemoryMib) + " MiB"),
            new("overcommit", p => $"{p.CpuOvercommit:0.##} {p.MemoryOvercommit:0.##}"), new("description", p => p.Description),
        ]).List().Show();
        var (name, create) = (Options.Name(), new PoolOptions());
        noun.Create<CreateHostPool, HostPool>(c => { c.Add(name); create.AddTo(c); },
            p => new CreateHostPool(p.GetValue(name)!, p.GetValue(create.Description), p.GetValue(create.Cpu), p.GetValue(create.Memory), create.Given(p)));
        var (key, update, all) = (noun.Key(), new PoolOptions(), Options.New<bool>("--all-accounts"));
        var change = new Command("update", Messages.Text("verb-update")) { key, all };
        update.AddTo(change);
        noun.Act(change, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateHostPool, HostPool>(noun.PathOf(parsed.GetValue(key)!), new UpdateHostPool(
                parsed.GetValue(update.Description), parsed.GetValue(update.Cpu), parsed.GetValue(update.Memory), update.Given(parsed), parsed.GetValue(all) ? true : null), cancel));
            return ExitCodes.Ok;
        });
        Accounts(noun, "give", account => new GiveHostPool(account));
        Accounts(noun, "take", account => new TakeHostPool(account));
        return noun.Delete().Command;
    }

    private static string Used(long? allocated, long? capacity) => capacity is null ? "-" : $"{allocated}/{capacity}";

    private static void Accounts<TBody>(Noun<HostPool> noun, string verb, Func<string, TBody> body)
    {
        var (key, accounts) = (noun.Key(), new Argument<string[]>("accounts") { Description = Messages.Text("argument-pool-accounts"), Arity = ArgumentArity.OneOrMore });
        noun.Act(new Command(verb, Messages.Text("host-pool-" + verb)) { key, accounts }, async (session, parsed, cancel) =>
        {
            HostPool? pool = null;
            foreach (var account in parsed.GetValue(accounts)!) pool = await session.Client.PostAsync<TBody, HostPool>($"{noun.PathOf(parsed.GetValue(key)!)}/{verb}", body(account), null, cancel);
            session.Write(pool!);
            return ExitCodes.Ok;
        });
    }

    private sealed class PoolOptions
    {
        public Option<string?> Description { get; } = Options.New<string?>("--description");

        public Option<double?> Cpu { get; } = Options.New<double?>("--cpu-overcommit");

        public Option<double?> Memory { get; } = Options.New<double?>("--memory-overcommit");

        public Option<string[]> Accounts { get; } = Options.Many("--for-account");

        public Option<bool> Nobody { get; } = Options.New<bool>("--no-accounts");

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[Accounts, Nobody, Cpu, Memory, Description]) command.Options.Add(option);
        }

        /// <summary>Null: nothing is said of accounts.</summary>
        public IReadOnlyList<string>? Given(ParseResult parsed) => parsed.GetValue(Accounts) is { Length: > 0 } some ? some : parsed.GetValue(Nobody) ? [] : null;
    }
}
