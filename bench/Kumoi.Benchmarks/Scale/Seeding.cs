using System.Globalization;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Measures;
using Kumoi.Testing;

namespace Kumoi.Benchmarks.Scale;

/// <summary>What was made in a cloud for measuring: kept in a file of its state directory, so that a later run goes on with it.</summary>
/// <param name="Tokens">Of accounts that the load comes from.</param>
/// <param name="ListToken">Of the account with a thousand instances, which are listed.</param>
/// <param name="SmallCosts">Milliseconds of processor time per create, measured while the cloud was small.</param>
public sealed record Seeded(string AdminToken, IReadOnlyList<string> Tokens, string ListToken, IReadOnlyList<double> SmallCosts, int SmallInstances);

/// <summary>Fills a cloud by its API, as its users would: accounts, each with its network, and instances a hundred at a time.</summary>
public sealed class Seeding(LocalCloud cloud, string directory, ScaleSizes sizes, Action<string> say)
{
    public const string Image = "scale", Flavor = "tiny";

    private const string Password = "bench-password", ListAccount = "bench-list";
    private const int AtOnce = 100, Clients = 4, TokensMax = 32, LoadAccounts = 64, Listed = 1000;

    private string File_ => Path.Combine(directory, "seeded.json");

    public Seeded? Load() => File.Exists(File_) ? JsonSerializer.Deserialize<Seeded>(File.ReadAllText(File_)) : null;

    public void Keep(Seeded seeded) => File.WriteAllText(File_, JsonSerializer.Serialize(seeded));

    /// <summary>The image, the zone and the accounts; a login for some of them, since logging in is slow on purpose.</summary>
    public async Task<Seeded> AccountsAsync()
    {
        var adminToken = await cloud.LoginAsync("admin", await cloud.AdminPasswordAsync());
        using var admin = cloud.Client(adminToken);
        await admin.PostAsync<CreateZone, Zone>("zones", new CreateZone(SimulatedHosts.ZoneName));
        var image = await admin.PostAsync<CreateImage, Image>("images", new CreateImage(Image, "qcow2", null, null, "public", "root"));
        using (var content = new ByteArrayContent(Qcow2.Good())) await admin.UploadAsync(image.Id, content);
        say($"{sizes.Accounts} accounts");
        var tokens = new string[Math.Min(TokensMax, sizes.Accounts)];
        await Clock.ShareAsync(Clients, sizes.Accounts, async (_, number) =>
        {
            await admin.PostAsync<CreateAccount, Account>("accounts", new CreateAccount(NameOf(number), null));
            if (number < tokens.Length) tokens[number] = await UserAsync(admin, NameOf(number));
        });
        await admin.PostAsync<CreateAccount, Account>("accounts", new CreateAccount(ListAccount, null));
        return new Seeded(adminToken, tokens, await UserAsync(admin, ListAccount), [], 0);
    }

    /// <summary>
    /// Accounts for this run's load, each with as many instances as the others have: those of the runs before, if the cloud is kept, have more in their networks, and a change
    /// of a network is told to every host that has a part of it.
    /// </summary>
    public async Task<Seeded> LoadAccountsAsync(Seeded seeded)
    {
        using var admin = cloud.Client(seeded.AdminToken);
        var (run, tokens) = (DateTime.UtcNow.Ticks, new string[LoadAccounts]);
        await Clock.ShareAsync(Clients, LoadAccounts, async (_, number) =>
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"bench-{run:x}-{number}");
            await admin.PostAsync<CreateAccount, Account>("accounts", new CreateAccount(name, null));
            tokens[number] = await UserAsync(admin, name);
            await CreateAsync(seeded.AdminToken, name);
        });
        return seeded with { Tokens = tokens };
    }

    private async Task<string> UserAsync(KumoiClient admin, string account)
    {
        await admin.PostAsync<CreateUser, User>("users", new CreateUser(account, Password, "admin", account));
        return await cloud.LoginAsync(account, Password);
    }

    /// <summary>A thousand instances of one account.</summary>
    public async Task ListAsync(string adminToken)
    {
        for (var made = 0; made < Listed; made += AtOnce) await CreateAsync(adminToken, ListAccount);
    }

    /// <summary>Instances until there are so many, spread over the accounts.</summary>
    public async Task InstancesAsync(string adminToken, int present, int wanted)
    {
        var (requests, done) = ((wanted - present + AtOnce - 1) / AtOnce, 0);
        await Clock.ShareAsync(Clients, requests, async (_, number) =>
        {
            await CreateAsync(adminToken, NameOf((present / AtOnce + number) % sizes.Accounts));
            if (Interlocked.Increment(ref done) % 100 == 0) say($"{present + done * AtOnce:N0} instances");
        });
    }

    /// <summary>A hundred instances, made by an operator for an account.</summary>
    private async Task CreateAsync(string adminToken, string account)
    {
        using var client = new KumoiClient(cloud.Url, adminToken, "en") { Account = account };
        await client.PostAsync<LaunchInstance, Page<Instance>>("instances", new LaunchInstance($"seed-{DateTime.UtcNow.Ticks:x16}", Flavor, Image, null, null, null, null, AtOnce, SimulatedHosts.ZoneName));
    }

    private static string NameOf(int account) => string.Create(CultureInfo.InvariantCulture, $"bench-{account}");
}
