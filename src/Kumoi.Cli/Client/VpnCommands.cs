using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>VPN gateways of networks, their clients and sites.</summary>
public static class VpnCommands
{
    public static Command Make()
    {
        var (name, network, address, port, clients) = (Options.Name(), Options.Required<string>("--network"), new Option<string?>("--address") { Description = Messages.Text("argument-address") }, new Option<int?>("--port") { Description = Messages.Text("option-vpn-port") }, Options.Many("--clients"));
        var noun = new Noun<Vpn>("vpn", "vpns", v => v.Name,
        [
            new("name", v => v.Name), new("id", v => v.Id), new("network", v => v.Network.Name), new("address", v => string.Create(CultureInfo.InvariantCulture, $"{v.Address}:{v.Port}")),
            new("clients", v => string.Join(" ", v.Clients)), new("state", v => v.State),
        ]).List().Show().Create<CreateVpn, Vpn>(c => { c.Add(name); foreach (var option in (Option[])[network, address, port, clients]) c.Options.Add(option); },
            p => new CreateVpn(p.GetValue(name)!, p.GetValue(network)!, p.GetValue(address), p.GetValue(port), p.GetValue(clients) is { Length: > 0 } given ? given : null)).Delete();
        noun.Command.Subcommands.Add(Clients(noun));
        noun.Command.Subcommands.Add(Sites(noun));
        return noun.Command;
    }

    private static Command Clients(Noun<Vpn> noun)
    {
        var client = new Command("client", Messages.Text("vpn-client"));
        Others<VpnClient>(client, noun, "clients", c => c.Profile,
        [
            new("name", c => c.Name), new("id", c => c.Id), new("address", c => string.Join(" ", c.Addresses)), new("connected", c => Connected(c.HandshakeAt)), new("from", c => c.Endpoint ?? "-"),
            new("received", c => Size(c.BytesIn)), new("sent", c => Size(c.BytesOut)),
        ]);
        var (vpn, name, key) = (Vpn(noun), new Argument<string>("client") { Description = Messages.Text("argument-name") }, Options.New<string?>("--public-key"));
        Under(client, new Command("add", Messages.Text("vpn-client-add")) { vpn, name, key }, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<CreateVpnClient, VpnClient>(
                noun.PathOf(parsed.GetValue(vpn)!) + "/clients", new CreateVpnClient(parsed.GetValue(name)!, parsed.GetValue(key)), Guid.CreateVersion7().ToString(), cancel);
            Write(session, made, made.Profile);
            return ExitCodes.Ok;
        });
        return client;
    }

    private static Command Sites(Noun<Vpn> noun)
    {
        var site = new Command("site", Messages.Text("vpn-site"));
        Others<VpnSite>(site, noun, "sites", s => s.Profile,
        [
            new("name", s => s.Name), new("id", s => s.Id), new("ranges", s => string.Join(" ", s.Ranges)), new("connected", s => Connected(s.HandshakeAt)), new("from", s => s.Endpoint ?? s.ConfiguredEndpoint ?? "-"),
            new("received", s => Size(s.BytesIn)), new("sent", s => Size(s.BytesOut)),
        ]);
        var (vpn, name, key, endpoint) = (Vpn(noun), new Argument<string>("site") { Description = Messages.Text("argument-name") }, Options.New<string?>("--public-key"), Options.New<string?>("--endpoint"));
        var (ranges, secret) = (new Option<string[]>("--range") { Description = Messages.Text("option-site-range"), Required = true }, Options.New<string?>("--preshared-key"));
        // Never a secret: others could read it, and the shell would keep it.
        secret.AcceptOnlyFromAmong("generate");
        var secretFile = Options.New<string?>("--preshared-key-file");
        Under(site, new Command("add", Messages.Text("vpn-site-add")) { vpn, name, key, endpoint, ranges, secret, secretFile }, async (session, parsed, cancel) =>
        {
            if (parsed.GetValue(secret) is not null && parsed.GetValue(secretFile) is not null) throw new UserException("port-setting", "--preshared-key, --preshared-key-file");
            var preshared = parsed.GetValue(secretFile) is { } file ? await Passwords.ReadFileAsync(file, cancel) : parsed.GetValue(secret);
            var made = await session.Client.PostAsync<CreateVpnSite, VpnSite>(
                noun.PathOf(parsed.GetValue(vpn)!) + "/sites",
                new CreateVpnSite(parsed.GetValue(name)!, parsed.GetValue(key), parsed.GetValue(ranges)!, parsed.GetValue(endpoint), preshared), Guid.CreateVersion7().ToString(), cancel);
            Write(session, made, made.Profile);
            return ExitCodes.Ok;
        });
        return site;
    }

    /// <summary>What clients and sites have in common: <c>list</c>, <c>show</c>, <c>remove</c>, and the configuration as a file of its own.</summary>
    private static void Others<T>(Command command, Noun<Vpn> noun, string path, Func<T, string?> profile, IReadOnlyList<Column<T>> columns)
    {
        string PathOf(ParseResult parsed, Argument<string> vpn, Argument<string> key) => $"{noun.PathOf(parsed.GetValue(vpn)!)}/{path}/{Uri.EscapeDataString(parsed.GetValue(key)!)}";
        Argument<string> Key() => new("name") { Description = Messages.Text("argument-key") };
        var of = Vpn(noun);
        var list = new Command("list", Messages.Text("verb-list")) { of };
        list.Aliases.Add("ls");
        Under(command, list, async (session, parsed, cancel) =>
        {
            var items = new List<T>();
            await foreach (var item in session.Client.ListAsync<T>($"{noun.PathOf(parsed.GetValue(of)!)}/{path}", "", cancel)) items.Add(item);
            session.Write(items, columns);
            return ExitCodes.Ok;
        });
        var (shown, which, only) = (Vpn(noun), Key(), Options.New<bool>("--profile"));
        Under(command, new Command("show", Messages.Text("verb-show")) { shown, which, only }, async (session, parsed, cancel) =>
        {
            var item = await session.Client.GetAsync<T>(PathOf(parsed, shown, which), cancel);
            if (parsed.GetValue(only)) Console.Out.Write(profile(item));
            else session.Write(item);
            return ExitCodes.Ok;
        });
        var (from, gone) = (Vpn(noun), Key());
        Under(command, new Command("remove", Messages.Text("verb-delete")) { from, gone }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync(PathOf(parsed, from, gone), cancel);
            return ExitCodes.Ok;
        });
    }

    /// <summary>The configuration alone, so that it can be sent to a file; whether a key in it is shown this once is said beside it.</summary>
    private static void Write<T>(Session session, T made, string? profile)
    {
        if (session.Json)
        {
            session.Write(made);
            return;
        }
        Console.Out.Write(profile);
        if (profile?.Contains("\nPrivateKey = ", StringComparison.Ordinal) == true || profile?.Contains("\nPresharedKey = ", StringComparison.Ordinal) == true) Session.Errors.WriteLine(Messages.Text("vpn-keys-once"));
    }

    private static Argument<string> Vpn(Noun<Vpn> noun)
    {
        var vpn = new Argument<string>("vpn") { Description = Messages.Text("argument-vpn") };
        vpn.CompletionSources.Add(noun.Complete);
        return vpn;
    }

    private static void Under(Command parent, Command command, Func<Session, ParseResult, CancellationToken, Task<int>> run)
    {
        parent.Subcommands.Add(command);
        Session.Bind(command, run);
    }

    /// <summary>Peers that are there agree on keys anew every two minutes, and are given up after three (WireGuard's REKEY_AFTER_TIME, REJECT_AFTER_TIME).</summary>
    private static string Connected(DateTimeOffset? at)
    {
        if (at is not { } heard) return Messages.Text("vpn-never");
        var ago = TimeProvider.System.GetUtcNow() - heard;
        var text = ago.TotalSeconds < 120 ? Messages.Text("ago-seconds", (int)Math.Max(0, ago.TotalSeconds)) : ago.TotalMinutes < 120 ? Messages.Text("ago-minutes", (int)ago.TotalMinutes) : Messages.Text("ago-hours", (int)ago.TotalHours);
        return Messages.Text(ago.TotalSeconds < 180 ? "vpn-connected" : "vpn-heard", text);
    }

    private static string Size(long bytes) => bytes switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"), < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1000} kB"), _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000} MB"),
    };
}
