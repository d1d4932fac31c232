using System.Globalization;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;
using static Kumoi.Benchmarks.Figures.Steps;

namespace Kumoi.Benchmarks.Accounts;

/// <summary>How often each thing is done.</summary>
public sealed record AccountsSizes(int Rounds, int Creates, int Calls, int Rows, int Lists)
{
    public static AccountsSizes Full { get; } = new(Rounds: 7, Creates: 1000, Calls: 2000, Rows: 1000, Lists: 40);

    /// <summary>Only to see that everything works: the figures mean nothing.</summary>
    public static AccountsSizes Trial { get; } = new(Rounds: 2, Creates: 128, Calls: 50, Rows: 100, Lists: 4);
}

/// <summary>What quotas, permissions and the EC2 dialect cost, each beside the same without; started by <c>bench/run --accounts</c>.</summary>
public static class AccountsProgram
{
    private const int Together = 64, Launched = 100;

    public static async Task RunAsync(LocalCloud cloud, string tree, string image, AccountsSizes sizes, string? page)
    {
        var machine = await MachineFacts.ReadAsync(tree);
        Say(machine.Description);
        await cloud.KumoiAsync("up");
        var tenant = await Tenant.MakeAsync(cloud, image);
        List<Section> sections = [];
        Say("permissions");
        sections.Add(new Section("What a call's permission costs", await PermissionsAsync(tenant, sizes)));
        Say("quotas");
        sections.Add(new Section($"Quotas under {Together} creators: {sizes.Creates:N0} security groups asked for", await QuotasAsync(tenant, sizes)));
        Say("EC2");
        await using (var host = await BoundlessHost.JoinAsync(tenant))
        {
            await host.ObeyAsync();
            sections.Add(new Section("The EC2 dialect, signed with Signature Version 4, beside the cloud's own API; a host with nothing to boot", await Ec2Async(tenant, sizes)));
        }
        var markdown = Report.Markdown(machine, sections);
        Console.WriteLine(markdown);
        if (page is not null) Report.Write(page, "run --accounts", markdown);
    }

    /// <summary>The same read with a token and without: what is between them is the token, its user's roles and the permission.</summary>
    private static async Task<IReadOnlyList<Figure>> PermissionsAsync(Tenant tenant, AccountsSizes sizes)
    {
        using var http = new HttpClient { BaseAddress = tenant.Cloud.Url };
        var figures = new List<Figure>();
        foreach (var clients in (int[])[1, 8])
        {
            var (open, held, cost) = (new List<double>(), new List<double>(), new List<double>());
            // The first of each pay for compiling.
            for (var round = -1; round < sizes.Rounds; round++)
            {
                var (without, _) = await Clock.ShareAsync(clients, sizes.Calls, (_, _) => CallAsync("/readyz", null));
                var (with, _) = await Clock.ShareAsync(clients, sizes.Calls, (_, _) => CallAsync("/api/v1/tariffs", tenant.Token));
                if (round < 0) continue;
                open.AddRange(without);
                held.AddRange(with);
                cost.Add(new Sample(with).Median - new Sample(without).Median);
            }
            figures.Add(new Figure($"a call that asks the database one thing and needs no permission, {Words.Clients(clients)}", new Sample(open), "ms", 3, null));
            figures.Add(new Figure($"a call that is refused for want of a permission, {Words.Clients(clients)}", new Sample(held), "ms", 3, null));
            figures.Add(new Figure($"the difference of the medians, {Words.Clients(clients)}", new Sample(cost), "ms", 3, new Goal(0.2, OfMedian: true)));
        }
        return figures;

        async Task CallAsync(string path, string? token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (token is not null) request.Headers.Authorization = new("Bearer", token);
            using var answer = await http.SendAsync(request);
            await answer.Content.ReadAsByteArrayAsync();
            if ((int)answer.StatusCode != (token is null ? 200 : 403)) throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}");
        }
    }

    /// <summary>Creates with no limit, with one that is never reached, and with one that half of them go beyond, in turn.</summary>
    private static async Task<IReadOnlyList<Figure>> QuotasAsync(Tenant tenant, AccountsSizes sizes)
    {
        using var admin = tenant.Admin();
        var clients = Enumerable.Range(0, Together).Select(_ => tenant.Client()).ToArray();
        var have = (await Used(clients[0])).Used;
        (string Name, long? Limit, int Made)[] kinds = [("no quota", null, sizes.Creates), ("a quota that is not reached", have + sizes.Creates * 10L, sizes.Creates), ("a quota for half of them", have + sizes.Creates / 2, sizes.Creates / 2)];
        var rates = kinds.ToDictionary(kind => kind.Name, _ => new List<double>());
        var each = kinds.ToDictionary(kind => kind.Name, _ => new List<double>());
        for (var round = -1; round < sizes.Rounds; round++)
            foreach (var (name, limit, expected) in kinds)
            {
                await admin.PutAsync<SetQuotas, Page<Quota>>("accounts/bench/quotas", new SetQuotas(new Dictionary<string, long?> { ["security-groups"] = limit }, null));
                var made = new List<string>();
                var (times, seconds) = await Clock.ShareAsync(Together, sizes.Creates, async (client, number) =>
                {
                    try
                    {
                        var group = await clients[client].PostAsync<CreateSecurityGroup, SecurityGroup>("security-groups", new CreateSecurityGroup(string.Create(CultureInfo.InvariantCulture, $"g{round}-{number}"), null, null));
                        lock (made) made.Add(group.Id);
                    }
                    catch (ProblemException e) when (e.Problem.Code == "quota-exceeded")
                    {
                        // Beyond the limit.
                    }
                });
                if (made.Count != expected || (await Used(clients[0])).Used != have + expected) throw new InvalidOperationException($"{made.Count} were made, not {expected}.");
                await Clock.ShareAsync(8, made.Count, (client, number) => clients[client].DeleteAsync("security-groups/" + made[number]));
                if (round < 0) continue;
                rates[name].Add(sizes.Creates / seconds);
                each[name].AddRange(times);
            }
        foreach (var client in clients) client.Dispose();
        return [.. kinds.SelectMany(kind => new[] { new Figure($"answers per second, {kind.Name}", new Sample(rates[kind.Name]), "/s", 0, null), new Figure($"until the answer, {kind.Name}", new Sample(each[kind.Name]), "ms", 1, null) })];

        static async Task<Quota> Used(KumoiClient client) => (await client.GetAsync<Page<Quota>>("quotas")).Items.Single(q => q.Resource == "security-groups");
    }

    private static async Task<IReadOnlyList<Figure>> Ec2Async(Tenant tenant, AccountsSizes sizes)
    {
        using var client = tenant.Client();
        var key = await client.PostAsync<CreateAccessKey, AccessKeyCreated>("access-keys", new CreateAccessKey(null, null, null));
        using var ec2 = new Ec2Caller(tenant.Cloud.Url, key);
        var count = Launched.ToString(CultureInfo.InvariantCulture);
        var (launches, own, describes, lists) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < sizes.Rounds; round++)
        {
            var launched = await Clock.MillisecondsAsync(() => ec2.DoAsync("RunInstances", ("ImageId", Tenant.Image), ("InstanceType", Tenant.Flavor), ("MinCount", count), ("MaxCount", count), ("Placement.AvailabilityZone", BoundlessHost.Zone)));
            var beside = await Clock.MillisecondsAsync(() => client.PostAsync<LaunchInstance, Page<Instance>>("instances", Tenant.Launch($"own{round}", BoundlessHost.Zone) with { Count = Launched }));
            await ClearAsync(client);
            if (round < 0) continue;
            launches.Add(launched);
            own.Add(beside);
        }
        for (var made = 0; made < sizes.Rows; made += Launched) await client.PostAsync<LaunchInstance, Page<Instance>>("instances", Tenant.Launch($"row{made}", BoundlessHost.Zone) with { Count = Launched });
        while ((await client.GetAsync<Page<Instance>>("instances?state=pending&limit=1")).Items.Count > 0) await Task.Delay(100);
        var path = string.Create(CultureInfo.InvariantCulture, $"instances?limit={sizes.Rows}");
        var bytes = 0;
        for (var i = -5; i < sizes.Lists; i++)
        {
            var described = await Clock.MillisecondsAsync(async () => bytes = (await ec2.DoAsync("DescribeInstances", ("MaxResults", sizes.Rows.ToString(CultureInfo.InvariantCulture)))).Length);
            var listed = await Clock.MillisecondsAsync(() => client.GetAsync<Page<Instance>>(path));
            if (i < 0) continue;
            describes.Add(described);
            lists.Add(listed);
        }
        await ClearAsync(client);
        return
        [
            new Figure($"RunInstances of {Launched} in one call", new Sample(launches), "ms", 0, null), new Figure($"the same by POST /instances", new Sample(own), "ms", 0, null),
            new Figure($"DescribeInstances of {sizes.Rows:N0} ({bytes / 1024:N0} KiB)", new Sample(describes), "ms", 1, null), new Figure($"the same by GET /instances, read by its client", new Sample(lists), "ms", 1, null),
        ];
    }

    private static async Task ClearAsync(KumoiClient client)
    {
        while (true)
        {
            var ids = new List<string>();
            await foreach (var instance in client.ListAsync<Instance>("instances", "")) if (instance.State is not ("terminated" or "shutting-down")) ids.Add(instance.Id);
            if (ids.Count == 0) return;
            await Clock.ShareAsync(4, ids.Count, (_, number) => client.DeleteAsync("instances/" + ids[number]));
        }
    }
}
