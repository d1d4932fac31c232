using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Who may do what, and where: accounts, domains, users, members, roles, permissions.</summary>
public static class TenancyCommands
{
    public static IEnumerable<Command> All() => [Accounts(), Domains(), Members(), Permissions(), Roles(), Users()];

    private static Command Accounts()
    {
        var (name, domain) = (Options.Name(), Options.New<string?>("--domain"));
        var noun = new Noun<Account>("account", "accounts", a => a.Name,
            [new("name", a => a.Name), new("id", a => a.Id), new("domain", a => a.Domain.Name), new("state", a => a.State), SmallNouns.Created<Account>(a => a.CreatedAt)])
            .List().Show().Create<CreateAccount, Account>(c => { c.Add(name); c.Add(domain); }, p => new CreateAccount(p.GetValue(name)!, p.GetValue(domain))).Delete();
        foreach (var (verb, state) in new[] { ("suspend", "suspended"), ("close", "closed"), ("activate", "active") })
        {
            var (key, reason) = (noun.Key(), Options.New<string?>("--reason"));
            var change = new Command(verb, Messages.Text("account-" + verb)) { key, reason };
            noun.Act(change, async (session, parsed, cancel) =>
            {
                session.Write(await session.Client.PutAsync<UpdateAccount, Account>(noun.PathOf(parsed.GetValue(key)!), new UpdateAccount(null, state, parsed.GetValue(reason)), cancel));
                return 0;
            });
        }
        var own = new Argument<string?>("account") { Description = Messages.Text("argument-account-use"), Arity = ArgumentArity.ZeroOrOne };
        noun.Act(new Command("use", Messages.Text("account-use")) { own }, async (session, parsed, cancel) =>
        {
            // Asked of the cloud first, so that a wrong name is not kept.
            session.Client.Account = parsed.GetValue(own);
            var self = await session.Client.GetAsync<Self>("users/me", cancel);
            ClientConfig.Keep(session.Login with { Account = self.ActingFor.Id == self.Account.Id ? null : self.ActingFor.Name });
            Console.Error.WriteLine(Messages.Text("account-used", self.ActingFor.Name));
            return 0;
        });
        noun.Act(Rename(noun.Key(), "account-rename", out var renamed, out var newName), async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateAccount, Account>(noun.PathOf(parsed.GetValue(renamed)!), new UpdateAccount(parsed.GetValue(newName), null, null), cancel));
            return 0;
        });
        return noun.Command;
    }

    private static Command Rename(Argument<string> key, string text, out Argument<string> renamed, out Argument<string> newName)
    {
        (renamed, newName) = (key, new Argument<string>("new-name") { Description = Messages.Text("argument-new-name") });
        return new Command("rename", Messages.Text(text)) { renamed, newName };
    }

    private static Command Domains()
    {
        var (name, parent) = (Options.Name(), Options.New<string?>("--in-domain"));
        var noun = new Noun<Domain>("domain", "domains", d => d.Path, [new("name", d => d.Path), new("id", d => d.Id), new("accounts", d => $"{d.Accounts}"), SmallNouns.Created<Domain>(d => d.CreatedAt)])
            .List().Show().Create<CreateDomain, Domain>(c => { c.Add(name); c.Add(parent); }, p => new CreateDomain(p.GetValue(name)!, p.GetValue(parent))).Delete();
        noun.Act(Rename(noun.Key(), "domain-rename", out var renamed, out var newName), async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateDomain, Domain>(noun.PathOf(parsed.GetValue(renamed)!), new UpdateDomain(parsed.GetValue(newName)), cancel));
            return 0;
        });
        return noun.Command;
    }

    private static Command Members()
    {
        var columns = new List<Column<Membership>> { new("user", m => m.User.Name), new("id", m => m.User.Id), new("role", m => m.Role), SmallNouns.Created<Membership>(m => m.CreatedAt) };
        var noun = new Noun<Membership>("member", "members", m => m.User.Name, columns);
        Option<string?> Domain() => Options.New<string?>("--of-domain");
        string Path(ParseResult parsed, Option<string?> domain, string? user = null) =>
            (parsed.GetValue(domain) is { } path ? $"domains/{Uri.EscapeDataString(path)}/members" : "members") + (user is null ? "" : "/" + Uri.EscapeDataString(user));
        var listed = Domain();
        noun.Act(new Command("list", Messages.Text("verb-list")) { listed }, async (session, parsed, cancel) =>
        {
            var members = new List<Membership>();
            await foreach (var member in session.Client.ListAsync<Membership>(Path(parsed, listed), "", cancel)) members.Add(member);
            session.Write(members, columns);
            return 0;
        });
        var (key, role, set) = (User(), new Argument<string>("role") { Description = Messages.Text("option-role") }, Domain());
        noun.Act(new Command("set", Messages.Text("member-set")) { key, role, set }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<SetMembership, Membership>(Path(parsed, set, parsed.GetValue(key)), new SetMembership(parsed.GetValue(role)!), cancel));
            return 0;
        });
        var (gone, from) = (User(), Domain());
        noun.Act(new Command("remove", Messages.Text("member-remove")) { gone, from }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync(Path(parsed, from, parsed.GetValue(gone)), cancel);
            return 0;
        });
        return noun.Command;
    }

    private static Argument<string> User() => new("user") { Description = Messages.Text("argument-user") };

    private static Command Permissions() => new Noun<KnownPermission>("permission", "permissions", p => p.Permission, [new("permission", p => p.Permission), new("reach", p => p.Reach)]).List().Command;

    private static Command Roles()
    {
        var (name, domain, description) = (Options.Name(), Options.New<string?>("--of-domain"), Options.New<string?>("--description"));
        var permissions = new Option<string[]>("--permission") { Description = Messages.Text("option-permission"), Required = true, AllowMultipleArgumentsPerToken = true };
        var noun = new Noun<Role>("role", "roles", r => r.Name,
            [new("name", r => r.Name), new("id", r => r.Id), new("of", r => r.BuiltIn ? Messages.Text("role-built-in") : r.Domain?.Name ?? r.Account?.Name), new("description", r => r.Description)])
            .List().Show().Create<CreateRole, Role>(c => { c.Add(name); c.Add(permissions); c.Add(domain); c.Add(description); },
                p => new CreateRole(p.GetValue(name)!, p.GetValue(permissions)!, p.GetValue(description), p.GetValue(domain))).Delete();
        var (key, wanted, text) = (noun.Key(), new Option<string[]>("--permission") { Description = Messages.Text("option-permission"), AllowMultipleArgumentsPerToken = true }, Options.New<string?>("--description"));
        noun.Act(new Command("update", Messages.Text("role-update")) { key, wanted, text }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateRole, Role>(noun.PathOf(parsed.GetValue(key)!), new UpdateRole(parsed.GetValue(wanted) is { Length: > 0 } patterns ? patterns : null, parsed.GetValue(text)), cancel));
            return 0;
        });
        return noun.Command;
    }

    private static Command Users()
    {
        var (name, role, account, password) = (Options.Name(), new Option<string>("--role") { Description = Messages.Text("option-role"), DefaultValueFactory = _ => "member" },
            Options.New<string?>("--in-account"), Passwords.FromStandardInput());
        var noun = new Noun<User>("user", "users", u => u.Name,
            [new("name", u => u.Name), new("id", u => u.Id), new("account", u => u.Account.Name), new("role", u => u.Role), new("state", u => Messages.Text(u.Disabled ? "user-disabled" : "user-active")), SmallNouns.Created<User>(u => u.CreatedAt)])
            .List().Show().Create<CreateUser, User>(c => { c.Add(name); c.Add(role); c.Add(account); c.Add(password); },
                p => new CreateUser(p.GetValue(name)!, Passwords.Ask(p.GetValue(password), confirm: true), p.GetValue(role)!, p.GetValue(account))).Delete();
        foreach (var (verb, disabled) in new[] { ("disable", true), ("enable", false) })
        {
            var key = noun.Key();
            noun.Act(new Command(verb, Messages.Text("user-" + verb)) { key }, async (session, parsed, cancel) =>
            {
                session.Write(await session.Client.PutAsync<UpdateUser, User>(noun.PathOf(parsed.GetValue(key)!), new UpdateUser(null, disabled), cancel));
                return 0;
            });
        }
        var (lost, stdin) = (noun.Key(), Passwords.FromStandardInput());
        noun.Act(new Command("set-password", Messages.Text("user-set-password")) { lost, stdin }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateUser, User>(noun.PathOf(parsed.GetValue(lost)!), new UpdateUser(Passwords.Ask(parsed.GetValue(stdin), confirm: true), null), cancel));
            return 0;
        });
        return noun.Command;
    }
}
