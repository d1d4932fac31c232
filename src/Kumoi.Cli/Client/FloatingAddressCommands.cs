using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Floating addresses, and the pools that they are taken from.</summary>
public static class FloatingAddressCommands
{
    public static IEnumerable<Command> All() => [Addresses(), Pools()];

    private static Command Addresses()
    {
        var noun = new Noun<FloatingAddress>("floating-ip", "floating-addresses", f => f.Address,
        [
            new("address", f => f.Address), new("id", f => f.Id), new("pool", f => f.Pool?.Name ?? "-"), new("instance", f => f.Instance?.Name ?? f.LoadBalancer?.Name ?? f.Network?.Name ?? "-"), new("description", f => f.Description),
        ], "floating-address", "fip").List().Show();
        var (pool, address, description) = (Options.New<string?>("--pool"), new Option<string?>("--address") { Description = Messages.Text("option-fixed-address") }, Options.New<string?>("--description"));
        noun.Create<CreateFloatingAddress, FloatingAddress>(c => { c.Add(pool); c.Add(address); c.Add(description); },
            p => new CreateFloatingAddress(p.GetValue(pool), p.GetValue(address), p.GetValue(description))).Delete();
        var (key, target, move) = (noun.Key(), new Argument<string?>("target") { Description = Messages.Text("argument-target"), Arity = ArgumentArity.ZeroOrOne }, Options.New<bool>("--move"));
        var balancer = Options.New<string?>("--load-balancer");
        var associate = new Command("associate", Messages.Text("floating-associate")) { key, target, balancer, move };
        associate.Validators.Add(result =>
        {
            if (result.GetValue(target) is null == result.GetValue(balancer) is null) result.AddError(Messages.Text("target-or-load-balancer"));
        });
        noun.Act(associate, async (session, parsed, cancel) =>
        {
            var to = parsed.GetValue(target) ?? "";
            var face = to.Contains('/', StringComparison.Ordinal) ? (await InterfaceCommands.FindAsync(session, to, cancel)).Id : to.StartsWith("eni-", StringComparison.Ordinal) ? to : null;
            session.Write(await session.Client.PostAsync<AssociateFloatingAddress, FloatingAddress>(
                noun.PathOf(parsed.GetValue(key)!) + "/associate", new AssociateFloatingAddress(face is null && to.Length > 0 ? to : null, face, parsed.GetValue(move), parsed.GetValue(balancer)), null, cancel));
            return ExitCodes.Ok;
        });
        var from = noun.Key();
        noun.Act(new Command("disassociate", Messages.Text("floating-disassociate")) { from }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<FloatingAddress>(noun.PathOf(parsed.GetValue(from)!) + "/disassociate", cancel));
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static Command Pools()
    {
        var noun = new Noun<AddressPool>("address-pool", "address-pools", p => p.Name,
        [
            new("name", p => p.Name), new("id", p => p.Id), new("ranges", p => string.Join(" ", p.Ranges)), new("account", p => p.Accounts is null ? "*" : string.Join(" ", p.Accounts.Select(a => a.Name))),
            new("free", p => $"{p.Free}"), new("used", p => $"{p.Used}"),
        ]).List().Show();
        var name = Options.Name();
        var create = new PoolOptions();
        noun.Create<CreateAddressPool, AddressPool>(c => { c.Add(name); create.AddTo(c); },
            p => new CreateAddressPool(p.GetValue(name)!, p.GetValue(create.Description), p.GetValue(create.Ranges)!, create.Some(p, create.Excluded), create.Reservations(p), create.Some(p, create.Accounts)));
        var (key, update, all) = (noun.Key(), new PoolOptions(), Options.New<bool>("--all-accounts"));
        var change = new Command("update", Messages.Text("verb-update")) { key, all };
        update.AddTo(change);
        noun.Act(change, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateAddressPool, AddressPool>(noun.PathOf(parsed.GetValue(key)!), new UpdateAddressPool(
                parsed.GetValue(update.Description), update.Some(parsed, update.Ranges), update.Some(parsed, update.Excluded), update.Reservations(parsed), update.Some(parsed, update.Accounts),
                parsed.GetValue(all) ? true : null), cancel));
            return ExitCodes.Ok;
        });
        return noun.Delete().Command;
    }

    private sealed class PoolOptions
    {
        public Option<string?> Description { get; } = Options.New<string?>("--description");

        public Option<string[]> Ranges { get; } = Options.Many("--range");

        public Option<string[]> Excluded { get; } = Options.Many("--exclude");

        public Option<string[]> Reserved { get; } = Options.Many("--reserve");

        public Option<string[]> Accounts { get; } = Options.Many("--for-account");

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[Ranges, Excluded, Reserved, Accounts, Description]) command.Options.Add(option);
        }

        public IReadOnlyList<string>? Some(ParseResult parsed, Option<string[]> option) => parsed.GetValue(option) is { Length: > 0 } given ? given : null;

        public IReadOnlyList<ReservedAddress>? Reservations(ParseResult parsed) =>
            Some(parsed, Reserved)?.Select(text => text.Split('=', 2) is [var address, var account] ? new ReservedAddress(address, account) : new ReservedAddress(text, null)).ToList();
    }
}
