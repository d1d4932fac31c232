using System.CommandLine;
using Kumoi.Agent.Control;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Api;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Roles;

/// <summary><c>kumoi simulate</c>: many hosts in one process, each with a real agent, on machines that exist only in memory.</summary>
public static class SimulateCommand
{
    // What a small server takes in without others waiting long; a limit on the cloud's first minute, not on the hosts.
    private const double HostsPerSecondDefault = 100, HostsPerSecondMax = 10_000;
    private const int HostsMax = 100_000;

    // Room for joins that are slower than asked for.
    private static readonly TimeSpan TokenReserve = TimeSpan.FromHours(1), TokenLifeMax = TimeSpan.FromDays(7);

    public static Command Make()
    {
        var (hosts, config, state) = (Options.Required<int>("--hosts"), Options.New<FileInfo?>("--config"), Options.New<string?>("--state"));
        var (prefix, tokenFile, rate, trace) = (Options.New<string>("--name-prefix"), Options.New<FileInfo?>("--join-token-file"), Options.New<double>("--hosts-per-second"), Options.New<string?>("--trace"));
        state.Description = Messages.Text("option-simulate-state");
        (prefix.DefaultValueFactory, rate.DefaultValueFactory) = (_ => "sim-", _ => HostsPerSecondDefault);
        var command = new Command("simulate", Messages.Text("command-simulate")) { hosts, config, state, prefix, tokenFile, rate, trace };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var (count, perSecond, name) = (parsed.GetValue(hosts), parsed.GetValue(rate), parsed.GetValue(prefix)!);
            if (count is < 1 or > HostsMax) throw new UserException("simulate-hosts", HostsMax);
            if (!(perSecond is > 0 and <= HostsPerSecondMax)) throw new UserException("simulate-rate", HostsPerSecondMax);
            if (name.Length is 0 or > 40 || !char.IsAsciiLetterOrDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')) throw new UserException("simulate-prefix");
            var read = ReadConfig(parsed.GetValue(config));
            await using var traced = parsed.GetValue(trace) is { } path ? new StreamWriter(path, append: true) { AutoFlush = true } : null;
            using var kept = OpenState(parsed.GetValue(state));
            Task<string> Token(int uses, CancellationToken stop) => parsed.GetValue(tokenFile) is { } file
                ? File.ReadAllTextAsync(file.FullName, stop) : TokenAsync(parsed, read.Zone, uses, TimeSpan.FromSeconds(uses / perSecond), stop);
            await using var fleet = new SimulatedFleet(read.Settings, count, name, perSecond, kept, Token, traced, TimeProvider.System);
            return await RunAsync(fleet, new SimulateStatus(parsed.GetValue(Session.Output) == "json", TimeProvider.System), cancel);
        }));
        return command;
    }

    private static async Task<int> RunAsync(SimulatedFleet fleet, SimulateStatus status, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var telling = status.RunAsync(fleet.Status, ended.Token);
        try
        {
            await fleet.RunAsync(cancel);
            return ExitCodes.Ok;
        }
        catch (ServerRefusedException e)
        {
            throw new UserException("simulate-refused", e.Message);
        }
        finally
        {
            await ended.CancelAsync();
            await telling;
        }
    }

    private static SimulateConfig ReadConfig(FileInfo? file)
    {
        if (file is null) return SimulateConfig.Default;
        if (!file.Exists) throw new UserException("no-file", file.FullName);
        using var text = file.OpenText();
        return SimulateConfig.Read(file.Name, text);
    }

    private static SimulatedState OpenState(string? directory)
    {
        try
        {
            return new SimulatedState(directory is null ? null : Path.GetFullPath(directory));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException("simulate-state", directory!, e.Message);
        }
    }

    /// <summary>A token for so many hosts, made with the login of the person who runs this.</summary>
    private static async Task<string> TokenAsync(ParseResult parsed, string? zone, int uses, TimeSpan joining, CancellationToken cancel)
    {
        using var session = Session.Open(parsed);
        var life = joining + TokenReserve < TokenLifeMax ? joining + TokenReserve : TokenLifeMax;
        var token = await session.Client.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(zone, (int)life.TotalMinutes, uses), null, cancel);
        return token.Token;
    }
}
