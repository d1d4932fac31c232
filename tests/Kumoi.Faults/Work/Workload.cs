using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Kumoi.Api;
using Kumoi.Faults.Cloud;

namespace Kumoi.Faults.Work;

/// <summary>
/// Clients that create, stop, start, regroup and terminate instances while things break. Each asks until it is answered, at whichever server
/// answers; a create carries its idempotency key, so that asking again is no second order. What was acknowledged is written down.
/// </summary>
internal sealed class Workload(FaultCloud cloud, Pace pace, int seed)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Acknowledged creates by name, and what was asked of each last.</summary>
    public ConcurrentDictionary<string, (string Id, string Desired)> Asked { get; } = new();

    /// <summary>Answers of 503: each must say when to come again.</summary>
    public int Unavailable => _unavailable;

    public int WithoutRetryAfter => _withoutRetryAfter;

    private int _unavailable, _withoutRetryAfter;

    /// <summary>What went wrong otherwise than by a connection that ended or was refused, or an answer that says to come again: answers of 500, and requests that were not answered in time.</summary>
    public ConcurrentQueue<string> Broken { get; } = new();

    private static readonly TimeSpan Lead = TimeSpan.FromSeconds(3), LongestRun = TimeSpan.FromMinutes(2);

    /// <summary>Works, has the faults happen in the middle, and goes on until there was enough work to tell.</summary>
    public static Task<Workload> WhileAsync(FaultCloud cloud, int seed, Func<Task> faults) => WhileAsync(cloud, Pace.Full, seed, faults);

    public static async Task<Workload> WhileAsync(FaultCloud cloud, Pace pace, int seed, Func<Task> faults)
    {
        var work = new Workload(cloud, pace, seed);
        using var stop = new CancellationTokenSource();
        var running = work.RunAsync(stop.Token);
        await Task.Delay(Lead);
        await faults();
        await Task.Delay(Lead);
        await FaultCloud.UntilAsync($"{pace.InstancesMin} instances were made", LongestRun, () => Task.FromResult(work.Asked.Count >= pace.InstancesMin || running.IsCompleted));
        await stop.CancelAsync();
        await running;
        return work;
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await Task.WhenAll(Enumerable.Range(0, pace.Clients).Select(client => ClientAsync(client, new Random(seed + client), stop)));
    }

    private async Task ClientAsync(int client, Random random, CancellationToken stop)
    {
        // Not through a pool shared with others: a killed server's connections are this client's own trouble.
        using var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) };
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(15) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", cloud.Token);
        var own = new List<string>();
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            if (number > 0 && pace.Pause > TimeSpan.Zero) await Task.Delay(pace.Pause, CancellationToken.None);
            if (own.Count < pace.LivingMax && (own.Count < 4 || random.Next(3) == 0))
            {
                var name = $"w{client}-{number}";
                var made = await CallAsync<Instance>(http, HttpMethod.Post, "/instances",
                    new { name, flavor = "tiny", image = "tiny", recovery = random.Next(2) == 0 ? "restart" : "wait" }, $"{seed}-{name}", random);
                Asked[name] = (made!.Id, "running");
                own.Add(name);
                continue;
            }
            var chosen = own[random.Next(own.Count)];
            var id = Asked[chosen].Id;
            switch (random.Next(5))
            {
                case 0:
                    await CallAsync<Instance>(http, HttpMethod.Post, $"/instances/{id}/stop", null, null, random);
                    Asked[chosen] = (id, "stopped");
                    break;
                case 1 or 2:
                    await CallAsync<Instance>(http, HttpMethod.Post, $"/instances/{id}/start", null, null, random);
                    Asked[chosen] = (id, "running");
                    break;
                case 3:
                    await CallAsync<Instance>(http, HttpMethod.Put, $"/instances/{id}/security-groups", new { securityGroups = random.Next(2) == 0 ? new[] { "default" } : [] }, null, random);
                    break;
                default:
                    await CallAsync<Instance>(http, HttpMethod.Delete, $"/instances/{id}", null, null, random);
                    Asked[chosen] = (id, "terminated");
                    own.Remove(chosen);
                    break;
            }
        }
    }

    private async Task<T?> CallAsync<T>(HttpClient http, HttpMethod method, string path, object? body, string? key, Random random) where T : class
    {
        var failures = new List<string>();
        for (var until = DateTime.UtcNow + Patience; DateTime.UtcNow < until;)
        {
            var living = cloud.Servers.Where(s => s.Process.Lives).ToList();
            if (living.Count == 0)
            {
                await Task.Delay(100);
                continue;
            }
            var url = living[random.Next(living.Count)].Url;
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(url, "/api/v1" + path));
                if (body is not null) request.Content = JsonContent.Create(body);
                if (key is not null) request.Headers.Add("Idempotency-Key", key);
                using var answer = await http.SendAsync(request);
                if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                {
                    Interlocked.Increment(ref _unavailable);
                    if (answer.Headers.RetryAfter?.Delta is null) Interlocked.Increment(ref _withoutRetryAfter);
                }
                else if ((int)answer.StatusCode < 500)
                {
                    if (answer.IsSuccessStatusCode) return await answer.Content.ReadFromJsonAsync<T>(System.Text.Json.JsonSerializerOptions.Web);
                    var words = await answer.Content.ReadAsStringAsync();
                    // With all hosts cut off there is no room: a clear answer, and the client comes again.
                    if (!words.Contains("insufficient-capacity", StringComparison.Ordinal)) throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {words}");
                }
                failures.Add($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                if ((int)answer.StatusCode is >= 500 and not 503) Broken.Enqueue($"{url} {method} {path}: {failures[^1]}");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                failures.Add(e.Message);
                if (e is TaskCanceledException) Broken.Enqueue($"{url} {method} {path}: {e.Message}");
            }
            await Task.Delay(50 + random.Next(150));
        }
        throw new TimeoutException($"{method} {path} was not answered within {Patience.TotalSeconds} s: {string.Join("; ", failures.TakeLast(3))}");
    }
}

/// <summary>How much work there is.</summary>
/// <param name="InstancesMin">Instances to be made before the work may end.</param>
/// <param name="LivingMax">Instances that one client has at a time.</param>
/// <param name="Pause">Between two requests of a client.</param>
internal sealed record Pace(int Clients, int InstancesMin, int LivingMax, TimeSpan Pause)
{
    /// <summary>As much as the servers can take.</summary>
    public static readonly Pace Full = new(8, 100, int.MaxValue, TimeSpan.Zero);

    /// <summary>As much as emulated guests on a small machine can take.</summary>
    public static readonly Pace Guests = new(2, 10, 5, TimeSpan.FromSeconds(0.7));
}
