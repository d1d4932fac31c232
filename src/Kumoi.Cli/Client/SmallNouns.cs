using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Resources with hardly more than the common commands.</summary>
public static class SmallNouns
{
    internal static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);

    internal static Column<T> Created<T>(Func<T, DateTimeOffset> of) => new("created", item => Time(of(item)));

    public static IEnumerable<Command> All() => [Tokens(), Zones(), Flavors(), KeyPairs(), PlacementGroups()];

    private static Command Tokens()
    {
        var (name, days, account) = (Options.Name(), Options.New<int?>("--expires-in-days"), Options.New<string?>("--for-account-only"));
        var permissions = new Option<string[]>("--permission") { Description = Messages.Text("option-token-permission"), AllowMultipleArgumentsPerToken = true };
        var ranges = new Option<string[]>("--from") { Description = Messages.Text("option-from-range"), AllowMultipleArgumentsPerToken = true };
        var noun = new Noun<Token>("token", "tokens", t => t.Name ?? t.Id,
            [new("name", t => t.Name), new("id", t => t.Id), new("kind", t => t.Kind), Created<Token>(t => t.CreatedAt), new("expires", t => t.ExpiresAt is { } e ? Time(e) : "-"), new("used", t => t.LastUsedAt is { } used ? Time(used) : "-"), new("from", t => t.LastUsedFrom ?? "-"), new("program", t => t.UserAgent ?? "-")]).List().Delete();
        var create = new Command("create", Messages.Text("verb-create")) { name, days, permissions, account, ranges };
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<CreateToken, TokenCreated>("users/me/tokens", new CreateToken(parsed.GetValue(name)!, parsed.GetValue(days),
                Some(parsed.GetValue(permissions)), parsed.GetValue(account), Some(parsed.GetValue(ranges))), null, cancel);
            if (session.Json) session.Write(made);
            else Console.WriteLine(made.Token);
            return 0;
        });
        return noun.Command;
    }

    private static string[]? Some(string[]? given) => given is { Length: > 0 } ? given : null;

    private static Command Zones()
    {
        var name = Options.Name();
        return new Noun<Zone>("zone", "zones", z => z.Name, [new("name", z => z.Name), new("id", z => z.Id), Created<Zone>(z => z.CreatedAt)])
            .List().Show().Create<CreateZone, Zone>(c => c.Add(name), p => new CreateZone(p.GetValue(name)!)).Delete().Command;
    }

    private static Command Flavors()
    {
        var (name, vcpus, memory, disk, rate) = (Options.Name(), Options.Required<int>("--vcpus"), Options.Required<int>("--memory-mib"), Options.Required<int>("--disk-gib"), Options.New<int?>("--rate-mbps"));
        var require = TagOptions.Require();
        return new Noun<Flavor>("flavor", "flavors", f => f.Name,
            [new("name", f => f.Name), new("id", f => f.Id), new("vcpus", f => $"{f.Vcpus}"), new("memory", f => $"{f.MemoryMib} MiB"), new("disk", f => $"{f.DiskGib} GiB"), new("labels", f => TagOptions.Text(f.RequiredLabels))])
            .List().Show().Create<CreateFlavor, Flavor>(c => { c.Add(name); c.Add(vcpus); c.Add(memory); c.Add(disk); c.Add(rate); c.Add(require); },
                p => new CreateFlavor(p.GetValue(name)!, p.GetValue(vcpus), p.GetValue(memory), p.GetValue(disk), p.GetValue(rate), TagOptions.Of(p.GetValue(require)))).Delete().Command;
    }

    private static Command KeyPairs()
    {
        var (name, file) = (Options.Name(), Options.New<FileInfo?>("--public-key-file"));
        return new Noun<KeyPair>("key-pair", "key-pairs", k => k.Name, [new("name", k => k.Name), new("id", k => k.Id), new("type", k => k.Type), new("fingerprint", k => k.Fingerprint)], "key", "keypair")
            .List().Show().Create<CreateKeyPair, KeyPairCreated>(c => { c.Add(name); c.Add(file); },
                p => new CreateKeyPair(p.GetValue(name)!, p.GetValue(file) is { } f ? File.ReadAllText(f.FullName) : null), KeyPairMadeAsync).Delete().Command;
    }

    private static Task KeyPairMadeAsync(Session session, KeyPairCreated made, ParseResult parsed, CancellationToken cancel)
    {
        // The private key is told once. It is kept where `instance ssh` finds it; programs that ask for JSON get it too.
        if (made.PrivateKey is { } key)
        {
            var path = ClientConfig.KeyFile(session.Login.Name, made.Name);
            ClientConfig.WritePrivate(path, key);
            Console.Error.WriteLine(Messages.Text("private-key-kept", path));
        }
        session.Write(session.Json ? made : made with { PrivateKey = null });
        return Task.CompletedTask;
    }

    private static Command PlacementGroups()
    {
        var (name, policy) = (Options.Name(), Options.Required<string>("--policy"));
        policy.AcceptOnlyFromAmong("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity");
        return new Noun<PlacementGroup>("placement-group", "placement-groups", g => g.Name,
            [new("name", g => g.Name), new("id", g => g.Id), new("policy", g => g.Policy), new("instances", g => $"{g.Instances}"), Created<PlacementGroup>(g => g.CreatedAt)])
            .List().Show().Create<CreatePlacementGroup, PlacementGroup>(c => { c.Add(name); c.Add(policy); }, p => new CreatePlacementGroup(p.GetValue(name)!, p.GetValue(policy)!)).Delete().Command;
    }
}
