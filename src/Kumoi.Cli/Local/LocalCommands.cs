using System.CommandLine;
using System.Text.Json.Nodes;
using Kumoi.Cli.Client;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Local;

/// <summary>The cloud on this machine: <c>quickstart</c>, <c>up</c>, <c>down</c>, <c>status</c>, <c>destroy</c>.</summary>
public static class LocalCommands
{
    public static IEnumerable<Command> All() => [Quick(), Up(), Down(), Status(), Destroy()];

    private static LocalCloud Cloud() => new(CloudLayout.FromEnvironment(), new Progress(Session.Errors, quiet: false));

    private static Option<bool> Yes() => new("--yes", "-y") { Description = Messages.Text("option-yes") };

    private static Option<int?> Hosts() => new("--hosts") { Description = Messages.Text("option-local-hosts", LocalHost.CountMax) };

    private static Command Quick()
    {
        var (yes, hosts) = (Yes(), Hosts());
        var command = new Command("quickstart", Messages.Text("command-quickstart")) { yes, hosts };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var progress = new Progress(Session.Errors, quiet: false);
            await new Quickstart(new LocalCloud(CloudLayout.FromEnvironment(), progress), progress).RunAsync(parsed.GetValue(yes), parsed.GetValue(hosts), cancel);
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Up()
    {
        var (hosts, segments) = (Hosts(), new Option<string[]>("--segment-device") { Description = Messages.Text("option-local-segment-device") });
        var command = new Command("up", Messages.Text("command-up")) { hosts, segments };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var cloud = Cloud();
            await cloud.UpAsync(parsed.GetValue(hosts), parsed.GetValue(segments), cancel);
            Console.WriteLine(Messages.Text("up-done", cloud.Layout.Url, cloud.Layout.AdminPassword));
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Down()
    {
        var keep = Options.New<bool>("--keep-guests");
        var command = new Command("down", Messages.Text("command-down")) { keep };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            await Cloud().DownAsync(parsed.GetValue(keep), cancel);
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Status()
    {
        var command = new Command("status", Messages.Text("command-status"));
        command.SetAction((parsed, _) => ExitCodes.TellAsync(() =>
        {
            var layout = CloudLayout.FromEnvironment();
            var running = LocalProcesses.Find(layout);
            if (parsed.GetValue(Session.Output) == "json") Console.WriteLine(Session.ToJson(Describe(layout, running)));
            else
            {
                Console.WriteLine($"{Messages.Text("status-url")}  {layout.Url}");
                Console.WriteLine($"{Messages.Text("status-state")}  {layout.State}");
                foreach (var role in layout.Roles)
                    Console.WriteLine($"  {role,-9} {(running.Where(p => p.Role == role).Select(p => p.Pid).ToList() is { Count: > 0 } pids ? Messages.Text("status-running", string.Join(", ", pids)) : Messages.Text("status-not-running"))}");
            }
            return Task.FromResult(ExitCodes.Ok);
        }));
        return command;
    }

    private static JsonObject Describe(CloudLayout layout, IReadOnlyList<LocalProcess> running) => new()
    {
        ["url"] = layout.Url.ToString().TrimEnd('/'),
        ["state"] = layout.State,
        ["hosts"] = new JsonArray([.. layout.Hosts.Select(host => JsonValue.Create(host.Name))]),
        ["processes"] = new JsonArray([.. running.Select(process => new JsonObject { ["role"] = process.Role, ["pid"] = process.Pid })]),
        ["admin"] = File.Exists(layout.AdminPassword) ? new JsonObject { ["user"] = "admin", ["passwordFile"] = layout.AdminPassword } : null,
        ["demo"] = File.Exists(layout.DemoPassword) ? new JsonObject { ["user"] = "demo", ["passwordFile"] = layout.DemoPassword } : null,
    };

    private static Command Destroy()
    {
        var yes = Yes();
        var command = new Command("destroy", Messages.Text("command-destroy")) { yes };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            LocalCloud.RequireRoot("destroy");
            var cloud = Cloud();
            if (!parsed.GetValue(yes))
            {
                if (Console.IsInputRedirected) throw new UserException("yes-needed", "destroy");
                if (!Session.Errors.Confirm(Messages.Text("destroy-confirm", cloud.Layout.State), false)) return ExitCodes.Cancelled;
            }
            await cloud.DestroyAsync(cancel);
            return ExitCodes.Ok;
        }));
        return command;
    }
}
