using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Directories (LDAP) and identity providers (OpenID Connect) whose people sign in.</summary>
public static class DirectoryCommands
{
    public static Command Make()
    {
        var noun = new Noun<UserDirectory>("directory", "directories", d => d.Name, [new("name", d => d.Name), new("id", d => d.Id), new("kind", d => d.Kind), new("url", d => d.Url), new("domain", d => d.Domain.Name), new("account", d => d.Account?.Name ?? "-")])
            .List().Show().Delete();
        AddCreate(noun);
        AddUpdate(noun);
        noun.Command.Subcommands.Add(Users());
        return noun.Command;
    }

    private static Option<string[]> Groups() => new("--group") { Description = Messages.Text("option-directory-group") };

    private static void AddCreate(Noun<UserDirectory> noun)
    {
        var (name, url, bind, password) = (Options.Name(), Options.Required<string>("--url"), Options.New<string?>("--bind-dn"), Options.New<string?>("--bind-password-file"));
        var (baseDn, filter, account, role, domain, groups) = (Options.New<string?>("--base-dn"), Options.New<string?>("--user-filter"), Options.New<string?>("--in-account"), Options.New<string?>("--default-role"), Options.New<string?>("--of-domain"), Groups());
        var (clientId, clientSecret, scopes, nameClaim) = (Options.New<string?>("--client-id"), Options.New<string?>("--client-secret-file"), Options.New<string?>("--scopes"), Options.New<string?>("--name-claim"));
        var (groupsClaim, title, listed) = (Options.New<string?>("--groups-claim"), Options.New<string?>("--title"), Options.New<bool?>("--listed"));
        noun.Act(new Command("create", Messages.Text("verb-create")) { name, url, bind, password, baseDn, filter, clientId, clientSecret, scopes, nameClaim, groupsClaim, title, listed, account, role, groups, domain }, async (session, parsed, cancel) =>
        {
            var openId = parsed.GetValue(clientId) is not { } client ? null
                : new CreateOpenIdClient(parsed.GetValue(title), client, await SecretAsync(parsed.GetValue(clientSecret), cancel), parsed.GetValue(scopes), parsed.GetValue(nameClaim), parsed.GetValue(groupsClaim), parsed.GetValue(listed));
            var create = new CreateDirectory(parsed.GetValue(name)!, parsed.GetValue(url)!, parsed.GetValue(bind), await SecretAsync(parsed.GetValue(password), cancel),
                parsed.GetValue(baseDn), parsed.GetValue(filter), parsed.GetValue(account), parsed.GetValue(role), [.. (parsed.GetValue(groups) ?? []).Select(Read)], parsed.GetValue(domain), openId);
            session.Write(await session.Client.PostAsync<CreateDirectory, UserDirectory>("directories", create, null, cancel));
            return 0;
        });
    }

    private static void AddUpdate(Noun<UserDirectory> noun)
    {
        var (key, secret, title, listed, role, groups) = (noun.Key(), Options.New<string?>("--secret-file"), Options.New<string?>("--title"), Options.New<bool?>("--listed"), Options.New<string?>("--default-role"), Groups());
        noun.Act(new Command("update", Messages.Text("verb-update")) { key, secret, title, listed, role, groups }, async (session, parsed, cancel) =>
        {
            var update = new UpdateDirectory(await SecretAsync(parsed.GetValue(secret), cancel), parsed.GetValue(title), parsed.GetValue(listed), parsed.GetValue(role), parsed.GetValue(groups) is { Length: > 0 } given ? [.. given.Select(Read)] : null);
            session.Write(await session.Client.PutAsync<UpdateDirectory, UserDirectory>(noun.PathOf(parsed.GetValue(key)!), update, cancel));
            return 0;
        });
    }

    /// <summary>Which users are of a directory: <c>directory user list|set|remove</c>.</summary>
    private static Command Users()
    {
        var (directory, user, subject) = (new Argument<string>("directory") { Description = Messages.Text("argument-key") }, new Argument<string>("user") { Description = Messages.Text("argument-user") }, Options.Required<string>("--subject"));
        string Path(ParseResult parsed) => $"directories/{Uri.EscapeDataString(parsed.GetValue(directory)!)}/users";
        string UserPath(ParseResult parsed) => $"{Path(parsed)}/{Uri.EscapeDataString(parsed.GetValue(user)!)}";
        var (list, set, remove) = (new Command("list", Messages.Text("verb-list")) { directory }, new Command("set", Messages.Text("directory-user-set")) { directory, user, subject }, new Command("remove", Messages.Text("directory-user-remove")) { directory, user });
        Session.Bind(list, async (session, parsed, cancel) =>
        {
            var users = new List<DirectoryUser>();
            await foreach (var one in session.Client.ListAsync<DirectoryUser>(Path(parsed), "", cancel)) users.Add(one);
            session.Write(users, [new("user", u => u.User.Name), new("account", u => u.Account.Name), new("subject", u => u.Subject ?? "-")]);
            return 0;
        });
        Session.Bind(set, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<SetDirectoryUser, DirectoryUser>(UserPath(parsed), new SetDirectoryUser(parsed.GetValue(subject)!), cancel));
            return 0;
        });
        Session.Bind(remove, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync(UserPath(parsed), cancel);
            return 0;
        });
        return new Command("user", Messages.Text("directory-user")) { list, set, remove };
    }

    private static async Task<string?> SecretAsync(string? file, CancellationToken cancel) => file is null ? null : await Passwords.ReadFileAsync(file, cancel);

    // A DN has equal signs of its own: the last one is before the role.
    private static GroupRole Read(string text) => text.LastIndexOf('=') is > 0 and var at && at < text.Length - 1 ? new GroupRole(text[..at], text[(at + 1)..]) : throw new UserException("directory-group-form", text);
}
