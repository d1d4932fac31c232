using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Operations;
using Kumoi.Cli.Text;
using Xunit;

namespace Kumoi.Agent.Tests.Operations;

/// <summary>Goal: what is wrong on this machine is found. Method: a state directory with planted faults.</summary>
public sealed class LocalDoctorTests : IDisposable
{
    private readonly CloudLayout _layout = new(Directory.CreateTempSubdirectory("kumoi-doctor-").FullName);

    public LocalDoctorTests()
    {
        foreach (var directory in (string[])[_layout.PostgresData, _layout.Secrets, _layout.ServerSecrets, Identity]) Directory.CreateDirectory(directory);
        LocalCloud.WriteSecret(_layout.AdminPassword);
        WriteIdentity(TimeProvider.System.GetUtcNow().AddDays(60));
    }

    private string Identity => Path.Combine(_layout.State, "agent", "identity");

    private void WriteIdentity(DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=h-1", key, HashAlgorithmName.SHA256).CreateSelfSigned(until.AddDays(-90), until);
        var path = Path.Combine(Identity, "identity.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new { HostId = "h-1", Certificate = certificate.ExportCertificatePem() }));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private async Task<List<string>> FoundAsync(string check) =>
        [.. (await new LocalDoctor(_layout, TimeProvider.System).ExamineAsync(default)).Where(f => f.Check == check).Select(f => $"{f.Severity} {f.Code}")];

    [Fact]
    public async Task A_world_readable_secret_is_an_error_that_names_the_file()
    {
        Assert.Equal(["ok secrets-kept"], await FoundAsync("secrets"));
        File.SetUnixFileMode(_layout.AdminPassword, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var found = (await new LocalDoctor(_layout, TimeProvider.System).ExamineAsync(default)).Single(f => f.Code == "secret-open");
        Assert.Equal(("error", _layout.AdminPassword), (found.Severity, found.Subject));
        Assert.Contains("404", found.Message, StringComparison.Ordinal);
        Assert.Contains("chmod 600", found.Action!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_certificate_is_judged_by_its_end()
    {
        Assert.Equal(["ok host-certificate-valid"], await FoundAsync("certificates"));
        WriteIdentity(TimeProvider.System.GetUtcNow().AddDays(3));
        Assert.Equal(["warning host-certificate-expires"], await FoundAsync("certificates"));
        WriteIdentity(TimeProvider.System.GetUtcNow().AddDays(-1));
        Assert.Equal(["error host-certificate-expired"], await FoundAsync("certificates"));
        File.WriteAllText(Path.Combine(Identity, "identity.json"), "{}");
        Assert.Equal(["error identity-broken"], await FoundAsync("certificates"));
    }

    [Fact]
    public async Task Processes_that_do_not_run_are_errors_and_a_machine_without_a_cloud_has_none()
    {
        Assert.Equal(["error process-missing", "error process-missing", "error process-missing"], await FoundAsync("processes"));
        Directory.Delete(_layout.PostgresData);
        Assert.Equal("no-cloud-here", Assert.Single(await new LocalDoctor(_layout, TimeProvider.System).ExamineAsync(default)).Code);
    }

    [Fact]
    public async Task Every_host_of_the_machine_is_looked_at_by_itself()
    {
        Directory.Delete(_layout.PostgresData);
        _layout.ChooseHosts(2);
        _layout.Keep();
        Directory.CreateDirectory(_layout.PostgresData);
        await File.WriteAllTextAsync(Path.Combine(_layout.State, "ranges"), "7", TestContext.Current.CancellationToken);
        var broken = Directory.CreateDirectory(_layout.Hosts[1].Identity).FullName;
        await File.WriteAllTextAsync(Path.Combine(broken, "identity.json"), "{}", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(Path.Combine(broken, "identity.json"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var found = await new LocalDoctor(_layout, TimeProvider.System).ExamineAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["postgres", "server", "agent-1", "agent-2"], found.Where(f => f.Code == "process-missing").Select(f => f.Subject));
        Assert.All(found.Where(f => f.Code is "identity-broken" or "secret-open"), f => Assert.StartsWith(broken, f.Subject, StringComparison.Ordinal));
        Assert.Equal(2, found.Count(f => f.Code is "identity-broken" or "secret-open"));
        // Nothing was started, so no host is joined to the other.
        Assert.Equal(["host-1", "host-2"], found.Where(f => f.Code == "underlay-broken").Select(f => f.Subject));
    }

    [Theory]
    [InlineData(0, "ok clock-same")]
    [InlineData(1, "ok clock-same")]
    [InlineData(60, "error clock-differs")]
    [InlineData(-60, "error clock-differs")]
    public void The_servers_clock_may_differ_by_the_time_of_the_question(int seconds, string expected)
    {
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        var found = DoctorCommand.Compare(new DoctorReport(now.AddSeconds(seconds), "1", []), now, now.AddMilliseconds(20), "1").Select(f => $"{f.Severity} {f.Code}");
        Assert.Equal(["ok version-same", expected], found);
    }

    [Fact]
    public void Every_text_is_there_in_both_languages_with_the_same_places()
    {
        var (english, japanese) = (Messages.Load("en"), Messages.Load("ja"));
        foreach (var key in english.Keys.Where(key => key.StartsWith("doctor-", StringComparison.Ordinal) || key.StartsWith("top-", StringComparison.Ordinal) || key.StartsWith("explain-", StringComparison.Ordinal)))
            Assert.Equal(Places(english[key]), Places(japanese[key]));
    }

    private static IEnumerable<char> Places(string text) => Enumerable.Range(0, 9).Select(i => (char)('0' + i)).Where(digit => text.Contains($"{{{digit}", StringComparison.Ordinal));

    public void Dispose() => Directory.Delete(_layout.State, recursive: true);
}
