using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Measures;

/// <summary>Resident memory of the cloud's processes, looked at a few times while nothing is asked of them.</summary>
public static class Memory
{
    private const int Looks = 5;

    // The garbage collector and PostgreSQL's own workers have come to rest by then, or will not.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(15), Pause = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(LocalCloud cloud, string when)
    {
        var pids = await cloud.PidsAsync();
        await Task.Delay(Rest);
        var looks = new List<((double Rss, double Pss) Server, (double Rss, double Pss) Agent, double Postgres, double Processes)>();
        for (var look = 0; look < Looks; look++)
        {
            int[] postgres = [pids["postgres"], .. ProcessFiles.Children(pids["postgres"])];
            looks.Add((ProcessFiles.Memory(pids["server"]), ProcessFiles.Memory(pids["agent"]), postgres.Sum(pid => ProcessFiles.Memory(pid).Pss), postgres.Length));
            await Task.Delay(Pause);
        }
        Figure Of(string what, Func<((double Rss, double Pss) Server, (double Rss, double Pss) Agent, double Postgres, double Processes), double> value, Goal? goal) =>
            new($"{what}, {when}", new Sample(looks.Select(value)), "MB", 0, goal);
        return
        [
            Of("server, RSS", look => look.Server.Rss, new Goal(200)), Of("server, PSS", look => look.Server.Pss, null),
            Of("agent, RSS", look => look.Agent.Rss, new Goal(90)), Of("agent, PSS", look => look.Agent.Pss, null),
            Of($"PostgreSQL, PSS of {looks[^1].Processes} processes", look => look.Postgres, null),
        ];
    }
}
