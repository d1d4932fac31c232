using Kumoi.Api;
using Kumoi.Cli.Client;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Local;

/// <summary>
/// From a bare machine to a shell in a guest. Every step looks first whether its work is done already, so that a second run takes
/// seconds and one broken off in the middle is taken up where it was.
/// </summary>
public sealed class Quickstart(LocalCloud cloud, Progress progress)
{
    private const string Demo = "demo", FirstInstance = "first", ImageName = "tiny", FlavorName = "small";

    // Under emulation on a busy machine a guest needs a minute and more.
    private static readonly TimeSpan SshLimit = TimeSpan.FromMinutes(10);

    private CloudLayout Layout => cloud.Layout;

    public async Task RunAsync(bool yes, int? hosts, CancellationToken cancel)
    {
        LocalCloud.RequireRoot("quickstart");
        // Before minutes are spent on packages and builds.
        Layout.ChooseHosts(hosts);
        var tree = Requirements.Tree() ?? throw new UserException("tree-needed");
        await InstallAsync(yes, cancel);
        await progress.StepAsync("step-console", () => BuildConsoleAsync(tree, cancel));
        var image = "";
        await progress.StepAsync("step-image", async () => image = await BuildImageAsync(tree, cancel));
        await cloud.UpAsync(hosts, null, cancel);
        using var admin = await cloud.LoginAsync("admin", Layout.AdminPassword, cancel);
        await progress.StepAsync("step-accounts", () => MakeDemoAsync(admin, cancel));
        await progress.StepAsync("step-upload", () => UploadAsync(admin, image, cancel));
        using var demo = await cloud.LoginAsync(Demo, Layout.DemoPassword, cancel);
        await progress.StepAsync("step-prepare-demo", () => PrepareDemoAsync(demo, cancel));
        Instance? instance = null;
        await progress.StepAsync("step-launch", async () => instance = await LaunchAsync(demo, cancel));
        await progress.StepAsync("step-ssh", () => WaitForSshAsync(instance!, cancel));
        var said = "";
        await progress.StepAsync("step-uname", async () => said = (await Shell.MustAsync("ssh", ["-o", "BatchMode=yes", .. SshLine.For(instance!, null, null, Context), "uname", "-a"], cancel)).Trim());
        Tell(instance!, said);
    }

    private string Context => $"{Layout.Url.Host}-{Layout.Port}";

    private async Task InstallAsync(bool yes, CancellationToken cancel)
    {
        var missing = Requirements.Missing();
        if (missing.Count == 0) return;
        Session.Errors.MarkupLineInterpolated($"{Messages.Text("packages-missing")}");
        foreach (var requirement in missing) Session.Errors.WriteLine($"  {requirement.Package,-20} {Messages.Text(requirement.Why)}");
        if (Shell.Find("apt-get") is null) throw new UserException("apt-missing");
        if (!yes)
        {
            if (Console.IsInputRedirected) throw new UserException("yes-needed", "quickstart");
            if (!Session.Errors.Confirm(Messages.Text("packages-confirm"), true)) throw new UserException("packages-refused");
        }
        await progress.StepAsync("step-packages", async () =>
        {
            string[] quiet = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=580"];
            await Shell.MustAsync("env", [.. quiet, "update"], cancel, line => progress.Detail = line);
            await Shell.MustAsync("env", [.. quiet, "install", "-y", "--no-install-recommends", .. missing.Select(r => r.Package).Distinct()], cancel, line => progress.Detail = line);
        });
        if (Requirements.Missing() is { Count: > 0 } still) throw new UserException("programs-missing", string.Join(", ", still.Select(r => r.Program)));
    }

    private async Task BuildConsoleAsync(string tree, CancellationToken cancel)
    {
        var console = Path.Combine(tree, "console");
        var built = new FileInfo(Path.Combine(console, "dist/index.html"));
        if (built.Exists && Sources(console).All(file => file.LastWriteTimeUtc <= built.LastWriteTimeUtc)) return;
        await Shell.MustAsync("npm", ["ci", "--no-audit", "--no-fund"], cancel, line => progress.Detail = line, console);
        await Shell.MustAsync("npm", ["run", "build"], cancel, line => progress.Detail = line, console);
        if (File.Exists(built.FullName)) File.SetLastWriteTimeUtc(built.FullName, TimeProvider.System.GetUtcNow().UtcDateTime);
    }

    private static IEnumerable<FileInfo> Sources(string directory) =>
        new DirectoryInfo(directory).EnumerateFiles().Concat(new[] { "src", "public", "reference", "scripts" }.Select(d => new DirectoryInfo(Path.Combine(directory, d))).Where(d => d.Exists)
            .SelectMany(d => d.EnumerateFiles("*", SearchOption.AllDirectories)));

    private async Task<string> BuildImageAsync(string tree, CancellationToken cancel)
    {
        var recipe = Path.Combine(tree, "images/tiny");
        var image = new FileInfo(Path.Combine(tree, "artifacts/images/tiny.qcow2"));
        if (image.Exists && new DirectoryInfo(recipe).EnumerateFiles("*", SearchOption.AllDirectories).All(file => file.LastWriteTimeUtc <= image.LastWriteTimeUtc)) return image.FullName;
        image.Directory!.Create();
        await Shell.MustAsync(Path.Combine(recipe, "build"), [image.FullName], cancel, line => progress.Detail = line);
        return image.FullName;
    }

    private async Task MakeDemoAsync(KumoiClient admin, CancellationToken cancel)
    {
        LocalCloud.WriteSecret(Layout.DemoPassword);
        await UnlessTakenAsync(() => admin.PostAsync<CreateAccount, Account>("accounts", new CreateAccount(Demo, null), null, cancel));
        await UnlessTakenAsync(async () => await admin.PostAsync<CreateUser, User>("users", new CreateUser(Demo, (await File.ReadAllTextAsync(Layout.DemoPassword, cancel)).Trim(), "admin", Demo), null, cancel));
    }

    private async Task UploadAsync(KumoiClient admin, string path, CancellationToken cancel)
    {
        var present = await FindAsync<Image>(admin, "images/" + ImageName, cancel);
        if (present is { State: "available" }) return;
        if (present is not null) await admin.DeleteAsync("images/" + present.Id, cancel);
        var image = await admin.PostAsync<CreateImage, Image>("images", new CreateImage(ImageName, "qcow2", null, null, "public", "root"), null, cancel);
        await using var stream = File.OpenRead(path);
        using var content = new StreamContent(stream);
        await admin.UploadAsync(image.Id, content, cancel);
    }

    private async Task PrepareDemoAsync(KumoiClient demo, CancellationToken cancel)
    {
        await LoginCommands.KeepAsync(Layout.Url, Demo, (await File.ReadAllTextAsync(Layout.DemoPassword, cancel)).Trim(), Layout.State, cancel);
        var keyFile = ClientConfig.KeyFile(Context, Demo);
        var present = await FindAsync<KeyPair>(demo, "key-pairs/" + Demo, cancel);
        // A pair whose private key is lost is of no use: it is told only once.
        if (present is not null && !File.Exists(keyFile)) await demo.DeleteAsync("key-pairs/" + present.Id, cancel);
        if (present is null || !File.Exists(keyFile))
        {
            var made = await demo.PostAsync<CreateKeyPair, KeyPairCreated>("key-pairs", new CreateKeyPair(Demo, null), null, cancel);
            ClientConfig.WritePrivate(keyFile, made.PrivateKey!);
        }
        foreach (var rule in new[] { new CreateSecurityGroupRule("ingress", "tcp", 22, 22, "0.0.0.0/0", null, "ssh"), new CreateSecurityGroupRule("ingress", "icmp", null, null, "0.0.0.0/0", null, "ping") })
            await UnlessTakenAsync(() => demo.PostAsync<CreateSecurityGroupRule, SecurityGroupRule>("security-groups/default/rules", rule, null, cancel));
    }

    private static async Task<Instance> LaunchAsync(KumoiClient demo, CancellationToken cancel)
    {
        var instance = await FindAsync<Instance>(demo, "instances/" + FirstInstance, cancel)
            ?? await demo.PostAsync<LaunchInstance, Instance>("instances", new LaunchInstance(FirstInstance, FlavorName, ImageName, Demo, null, null, null, null, null), null, cancel);
        if (instance.Desired == "stopped") await demo.PostAsync<Instance>($"instances/{instance.Id}/start", cancel);
        return await demo.GetAsync<Instance>($"instances/{instance.Id}?wait=running&timeout=120", cancel);
    }

    private static async Task WaitForSshAsync(Instance instance, CancellationToken cancel)
    {
        var address = instance.Interfaces[0].FloatingAddress!;
        if (!await SshBanner.WaitAsync(address, SshLimit, cancel)) throw new UserException("no-ssh", instance.Name, address);
    }

    private void Tell(Instance instance, string said)
    {
        var kumoi = "./kumoi";
        Console.WriteLine();
        Console.WriteLine($"  {said}");
        Console.WriteLine();
        Console.WriteLine(Messages.Text("quickstart-done", Layout.Url, Demo, File.ReadAllText(Layout.DemoPassword).Trim(), "admin", Layout.AdminPassword));
        Console.WriteLine();
        Console.WriteLine($"  ssh {string.Join(' ', SshLine.For(instance, null, null, Context))}");
        Console.WriteLine();
        Console.WriteLine(Messages.Text("quickstart-next"));
        foreach (var line in (string[])[
            "instance list", $"instance ssh {FirstInstance}", $"instance create web-1 --image {ImageName} --flavor {FlavorName} --key {Demo} --wait", $"instance console {FirstInstance}", "destroy"])
            Console.WriteLine($"  {kumoi} {line}");
    }

    private static async Task<T?> FindAsync<T>(KumoiClient client, string path, CancellationToken cancel) where T : class
    {
        try
        {
            return await client.GetAsync<T>(path, cancel);
        }
        catch (ProblemException e) when (e.Problem.Status == 404)
        {
            return null;
        }
    }

    private static async Task UnlessTakenAsync(Func<Task> make)
    {
        try
        {
            await make();
        }
        catch (ProblemException e) when (e.Problem.Code is "name-taken" or "rule-exists")
        {
            // Made by an earlier run.
        }
    }
}
