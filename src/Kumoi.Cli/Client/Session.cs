using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>One command under way: whom it talks to, as whom, and how it answers.</summary>
public sealed class Session : IDisposable
{
    public static readonly Option<string> Output = new("--output", "-o") { Description = Messages.Text("option-output"), Recursive = true, DefaultValueFactory = _ => "table" };
    public static readonly Option<string?> Account = new("--account") { Description = Messages.Text("option-account"), Recursive = true };

    static Session() => Output.AcceptOnlyFromAmong("table", "json", "env");

    private static readonly HashSet<Command> WithVariables = [];

    /// <summary>Lets a command be asked for variables for a shell; no other can.</summary>
    public static void AnswersWithVariables(Command command) => WithVariables.Add(command);

    private Session(KumoiClient client, LoginContext login, bool json) => (Client, Login, Json) = (client, login, json);

    public KumoiClient Client { get; }

    public LoginContext Login { get; }

    public bool Json { get; }

    public static Session Open(ParseResult parsed)
    {
        if (parsed.GetValue(Output) == "env" && !WithVariables.Contains(parsed.CommandResult.Command)) throw new UserException("output-env");
        var login = Environment.GetEnvironmentVariable("KUMOI_URL") is { Length: > 0 } url && Environment.GetEnvironmentVariable("KUMOI_TOKEN") is { Length: > 0 } token
            ? new LoginContext("environment", url, "", token, null) : ClientConfig.Read().Choose() ?? throw new UserException("not-logged-in");
        return new Session(new KumoiClient(new Uri(login.Url), login.Token, Messages.Language) { Account = parsed.GetValue(Account) ?? (Environment.GetEnvironmentVariable("KUMOI_ACCOUNT") is { Length: > 0 } account ? account : login.Account) }, login, parsed.GetValue(Output) == "json");
    }

    /// <summary>Makes a command one that speaks with the cloud: what it returns is the exit code, and failures are told.</summary>
    public static void Bind(Command command, Func<Session, ParseResult, CancellationToken, Task<int>> run) => command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
    {
        using var session = Open(parsed);
        return await run(session, parsed, cancel);
    }));

    /// <summary>Standard output for people: as wide as the terminal, or unlimited for files and pipes, so that nothing is cut.</summary>
    public static IAnsiConsole Console { get; } = MakeConsole(System.Console.Out, System.Console.IsOutputRedirected);

    /// <summary>Progress and errors, so that standard output holds only answers.</summary>
    public static IAnsiConsole Errors { get; } = MakeConsole(System.Console.Error, System.Console.IsErrorRedirected);

    private static IAnsiConsole MakeConsole(TextWriter writer, bool redirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer), Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect, Interactive = redirected ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (redirected) console.Profile.Width = 10_000;
        return console;
    }

    public void Write<T>(IReadOnlyList<T> items, IReadOnlyList<Column<T>> columns)
    {
        if (Json)
        {
            System.Console.Out.WriteLine(ToJson(new JsonArray([.. items.Select(Node)])));
            return;
        }
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var column in columns) table.AddColumn(new TableColumn(new Spectre.Console.Text(Messages.Text("column-" + column.Key), new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0), NoWrap = System.Console.IsOutputRedirected });
        foreach (var item in items) table.AddRow(columns.Select(column => (Spectre.Console.Rendering.IRenderable)new Spectre.Console.Text(column.Value(item) ?? "")));
        Print(table);
    }

    /// <summary>One resource: every field.</summary>
    public void Write<T>(T item)
    {
        if (Json)
        {
            System.Console.Out.WriteLine(ToJson(Node(item)));
            return;
        }
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn();
        foreach (var (name, value) in Node(item)!.AsObject()) grid.AddRow(new Spectre.Console.Text(name, new Style(decoration: Decoration.Bold)), new Spectre.Console.Text(Show(value)));
        Print(grid);
    }

    // In a file or a pipe, the spaces that fill up a line are only in the way.
    private static void Print(Spectre.Console.Rendering.IRenderable content)
    {
        if (!System.Console.IsOutputRedirected)
        {
            Console.Write(content);
            return;
        }
        using var text = new StringWriter();
        MakeConsole(text, redirected: true).Write(content);
        foreach (var line in text.ToString().TrimEnd().Split('\n')) System.Console.Out.WriteLine(line.TrimEnd());
    }

    private static JsonNode? Node<T>(T item) => JsonSerializer.SerializeToNode(item, ApiJson.Default.GetTypeInfo(typeof(T))!);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string ToJson(JsonNode? node) => node?.ToJsonString(Indented) ?? "null";

    private static string Show(JsonNode? node) => node switch
    {
        null => "-",
        JsonObject named when named.Count == 2 && named["id"] is { } id && named["name"] is { } name => $"{name} ({id})",
        JsonObject fields => string.Join(", ", fields.Select(field => $"{field.Key}={Show(field.Value)}")),
        JsonArray { Count: 0 } => "-",
        JsonArray items => string.Join("\n", items.Select(Show)),
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => node.ToJsonString(),
    };

    public void Dispose() => Client.Dispose();
}

/// <summary>A column of a table for people.</summary>
public sealed record Column<T>(string Key, Func<T, string?> Value);
