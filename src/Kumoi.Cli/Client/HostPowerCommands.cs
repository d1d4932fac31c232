using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>A host's power: the controller by which the cloud switches a lost host off, and what operators do with it.</summary>
public static class HostPowerCommands
{
    public static void Add(Noun<Host> noun)
    {
        Set(noun);
        var key = noun.Key();
        noun.Act(new Command("clear-power", Messages.Text("host-clear-power")) { key }, async (session, parsed, cancel) =>
        {
            await session.Client.DeleteAsync(PathOf(noun, parsed.GetValue(key)!), cancel);
            return ExitCodes.Ok;
        });
        foreach (var (verb, path) in new[] { ("power-status", ""), ("power-on", "/on"), ("power-off", "/off") })
        {
            var host = noun.Key();
            noun.Act(new Command(verb, Messages.Text("host-" + verb)) { host }, async (session, parsed, cancel) =>
            {
                var at = PathOf(noun, parsed.GetValue(host)!) + path;
                session.Write(path.Length == 0 ? await session.Client.GetAsync<HostPower>(at, cancel) : await session.Client.PostAsync<HostPower>(at, cancel));
                return ExitCodes.Ok;
            });
        }
    }

    private static string PathOf(Noun<Host> noun, string key) => noun.PathOf(key) + "/power";

    private static void Set(Noun<Host> noun)
    {
        var (key, driver, user, password) = (noun.Key(), Options.New<string>("--driver"), Options.Required<string>("--user"), Options.Required<string>("--password-file"));
        driver.DefaultValueFactory = _ => "ipmi";
        var address = new Option<string>("--address") { Description = Messages.Text("option-power-address"), Required = true };
        noun.Act(new Command("set-power", Messages.Text("host-set-power")) { key, driver, address, user, password }, async (session, parsed, cancel) =>
        {
            var set = new SetHostPower(parsed.GetValue(driver)!, parsed.GetValue(address)!, parsed.GetValue(user)!, await Passwords.ReadFileAsync(parsed.GetValue(password)!, cancel));
            session.Write(await session.Client.PutAsync<SetHostPower, Host>(PathOf(noun, parsed.GetValue(key)!), set, cancel));
            return ExitCodes.Ok;
        });
    }
}
