using System.CommandLine.Completions;
using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>The commands that every resource has: <c>list</c>, <c>show</c>, <c>delete</c>. Others are added beside them.</summary>
public sealed class Noun<T>
{
    private readonly string _path;
    private readonly Func<T, string> _name;
    private readonly IReadOnlyList<Column<T>> _columns;

    public Noun(string word, string path, Func<T, string> name, IReadOnlyList<Column<T>> columns, params string[] aliases)
    {
        (_path, _name, _columns) = (path, name, columns);
        Command = new Command(word, Messages.Text("noun-" + word));
        foreach (var alias in aliases) Command.Aliases.Add(alias);
    }

    public Command Command { get; }

    public Noun<T> List(params (Option<string?> Option, string Query)[] filters) => List(null, filters);

    /// <summary>A list that can be asked for those with certain tags, too.</summary>
    public Noun<T> ListTagged(params (Option<string?> Option, string Query)[] filters) => List(TagOptions.Wanted(), filters);

    private Noun<T> List(Option<string[]>? tags, (Option<string?> Option, string Query)[] filters)
    {
        var list = new Command("list", Messages.Text("verb-list"));
        list.Aliases.Add("ls");
        foreach (var (option, _) in filters) list.Options.Add(option);
        if (tags is not null) list.Options.Add(tags);
        Act(list, async (session, parsed, cancel) =>
        {
            var asked = filters.Where(f => parsed.GetValue(f.Option) is not null).Select(f => (f.Query, Value: parsed.GetValue(f.Option)!)).Concat((tags is null ? [] : parsed.GetValue(tags) ?? []).Select(tag => (Query: "tag", Value: tag)));
            var query = string.Join('&', asked.Select(one => $"{one.Query}={Uri.EscapeDataString(one.Value)}"));
            var items = new List<T>();
            await foreach (var item in session.Client.ListAsync<T>(_path, query, cancel)) items.Add(item);
            session.Write(items, _columns);
            return 0;
        });
        return this;
    }

    public Noun<T> Show()
    {
        var key = Key();
        var show = new Command("show", Messages.Text("verb-show")) { key };
        Act(show, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.GetAsync<T>(PathOf(parsed.GetValue(key)!), cancel));
            return 0;
        });
        return this;
    }

    public Noun<T> Delete()
    {
        var keys = Keys();
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys };
        delete.Aliases.Add("rm");
        Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!) await session.Client.DeleteAsync(PathOf(key), cancel);
            return 0;
        });
        return this;
    }

    /// <summary>A create command from its arguments and options.</summary>
    public Noun<T> Create<TBody, TMade>(Action<Command> describe, Func<ParseResult, TBody> body, Func<Session, TMade, ParseResult, CancellationToken, Task>? after = null)
    {
        var create = new Command("create", Messages.Text("verb-create"));
        describe(create);
        Act(create, async (session, parsed, cancel) =>
        {
            // The key makes a repeat harmless if the answer is lost on the way.
            var made = await session.Client.PostAsync<TBody, TMade>(_path, body(parsed), Guid.CreateVersion7().ToString(), cancel);
            if (after is null) session.Write(made);
            else await after(session, made, parsed, cancel);
            return 0;
        });
        return this;
    }

    public void Act(Command command, Func<Session, ParseResult, CancellationToken, Task<int>> run)
    {
        if (!Command.Subcommands.Contains(command)) Command.Subcommands.Add(command);
        Session.Bind(command, run);
    }

    public string PathOf(string key) => $"{_path}/{Uri.EscapeDataString(key)}";

    public Argument<string> Key()
    {
        var key = new Argument<string>("name") { HelpName = "name", Description = Messages.Text("argument-key") };
        key.CompletionSources.Add(Complete);
        return key;
    }

    public Argument<string[]> Keys()
    {
        var keys = new Argument<string[]>("names") { HelpName = "names", Description = Messages.Text("argument-keys"), Arity = ArgumentArity.OneOrMore };
        keys.CompletionSources.Add(Complete);
        return keys;
    }

    /// <summary>Names for the shell's completion; none if the cloud does not answer at once.</summary>
    public IEnumerable<CompletionItem> Complete(CompletionContext context)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            using var session = Session.Open(context.ParseResult);
            var page = session.Client.GetAsync<Page<T>>($"{_path}?limit=200", limit.Token).GetAwaiter().GetResult();
            return page.Items.Select(item => new CompletionItem(_name(item)));
        }
        catch (Exception e) when (e is ProblemException or HttpRequestException or UserException or OperationCanceledException)
        {
            return [];
        }
    }
}
