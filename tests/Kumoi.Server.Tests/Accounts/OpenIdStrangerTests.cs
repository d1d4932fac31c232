using System.Diagnostics;
using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: it is OpenID Connect that is spoken, and not only what our own tests take for it. Method: the provider of the npm package oidc-provider (<c>npm ci</c> in tests/identity-provider, as ./test does), and a browser that fills in its pages.</summary>
public sealed class OpenIdStrangerTests
{
    [Fact]
    public async Task People_sign_in_by_a_provider_that_others_wrote()
    {
        await using var cloud = await TestCloud.StartAsync(options => options with { LoopbackIssuers = true });
        var port = TestCloud.FreePort();
        var place = Path.Combine(Root(), "tests/identity-provider");
        Assert.True(Directory.Exists(Path.Combine(place, "node_modules")), $"npm ci in {place} installs what this test needs.");
        using var provider = Process.Start(new ProcessStartInfo("node", ["provider.mjs", $"{port}", cloud.Url + "/sign-in/callback"]) { WorkingDirectory = place, RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            provider.ErrorDataReceived += (_, _) => { };
            provider.BeginErrorReadLine();
            while (await provider.StandardOutput.ReadLineAsync() is { } line && line != "ready") ;
            var admin = await cloud.LoginAsync();
            await cloud.TenantAsync("acme");
            await admin.PostAsync<UserDirectory>("/directories", new { name = "stranger", url = $"http://127.0.0.1:{port}", account = "acme", groupRoles = new[] { new { group = "developers", role = "member" } }, openId = new { clientId = "kumoi", clientSecret = "secret of the client" } });
            using var browser = new SignInBrowser(cloud);
            var start = (await cloud.Anonymous().GetAsync<SignInProvider>("/sign-in-providers/stranger")).Url;
            var (code, error) = SignInBrowser.Answer(await WalkAsync(browser, $"{start}?challenge={browser.Challenge}&to={SignInBrowser.Port}"));
            Assert.Null(error);
            var made = await cloud.Anonymous().PostAsync<TokenCreated>("/tokens", new { signIn = new { code, verifier = browser.Verifier } });
            Assert.Equal(("aiko", "acme", "member"), (made.User.Name, made.User.Account.Name, made.User.Role));
            Assert.Equal("aiko", Assert.Single((await admin.GetAsync<Page<DirectoryUser>>("/directories/stranger/users")).Items).Subject);
        }
        finally
        {
            provider.Kill();
            await provider.WaitForExitAsync();
        }
    }

    /// <summary>Follows redirects, and fills in the pages between them, until the program that began is reached.</summary>
    private static async Task<string> WalkAsync(SignInBrowser browser, string address)
    {
        for (var step = 0; step < 20 && !address.StartsWith($"http://127.0.0.1:{SignInBrowser.Port}/", StringComparison.Ordinal); step++)
        {
            var answer = await browser.GetAsync(address);
            if (answer.Headers.Location is null)
            {
                var page = await answer.Content.ReadAsStringAsync();
                Assert.True(answer.IsSuccessStatusCode, $"{address}: {page}");
                answer.Dispose();
                answer = await browser.PostAsync(address, page.Contains("name=\"login\"", StringComparison.Ordinal) ? new() { ["prompt"] = "login", ["login"] = "aiko", ["password"] = "any" } : new() { ["prompt"] = "consent" });
            }
            address = new Uri(new Uri(address), answer.Headers.Location!).ToString();
            answer.Dispose();
        }
        return address;
    }

    private static string Root()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Kumoi.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }
}
