using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Directories (LDAP) whose people sign in.</summary>
public static class DirectoryCommands
{
    public static Command Make()
    {
        var noun = new Noun<UserDirectory>("directory", "directories", d => d.Name, [new("name", d => d.Name), new("id", d => d.Id), new("url", d => d.Url), new("domain", d => d.Domain.Name), new("account", d => d.Account?.Name ?? "-")])
            .List().Show().Delete();
        var (name, url, bind, password) = (Options.Name(), Options.Required<string>("--url"), Options.New<string?>("--bind-dn"), Options.New<string?>("--bind-password-file"));
        var (baseDn, filter, account, role, domain) = (Options.Required<string>("--base-dn"), Options.New<string?>("--user-filter"), Options.New<string?>("--in-account"), Options.New<string?>("--default-role"), Options.New<string?>("--of-domain"));
        var groups = new Option<string[]>("--group") { Description = Messages.Text("option-directory-group") };
        noun.Act(new Command("create", Messages.Text("verb-create")) { name, url, bind, password, baseDn, filter, account, role, groups, domain }, async (session, parsed, cancel) =>
        {
            var create = new CreateDirectory(parsed.GetValue(name)!, parsed.GetValue(url)!, parsed.GetValue(bind), parsed.GetValue(password) is { } file ? await Passwords.ReadFileAsync(file, cancel) : null,
                parsed.GetValue(baseDn)!, parsed.GetValue(filter), parsed.GetValue(account), parsed.GetValue(role), [.. (parsed.GetValue(groups) ?? []).Select(Read)], parsed.GetValue(domain));
            session.Write(await session.Client.PostAsync<CreateDirectory, UserDirectory>("directories", create, null, cancel));
            return 0;
        });
        return noun.Command;
    }

    // A DN has equal signs of its own: the last one is before the role.
    private static GroupRole Read(string text) => text.LastIndexOf('=') is > 0 and var at && at < text.Length - 1 ? new GroupRole(text[..at], text[(at + 1)..]) : throw new UserException("directory-group-form", text);
}
