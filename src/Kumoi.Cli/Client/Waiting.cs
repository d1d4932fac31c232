using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>
/// Waiting for a state with the API's own waiting form, told on a terminal as time goes on. A cloud that does not answer for a while, as when its
/// server is started anew, ends no wait: what was asked of it stands.
/// </summary>
public static class Waiting
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // One request waits so long; the whole wait is as long as the person wants. Somebody who looks on is told more often how far it is.
    private static int SecondsPerRequest => Session.Errors.Profile.Capabilities.Interactive ? 4 : 20;

    public static Task<T> ForAsync<T>(KumoiClient client, string path, string state, Func<T, string> describe, int timeoutSeconds, CancellationToken cancel) =>
        ForAsync<T>(client, path, state, now => Task.FromResult(describe(now)), timeoutSeconds, cancel);

    /// <summary>Waits until a resource that was deleted is gone, or is as near to that as it can be.</summary>
    public static async Task UntilGoneAsync<T>(KumoiClient client, string path, Func<T, Task<string>> describe, int timeoutSeconds, CancellationToken cancel)
    {
        try
        {
            await ForAsync(client, path, "deleted", describe, timeoutSeconds, cancel);
        }
        catch (ProblemException e) when (e.Problem.Status == 404)
        {
            // As it should be.
        }
    }

    private static async Task<T> ForAsync<T>(KumoiClient client, string path, string state, Func<T, Task<string>> describe, int timeoutSeconds, CancellationToken cancel)
    {
        var (clock, perRequest) = (TimeProvider.System, SecondsPerRequest);
        var started = clock.GetTimestamp();
        return await ShowAsync(Messages.Text("waiting-for", state), async status =>
        {
            for (; ; )
            {
                var left = timeoutSeconds - clock.GetElapsedTime(started).TotalSeconds;
                try
                {
                    return await client.GetAsync<T>(string.Create(CultureInfo.InvariantCulture, $"{path}?wait={state}&timeout={(int)Math.Clamp(left, 1, perRequest)}"), cancel);
                }
                catch (ProblemException e) when (e.Problem.Code == "wait-timeout" && left > perRequest)
                {
                    status(await AtLastAsync(client, path, describe, cancel));
                }
                catch (Exception e) when (IsAway(e) && left > 0)
                {
                    status(Messages.Text("waiting-for-answer"));
                    await Task.Delay(Pause, clock, cancel);
                }
            }
        });
    }

    private static async Task<string> AtLastAsync<T>(KumoiClient client, string path, Func<T, Task<string>> describe, CancellationToken cancel)
    {
        try
        {
            return await describe(await client.GetAsync<T>(path, cancel));
        }
        catch (Exception e) when (IsAway(e))
        {
            return Messages.Text("waiting-for-answer");
        }
    }

    private static bool IsAway(Exception e) => e is HttpRequestException or HttpIOException or ProblemException { Problem.Status: 503 };

    private static async Task<T> ShowAsync<T>(string title, Func<Action<string>, Task<T>> work)
    {
        var console = Session.Errors;
        if (!console.Profile.Capabilities.Interactive) return await work(_ => { });
        return await console.Status().StartAsync(Markup.Escape(title), status => work(text => status.Status(Markup.Escape($"{title} ({text})"))));
    }
}
