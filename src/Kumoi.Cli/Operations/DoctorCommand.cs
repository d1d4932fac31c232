using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Kumoi.Server.Doctor;
using Kumoi.Server.Platform;

namespace Kumoi.Cli.Operations;

/// <summary><c>kumoi doctor</c>: what is wrong with the cloud on this machine and the one logged in to, and what to do.</summary>
public static class DoctorCommand
{
    public static Command Make()
    {
        var all = Options.New<bool>("--all");
        var command = new Command("doctor", Messages.Text("command-doctor")) { all };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            List<Finding> findings = [.. await new LocalDoctor(CloudLayout.FromEnvironment(), TimeProvider.System).ExamineAsync(cancel), .. await ServerAsync(parsed, cancel)];
            if (parsed.GetValue(Session.Output) == "json") System.Console.Out.WriteLine(Session.ToJson(System.Text.Json.JsonSerializer.SerializeToNode([.. findings], ApiJson.Default.FindingArray)));
            else foreach (var line in Lines(findings, parsed.GetValue(all))) System.Console.Out.WriteLine(line);
            return findings.Exists(finding => finding.Severity == "error") ? ExitCodes.Failed : ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>Findings for people: what is well is only counted unless all is asked for.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<Finding> findings, bool all)
    {
        foreach (var finding in findings.Where(f => all || f.Severity != "ok").OrderBy(f => f.Severity switch { "error" => 0, "warning" => 1, _ => 2 }))
        {
            yield return $"{Messages.Text("doctor-severity-" + finding.Severity)}  {finding.Check}: {finding.Message}";
            if (finding.Action is { } action) yield return "    " + action;
        }
        yield return Messages.Text("doctor-summary", findings.Count, findings.Count(f => f.Severity == "error"), findings.Count(f => f.Severity == "warning"));
    }

    private static async Task<IReadOnlyList<Finding>> ServerAsync(ParseResult parsed, CancellationToken cancel)
    {
        Session session;
        try
        {
            session = Session.Open(parsed);
        }
        catch (UserException)
        {
            return [LocalDoctor.New("server", "warning", "not-logged-in", null)];
        }
        using (session)
        {
            var clock = TimeProvider.System;
            var asked = clock.GetUtcNow();
            try
            {
                var report = await session.Client.GetAsync<DoctorReport>("doctor", cancel);
                return [.. Compare(report, asked, clock.GetUtcNow(), ServerRegistry.Version), .. report.Findings];
            }
            catch (ProblemException e) when (e.Problem.Status == 403)
            {
                return [LocalDoctor.New("server", "warning", "not-operator", session.Login.Url, session.Login.Url)];
            }
            catch (ProblemException e)
            {
                return [LocalDoctor.New("server", "error", "server-problem", session.Login.Url, session.Login.Url, e.Message)];
            }
            catch (HttpRequestException e)
            {
                return [LocalDoctor.New("server", "error", "server-unreachable", session.Login.Url, session.Login.Url, e.Message)];
            }
        }
    }

    /// <summary>This program and machine against the server: its clock read somewhere between question and answer.</summary>
    public static IEnumerable<Finding> Compare(DoctorReport report, DateTimeOffset asked, DateTimeOffset answered, string own)
    {
        yield return report.Version == own ? LocalDoctor.New("versions", "ok", "version-same", null, own) : LocalDoctor.New("versions", "warning", "version-differs", null, own, report.Version);
        var skew = report.Time < asked ? report.Time - asked : report.Time > answered ? report.Time - answered : TimeSpan.Zero;
        yield return skew.Duration() <= DoctorRules.SkewMax ? LocalDoctor.New("clock", "ok", "clock-same", null) : LocalDoctor.New("clock", "error", "clock-differs", null, (int)skew.TotalSeconds);
    }
}
