using System.CommandLine;
using System.Globalization;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Kumoi.Cli.Operations;
using Kumoi.Cli.Roles;
using Kumoi.Cli.Text;

// Help and usage errors come from the command line library in the culture of the process.
CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(Messages.Language);
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
System.Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var root = new RootCommand(Messages.Text("root"));
// The library has these texts in English only.
foreach (var option in root.Options) option.Description = Messages.Text(option is VersionOption ? "option-version" : "option-help");
root.Options.Add(Session.Output);
root.Options.Add(Session.Account);
foreach (var command in (IEnumerable<Command>)[
    .. LocalCommands.All(), .. LoginCommands.All(), InstanceCommands.Make(), ImageCommands.Make(), SecurityGroupCommands.Make(), .. NetworkCommands.All(), InterfaceCommands.Make(), .. FloatingAddressCommands.All(), .. RouterCommands.All(), LoadBalancerCommands.Make(), VpnCommands.Make(), .. TenancyCommands.All(), QuotaCommands.Make(), .. MeteringCommands.All(), .. AlertCommands.All(), .. SmallNouns.All(), AccessKeyCommands.Make(), EventCommands.Make(), SubscriptionCommands.Make(), TagCommands.Make(), InternetGatewayCommands.Make(), HostCommands.Make(), HostPoolCommands.Make(), .. VolumeCommands.All(), SnapshotCommands.Make(), .. BackupCommands.All(), SwitchCommands.Make(),
    DoctorCommand.Make(), ExplainCommand.Make(), TopCommand.Make(), Completion.Make(), RoleCommands.Server(), RoleCommands.Agent(), SimulateCommand.Make()])
    root.Subcommands.Add(command);

var parsed = root.Parse(args);
var code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
return parsed.Errors.Count > 0 && code == ExitCodes.Failed ? ExitCodes.Usage : code;
