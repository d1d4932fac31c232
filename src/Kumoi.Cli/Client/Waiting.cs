using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Waiting for a state with the API's own waiting form, told on a terminal as time goes on.</summary>
public static class Waiting
{
    // One request waits so long; the whole wait is as long as the person wants.
    private const int SecondsPerRequest = 20;

    public static async Task<T> ForAsync<T>(KumoiClient client, string path, string state, Func<T, string> describe, int timeoutSeconds, CancellationToken cancel)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        return await ShowAsync(Messages.Text("waiting-for", state), async status =>
        {
            for (; ; )
            {
                var left = timeoutSeconds - clock.GetElapsedTime(started).TotalSeconds;
                try
                {
                    return await client.GetAsync<T>(string.Create(CultureInfo.InvariantCulture, $"{path}?wait={state}&timeout={(int)Math.Clamp(left, 1, SecondsPerRequest)}"), cancel);
                }
                catch (ProblemException e) when (e.Problem.Code == "wait-timeout" && left > SecondsPerRequest)
                {
                    status(describe(await client.GetAsync<T>(path, cancel)));
                }
            }
        });
    }

    private static async Task<T> ShowAsync<T>(string title, Func<Action<string>, Task<T>> work)
    {
        var console = Session.Errors;
        if (!console.Profile.Capabilities.Interactive) return await work(_ => { });
        return await console.Status().StartAsync(Markup.Escape(title), status => work(text => status.Status(Markup.Escape($"{title} ({text})"))));
    }
}
