namespace Kumoi.Simulation.Model;

/// <summary>What servers do by themselves.</summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(10), SilenceMax = TimeSpan.FromSeconds(90);

    private async Task WatchAsync()
    {
        for (; ; )
        {
            await Task.Delay(WatchPeriod, Clock);
            try
            {
                await CommitAsync(Watch, _ => []);
            }
            catch (DatabaseGoneException)
            {
                // The next look will tell.
            }
        }
    }

    private int Watch()
    {
        var silent = Records.Hosts.Values.Where(host => host.State == "up" && host.HeardAt < Clock.GetUtcNow() - SilenceMax).ToList();
        foreach (var host in silent) host.State = "unreachable";
        return silent.Count;
    }
}
