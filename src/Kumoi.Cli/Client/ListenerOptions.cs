using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Options that say what a listener is.</summary>
public sealed class ListenerOptions
{
    private readonly Option<string?> _protocol = new("--protocol") { Description = Messages.Text("option-listener-protocol") };
    private readonly Option<string?> _algorithm = Options.New<string?>("--algorithm"), _stickiness = Options.New<string?>("--stickiness"), _health = Options.New<string?>("--health");
    private readonly Option<bool?> _proxy = Options.New<bool?>("--proxy-protocol");
    private readonly Option<string?> _certificate = Options.New<string?>("--certificate"), _key = new("--key") { Description = Messages.Text("option-private-key") };
    private readonly Option<int?> _healthPort = Options.New<int?>("--health-port"), _interval = Options.New<int?>("--interval"), _timeout = Options.New<int?>("--health-timeout"), _rise = Options.New<int?>("--rise"),
        _fall = Options.New<int?>("--fall"), _idle = Options.New<int?>("--idle");

    public ListenerOptions()
    {
        _algorithm.CompletionSources.Add(["round-robin", "least-connections", "source"]);
        _stickiness.CompletionSources.Add(["none", "cookie"]);
        _protocol.CompletionSources.Add(["tcp", "udp", "http", "https", "tls"]);
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_protocol, _algorithm, _stickiness, _proxy, _certificate, _key, _health, _healthPort, _interval, _timeout, _rise, _fall, _idle]) command.Options.Add(option);
    }

    /// <summary>Listeners of texts such as <c>80</c>, <c>https:443</c> and <c>udp:53</c>, all with the same options. A certificate is for those that end TLS.</summary>
    public async Task<IReadOnlyList<CreateListener>> ListenersAsync(ParseResult parsed, IReadOnlyList<string> texts, IReadOnlyList<CreateMember>? members, CancellationToken cancel)
    {
        var (certificate, key) = (await FileAsync(parsed, _certificate, cancel), await FileAsync(parsed, _key, cancel));
        var listens = texts.Select(text => Listen(text, parsed.GetValue(_protocol))).ToList();
        var some = listens.Exists(listen => EndsTls(listen.Protocol));
        return listens.ConvertAll(listen => new CreateListener(
            listen.Protocol, listen.Port, parsed.GetValue(_algorithm), parsed.GetValue(_stickiness), parsed.GetValue(_proxy), EndsTls(listen.Protocol) || !some ? certificate : null,
            EndsTls(listen.Protocol) || !some ? key : null, Health(parsed), parsed.GetValue(_idle), members));
    }

    public async Task<UpdateListener> ChangeAsync(ParseResult parsed, int? port, CancellationToken cancel) => new(
        parsed.GetValue(_protocol), port, parsed.GetValue(_algorithm), parsed.GetValue(_stickiness), parsed.GetValue(_proxy), await FileAsync(parsed, _certificate, cancel),
        await FileAsync(parsed, _key, cancel), Health(parsed), parsed.GetValue(_idle));

    private static bool EndsTls(string? protocol) => protocol is "https" or "tls";

    private static (string? Protocol, int Port) Listen(string text, string? otherwise)
    {
        var (protocol, number) = text.Split(':', 2) is [var said, var rest] ? (said, rest) : (otherwise, text);
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? (protocol, port) : throw new UserException("listen-text", text);
    }

    /// <summary><c>tcp</c>, <c>http</c>, <c>http:/path</c> or <c>none</c>, with what else is said of checks; null if nothing is.</summary>
    private UpdateHealthCheck? Health(ParseResult parsed)
    {
        var said = parsed.GetValue(_health)?.Split(':', 2);
        var health = new UpdateHealthCheck(said?[0], said is [_, var path] ? path : null, parsed.GetValue(_healthPort), parsed.GetValue(_interval), parsed.GetValue(_timeout), parsed.GetValue(_rise), parsed.GetValue(_fall));
        return health == new UpdateHealthCheck(null, null, null, null, null, null, null) ? null : health;
    }

    /// <summary>A file's text. Keys are never arguments, where others could read them.</summary>
    private static async Task<string?> FileAsync(ParseResult parsed, Option<string?> option, CancellationToken cancel)
    {
        if (parsed.GetValue(option) is not { } file) return null;
        return File.Exists(file) ? await File.ReadAllTextAsync(file, cancel) : throw new UserException("no-file", file);
    }
}

/// <summary>A member as one word: <c>INSTANCE[/INDEX][:PORT][,weight=N]</c>, or the id of an interface instead of the instance.</summary>
public static class MemberText
{
    private const string Weight = ",weight=";

    public static async Task<IReadOnlyList<CreateMember>> ReadAsync(Session session, IReadOnlyList<string> texts, CancellationToken cancel)
    {
        var members = new List<CreateMember>();
        foreach (var text in texts)
        {
            var at = text.LastIndexOf(Weight, StringComparison.Ordinal);
            int? weight = at < 0 ? null : int.TryParse(text.AsSpan(at + Weight.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var said) ? said : throw new UserException("member-text", text);
            var (guest, port) = Split(at < 0 ? text : text[..at]);
            var (instance, face) = await GuestAsync(session, guest, cancel);
            members.Add(new CreateMember(instance, face, port, weight));
        }
        return members;
    }

    /// <summary>The text as the API takes it: <c>INSTANCE/INDEX</c> is the interface's id there.</summary>
    public static async Task<string> KeyAsync(Session session, string text, CancellationToken cancel)
    {
        var (guest, port) = Split(text);
        var (instance, face) = await GuestAsync(session, guest, cancel);
        return (instance ?? face) + (port is null ? "" : string.Create(CultureInfo.InvariantCulture, $":{port}"));
    }

    private static (string Guest, int? Port) Split(string text)
    {
        if (text.LastIndexOf(':') is not (> 0 and var colon)) return (text, null);
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? (text[..colon], port) : throw new UserException("member-text", text);
    }

    private static async Task<(string? Instance, string? Interface)> GuestAsync(Session session, string guest, CancellationToken cancel) =>
        guest.Contains('/', StringComparison.Ordinal) ? (null, (await InterfaceCommands.FindAsync(session, guest, cancel)).Id) : guest.StartsWith("eni-", StringComparison.Ordinal) ? (null, guest) : (guest, null);
}
