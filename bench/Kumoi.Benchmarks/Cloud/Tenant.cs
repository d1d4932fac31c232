using Kumoi.Api;

namespace Kumoi.Benchmarks.Cloud;

/// <summary>An account of the cloud that is measured, with what its instances need: the tiny image, and ssh let in.</summary>
public sealed record Tenant(LocalCloud Cloud, string AdminToken, string Token)
{
    public const string Image = "tiny", Flavor = "tiny";

    private const string Name = "bench", Password = "bench-password";

    public static async Task<Tenant> MakeAsync(LocalCloud cloud, string imageFile)
    {
        var adminToken = await cloud.LoginAsync("admin", await cloud.AdminPasswordAsync());
        using var admin = cloud.Client(adminToken);
        var image = await admin.PostAsync<CreateImage, Image>("images", new CreateImage(Image, "qcow2", null, null, "public", "root"));
        await using (var bytes = File.OpenRead(imageFile))
        using (var content = new StreamContent(bytes)) await admin.UploadAsync(image.Id, content);
        await admin.PostAsync<CreateAccount, Account>("accounts", new CreateAccount(Name, null));
        await admin.PostAsync<CreateUser, User>("users", new CreateUser(Name, Password, "admin", Name));
        var tenant = new Tenant(cloud, adminToken, await cloud.LoginAsync(Name, Password));
        using var client = tenant.Client();
        await client.PostAsync<CreateSecurityGroupRule, SecurityGroupRule>("security-groups/default/rules", new CreateSecurityGroupRule("ingress", "tcp", 22, 22, "0.0.0.0/0", null, "ssh"));
        return tenant;
    }

    public KumoiClient Client() => Cloud.Client(Token);

    public KumoiClient Admin() => Cloud.Client(AdminToken);

    public static LaunchInstance Launch(string name, string zone) => new(name, Flavor, Image, null, null, null, null, null, zone);
}
