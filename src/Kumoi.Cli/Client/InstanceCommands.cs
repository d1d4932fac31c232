using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Instances: launching, their life, and getting into them.</summary>
public static class InstanceCommands
{
    public static Command Make()
    {
        var noun = new Noun<Instance>("instance", "instances", i => i.Name,
        [
            new("name", i => i.Name), new("id", i => i.Id), new("state", i => i.State), new("flavor", i => i.Flavor.Name), new("image", i => i.Image.Name),
            new("address", i => i.Interfaces.FirstOrDefault()?.Address), new("floating", i => i.Interfaces.FirstOrDefault()?.FloatingAddress ?? "-"), new("host", i => i.Host.Name),
            new("condition", i => i.Conditions.FirstOrDefault()?.Message ?? ""),
        ], "vm").ListTagged((Options.New<string?>("--state"), "state"), (Options.New<string?>("--name"), "name"), (Options.New<string?>("--host"), "host"), (Options.New<string?>("--image"), "image"),
            (Options.New<string?>("--placement-group"), "placementGroup")).Show();
        Launch(noun);
        foreach (var (verb, state) in new[] { ("start", "running"), ("stop", "stopped"), ("reboot", "running"), ("delete", "terminated") }) Change(noun, verb, state);
        SecurityGroups(noun);
        Recovery(noun);
        InstanceUpdate.Add(noun);
        SnapshotCommands.AddTo(noun);
        InstanceCdCommands.Add(noun);
        Ssh(noun);
        SerialConsole.Add(noun);
        var key = noun.Key();
        noun.Act(new Command("log", Messages.Text("instance-log")) { key }, async (session, parsed, cancel) =>
        {
            using var response = await session.Client.RequestAsync(HttpMethod.Get, noun.PathOf(parsed.GetValue(key)!) + "/console-log", null, null, cancel);
            await using var output = Console.OpenStandardOutput();
            await response.Content.CopyToAsync(output, cancel);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static void Launch(Noun<Instance> noun)
    {
        var (name, image, flavor, pair) = (Options.Name(), new Option<string?>("--image") { Description = Messages.Text("option-launch-image") }, Options.Required<string>("--flavor"), Options.New<string?>("--key"));
        var (groups, network, data, count, zone, wait, timeout) = (Options.Many("--security-group"), new Option<string[]>("--network") { Description = Messages.Text("option-networks") }, Options.New<FileInfo?>("--user-data-file"),
            Options.New<int?>("--count"), Options.New<string?>("--zone"), Options.New<bool>("--wait"), Options.Timeout());
        var (recovery, priority, placementGroup) = (Options.New<string?>("--recovery"), Options.New<int?>("--recovery-priority"), Options.New<string?>("--placement-group"));
        var (host, floating, noFloating) = (new Option<string?>("--host") { Description = Messages.Text("option-on-host") }, Options.New<bool>("--floating"), Options.New<bool>("--no-floating"));
        var (rootVolume, disk) = (Options.New<string?>("--root-volume"), Sizes.Option("--disk-size", "option-disk-size"));
        var (hostPool, require) = (Options.New<string?>("--host-pool"), TagOptions.Require());
        var (tag, least, protect) = (TagOptions.Tag(), Options.New<int?>("--min-count"), Options.New<bool>("--protect"));
        var create = new Command("create", Messages.Text("instance-create"))
        {
            name, image, rootVolume, disk, flavor, pair, groups, network, floating, noFloating, data, count, zone, host, hostPool, require, recovery, priority, placementGroup, tag, least, protect, wait, timeout,
        };
        create.Aliases.Add("launch");
        var choices = new MetadataChoices();
        choices.AddTo(create);
        create.Validators.Add(result =>
        {
            if (result.GetValue(data) is { Exists: false } missing) result.AddError(Messages.Text("no-file", missing.FullName));
        });
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var networks = parsed.GetValue(network) ?? [];
            var (endpoint, tokens, hopLimit, metadataTags) = choices.Of(parsed);
            // One plain name is said as ever.
            var plain = networks is [var only] && !only.Contains(',', StringComparison.Ordinal);
            var body = new LaunchInstance(
                parsed.GetValue(name)!, parsed.GetValue(flavor)!, parsed.GetValue(image), parsed.GetValue(pair), parsed.GetValue(groups) is { Length: > 0 } chosen ? chosen : null,
                plain ? networks[0] : null, parsed.GetValue(data) is { } file ? await File.ReadAllTextAsync(file.FullName, cancel) : null, parsed.GetValue(count), parsed.GetValue(zone), parsed.GetValue(recovery), parsed.GetValue(priority),
                parsed.GetValue(placementGroup), plain || networks.Length == 0 ? null : [.. networks.Select(NetworkText.Read)], parsed.GetValue(host),
                parsed.GetValue(floating) ? true : parsed.GetValue(noFloating) ? false : null, parsed.GetValue(rootVolume), parsed.GetValue(disk), parsed.GetValue(least), TagOptions.Of(parsed.GetValue(tag)), TerminationProtection: parsed.GetValue(protect) ? true : null,
                HostPool: parsed.GetValue(hostPool), RequiredLabels: TagOptions.Of(parsed.GetValue(require)), MetadataEndpoint: endpoint, MetadataTokens: tokens, MetadataHopLimit: hopLimit, MetadataTags: metadataTags);
            var once = Guid.CreateVersion7().ToString();
            var made = body.Count is > 1
                ? (await session.Client.PostAsync<LaunchInstance, Page<Instance>>("instances", body, once, cancel)).Items
                : [await session.Client.PostAsync<LaunchInstance, Instance>("instances", body, once, cancel)];
            var shown = new List<Instance>();
            foreach (var instance in made)
                shown.Add(parsed.GetValue(wait) ? await Waiting.ForAsync<Instance>(session.Client, noun.PathOf(instance.Id), "running", Describe, parsed.GetValue(timeout), cancel) : instance);
            if (shown.Count == 1) session.Write(shown[0]);
            else session.Write(shown, [new Column<Instance>("name", i => i.Name), new("id", i => i.Id), new("state", i => i.State), new("address", i => i.Interfaces[0].Address)]);
            return ExitCodes.Ok;
        });
    }

    private static void Change(Noun<Instance> noun, string verb, string state)
    {
        var (keys, wait, timeout) = (noun.Keys(), Options.New<bool>("--wait"), Options.Timeout());
        var command = new Command(verb, Messages.Text("instance-" + verb)) { keys, wait, timeout };
        if (verb == "delete") command.Aliases.Add("terminate");
        noun.Act(command, async (session, parsed, cancel) =>
        {
            var changed = new List<Instance>();
            foreach (var key in parsed.GetValue(keys)!)
                changed.Add(verb == "delete" ? await session.Client.DeleteAsync<Instance>(noun.PathOf(key), cancel) : await session.Client.PostAsync<Instance>($"{noun.PathOf(key)}/{verb}", cancel));
            if (parsed.GetValue(wait))
                for (var i = 0; i < changed.Count; i++)
                    changed[i] = await Waiting.ForAsync<Instance>(session.Client, noun.PathOf(changed[i].Id), state, Describe, parsed.GetValue(timeout), cancel);
            session.Write(changed, [new Column<Instance>("name", i => i.Name), new("id", i => i.Id), new("state", i => i.State)]);
            return ExitCodes.Ok;
        });
    }

    internal static string Describe(Instance instance) => instance.Conditions.Count > 0 ? $"{instance.State}: {instance.Conditions[0].Message}" : instance.State;

    private static void Recovery(Noun<Instance> noun)
    {
        var (key, recovery, priority) = (noun.Key(), new Argument<string>("recovery") { Description = Messages.Text("argument-recovery") }, Options.New<int?>("--priority"));
        noun.Act(new Command("set-recovery", Messages.Text("instance-set-recovery")) { key, recovery, priority }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<SetRecovery, Instance>(
                noun.PathOf(parsed.GetValue(key)!) + "/recovery", new SetRecovery(parsed.GetValue(recovery)!, parsed.GetValue(priority)), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void SecurityGroups(Noun<Instance> noun)
    {
        var (key, groups) = (noun.Key(), new Argument<string[]>("groups") { Description = Messages.Text("argument-groups"), Arity = ArgumentArity.ZeroOrMore });
        noun.Act(new Command("set-security-groups", Messages.Text("instance-set-security-groups")) { key, groups }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<ReplaceSecurityGroups, Instance>(noun.PathOf(parsed.GetValue(key)!) + "/security-groups", new ReplaceSecurityGroups(parsed.GetValue(groups)!), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Ssh(Noun<Instance> noun)
    {
        var (key, user, identity, timeout) = (noun.Key(), Options.New<string?>("--user"), Options.New<FileInfo?>("--identity"), Options.Timeout());
        var command = new Argument<string[]>("command") { Description = Messages.Text("argument-command"), Arity = ArgumentArity.ZeroOrMore };
        var ssh = new Command("ssh", Messages.Text("instance-ssh")) { key, user, identity, timeout, command };
        noun.Act(ssh, async (session, parsed, cancel) =>
        {
            var instance = await session.Client.GetAsync<Instance>(noun.PathOf(parsed.GetValue(key)!), cancel);
            var line = SshLine.For(instance, parsed.GetValue(user), parsed.GetValue(identity)?.FullName, session.Login.Name);
            var address = SshLine.Address(instance);
            if (!await SshBanner.WaitAsync(address, TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancel)) throw new UserException("no-ssh", instance.Name, address);
            return await Shell.AttachedAsync("ssh", [.. line, .. SshLine.Command(parsed.GetValue(command)!)], cancel);
        });
    }
}

/// <summary>The ssh command that reaches an instance.</summary>
public static class SshLine
{
    /// <summary>One word is a line for the guest's shell, as with ssh; several are a program and its arguments, which arrive as they are.</summary>
    public static IReadOnlyList<string> Command(IReadOnlyList<string> words) =>
        words.Count < 2 ? words : [string.Join(' ', words.Select(word => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,@%+".Contains(c, StringComparison.Ordinal)) ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'"))];

    public static IReadOnlyList<string> For(Instance instance, string? user, string? identity, string context)
    {
        var file = identity ?? (instance.KeyPair is { } pair ? ClientConfig.KeyFile(context, pair.Name) : null);
        if (file is not null && !File.Exists(file)) throw new UserException("no-key-file", file);
        string[] key = file is null ? [] : ["-i", file, "-o", "IdentitiesOnly=yes"];
        // Addresses are given to new guests again and again; a guest's host key is remembered under its id, which is not.
        return [
            .. key, "-o", $"UserKnownHostsFile={Path.Combine(ClientConfig.Directory, "known_hosts")}", "-o", "StrictHostKeyChecking=accept-new", "-o", $"HostKeyAlias={instance.Id}", "-o", "LogLevel=ERROR",
            "-o", "ConnectTimeout=60", $"{user ?? instance.DefaultUser}@{Address(instance)}"];
    }

    public static string Address(Instance instance) =>
        instance.Interfaces.Select(face => face.FloatingAddress ?? face.Address).FirstOrDefault() ?? throw new UserException("no-address", instance.Name);
}
