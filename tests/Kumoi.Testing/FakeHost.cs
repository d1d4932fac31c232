using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Testing;

/// <summary>A host that does what a test says: it speaks the agent's protocol for real, and what it reports is up to the test.</summary>
public sealed class FakeHost : IDisposable
{
    private readonly HttpClient _http;
    private HostFacts _facts;

    private FakeHost(string id, HttpClient http, HostFacts facts) => (Id, _http, _facts) = (id, http, facts);

    public string Id { get; }

    public string Name => _facts.Name;

    public HttpClient Http => _http;

    public static HostFacts Facts(string name, int vcpus = 2, int memoryMib = 8192, int diskGib = 100) =>
        new(name, "127.0.0.1", "test", "simulated", "simulated", "Guests are simulated.", vcpus, memoryMib, diskGib, "boot-1");

    /// <summary>Joins with a fresh token.</summary>
    /// <param name="stores">What the host tells of as it joins; none: it does not say.</param>
    public static async Task<FakeHost> JoinAsync(TestCloud cloud, HostFacts facts, params ObservedStore[] stores)
    {
        var admin = await cloud.LoginAsync();
        return await JoinAsync(cloud.AgentUrl, (await admin.PostAsync<JoinToken>("/hosts/join-tokens", new { })).Token, facts, stores);
    }

    /// <summary>Joins any cloud whose agents' address is known, with a token made there.</summary>
    public static async Task<FakeHost> JoinAsync(Uri agentUrl, string token, HostFacts facts, params ObservedStore[] stores)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=new host", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        using var anonymous = Client(agentUrl, null);
        using var answer = await anonymous.PostAsJsonAsync("/agent/v1/join", new JoinRequest(token, request, facts, stores.Length > 0 ? stores : null), ApiJson.Default.JoinRequest);
        answer.EnsureSuccessStatusCode();
        var joined = (await answer.Content.ReadFromJsonAsync(ApiJson.Default.JoinAnswer))!;
        using var bare = X509Certificate2.CreateFromPem(joined.Certificate);
        using var withKey = bare.CopyWithPrivateKey(key);
        return new FakeHost(joined.HostId, Client(agentUrl, X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null)), facts);
    }

    public static HttpClient Client(TestCloud cloud, X509Certificate2? certificate) => Client(cloud.AgentUrl, certificate);

    public static HttpClient Client(Uri agentUrl, X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Issuer == "CN=Kumoi authority" } };
        if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
        return new HttpClient(handler) { BaseAddress = agentUrl, Timeout = TimeSpan.FromMinutes(1) };
    }

    /// <summary>The desired document newer than a revision; null if there is none within the wait.</summary>
    public async Task<DesiredDocument?> DesiredAsync(long after = 0, int wait = 0)
    {
        return (await AskAsync(after, wait, new Dictionary<string, long>(), default))?.Document;
    }

    /// <summary>News for a host that has what the question says; null if there is none within the wait.</summary>
    public async Task<DesiredAnswer?> AskAsync(long after, int wait, IReadOnlyDictionary<string, long> peers, CancellationToken cancel, bool differences = false)
    {
        using var answer = await _http.PostAsJsonAsync("/agent/v1/desired", new DesiredQuestion(after, wait, peers, differences), ApiJson.Default.DesiredQuestion, cancel);
        answer.EnsureSuccessStatusCode();
        return answer.StatusCode == HttpStatusCode.NoContent ? null : await answer.Content.ReadFromJsonAsync(ApiJson.Default.DesiredAnswer, cancel);
    }

    public Task<HttpStatusCode> ReportAsync(params ObservedInstance[] instances) => SendAsync(new ObservedReport(false, 0, _facts, instances, [], []));

    /// <summary>Reports other facts than those it joined with.</summary>
    public Task<HttpStatusCode> ReportAsFactsAsync(HostFacts facts)
    {
        _facts = facts;
        return ReportAsync();
    }

    public Task<HttpStatusCode> ReportDepartedAsync(params FormerInstance[] departed) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], departed));

    public Task<HttpStatusCode> ReportTrafficAsync(params ObservedTraffic[] traffic) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], Traffic: traffic));

    /// <summary>Reports what it sees of load balancers.</summary>
    public Task<HttpStatusCode> ReportListenersAsync(bool full, params ObservedListener[] listeners) => SendAsync(new ObservedReport(full, 0, _facts, [], [], [], Listeners: listeners));

    /// <summary>Tells of the images that it has, and where it gives them to others.</summary>
    public Task<HttpStatusCode> ReportImagesAsync(int? port, params ObservedImage[] images) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], Images: new ObservedImages(images, port)));

    public Task<HttpStatusCode> ReportVpnsAsync(params ObservedVpn[] vpns) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], Vpns: vpns));

    private async Task<HttpStatusCode> SendAsync(ObservedReport report)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(report, ApiJson.Default.ObservedReport));
        content.Headers.ContentType = new("application/json");
        using var answer = await _http.PostAsync("/agent/v1/observed", content);
        return answer.StatusCode;
    }

    /// <summary>Does everything asked for, at once: what a perfect host would report.</summary>
    public async Task ObeyAsync()
    {
        var document = (await DesiredAsync())!;
        await ReportAsync([.. document.Instances.Select(Obeyed)]);
    }

    /// <summary>Tells of the places for volumes that it has.</summary>
    public Task<HttpStatusCode> ReportStoresAsync(params ObservedStore[] stores) => SendAsync(new ObservedReport(true, 0, _facts, [], [], [], Stores: stores));

    /// <summary>And of what it has found in them.</summary>
    public Task<HttpStatusCode> ReportStoresAsync(ObservedStore[] stores, params StrayVolume[] strays) => SendAsync(new ObservedReport(true, 0, _facts, [], [], [], Stores: stores, StrayVolumes: strays));

    /// <summary>Tells of guests, and of other things, that no record explains to it.</summary>
    public Task<HttpStatusCode> ReportStraysAsync(params string[] strays) => SendAsync(new ObservedReport(true, 0, _facts, [], strays, []));

    /// <summary>Sends the bytes of an image that is made of a volume of its own.</summary>
    public async Task<HttpStatusCode> SendImageAsync(string imageId, string sha256, byte[] bytes)
    {
        using var content = new ByteArrayContent(bytes);
        using var answer = await _http.PutAsync($"/agent/v1/images/{imageId}/content?sha256={sha256}", content);
        return answer.StatusCode;
    }

    public Task<HttpStatusCode> ReportVolumesAsync(params ObservedVolume[] volumes) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], Volumes: volumes));

    /// <summary>Tells of the places for volumes and for backups that it has.</summary>
    public Task<HttpStatusCode> ReportBackupPlacesAsync(ObservedStore[] stores, params ObservedBackupPlace[] places) => SendAsync(new ObservedReport(true, 0, _facts, [], [], [], Stores: stores, BackupPlaces: places));

    public Task<HttpStatusCode> ReportBackupsAsync(params ObservedBackup[] backups) => SendAsync(new ObservedReport(false, 0, _facts, [], [], [], Backups: backups));

    /// <summary>Does everything asked for of instances and volumes, at once.</summary>
    public async Task<DesiredDocument> ObeyWithVolumesAsync()
    {
        var document = (await DesiredAsync())!;
        var volumes = document.Volumes ?? [];
        await SendAsync(new ObservedReport(
            false, document.Revision, _facts, [.. document.Instances.Select(instance => Obeyed(instance) with { Volumes = [.. volumes.Where(volume => volume.InstanceId == instance.Id && instance.Desired == "running" && volume.Remote is not { Port: null }).Select(volume => volume.Id)] })], [], [],
            Volumes: [.. volumes.Where(volume => volume.Remote is null).Select(Obeyed)]));
        return document;
    }

    public static ObservedVolume Obeyed(DesiredVolume desired) =>
        // What takes another's place waits until that is given.
        desired.Move is { From.Port: null } ? new(desired.Id, desired.Incarnation, desired.Generation - 1, null, 0, [], []) :
        new(desired.Id, desired.Incarnation, desired.Generation, desired.Desired == VolumeDesire.Deleted ? null : desired.SizeGib, desired.Desired == VolumeDesire.Deleted ? 0 : 196_624, [],
            [.. (desired.Snapshots ?? []).Where(snapshot => snapshot.Desired == VolumeDesire.Present).Select(snapshot => new ObservedSnapshot(snapshot.Id, DateTimeOffset.UtcNow, SnapshotConsistency.Crash, 4096))], desired.Restore?.Number ?? 0, null, desired.Export is { } export ? new ObservedExport(ExportPort, export.Incarnation) : null);

    /// <summary>Does what it is asked for of instances and volumes as soon as it hears of it, until stopped.</summary>
    /// <param name="seen">What it says of a volume.</param>
    /// <param name="besides">What else it says.</param>
    public async Task KeepAsync(Func<DesiredVolume, ObservedVolume> seen, Func<DesiredDocument, IReadOnlyList<DesiredVolume>, Task> besides, CancellationToken stop)
    {
        try
        {
            for (var revision = -1L; !stop.IsCancellationRequested;)
            {
                if ((await AskAsync(revision, 1, new Dictionary<string, long>(), stop))?.Document is not { } document)
                {
                    await ReportAsync();
                    continue;
                }
                revision = document.Revision;
                var volumes = document.Volumes ?? [];
                await ReportVolumesAsync([.. volumes.Select(seen)]);
                await ReportAsync([.. document.Instances.Select(instance => Obeyed(instance) with { Volumes = [.. volumes.Where(volume => volume.InstanceId == instance.Id).Select(volume => volume.Id)] })]);
                await besides(document, volumes);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // As asked.
        }
    }

    /// <summary>Where hosts say that they give volumes to others.</summary>
    public const int ExportPort = 10900;

    /// <summary>Does everything asked for, as soon as it is asked for, until stopped: waits for news as an agent does, and reports only what has changed.</summary>
    public async Task ObeyAsync(CancellationToken stop)
    {
        const int waitSeconds = 20;
        var told = new Dictionary<string, ObservedInstance>();
        for (var revision = -1L; ;)
        {
            ObservedInstance[] changed = [];
            if ((await AskAsync(revision, waitSeconds, new Dictionary<string, long>(), stop))?.Document is { } document)
            {
                revision = document.Revision;
                changed = [.. document.Instances.Select(Obeyed).Where(now => told.GetValueOrDefault(now.Id) is not { } before || before.Generation != now.Generation || before.Power != now.Power)];
                foreach (var now in changed) told[now.Id] = now;
            }
            // Also with nothing to tell: it is the heartbeat.
            await ReportAsync(changed);
        }
    }

    public static ObservedInstance Obeyed(DesiredInstance desired) => desired.Desired switch
    {
        "running" => new(desired.Id, desired.Incarnation, desired.Generation, PowerState.Running, desired.BootEpoch, DateTimeOffset.UnixEpoch.AddDays(20_000).AddMinutes(desired.BootEpoch), []),
        "stopped" => new(desired.Id, desired.Incarnation, desired.Generation, PowerState.Stopped, 0, null, []),
        _ => new(desired.Id, desired.Incarnation, desired.Generation, PowerState.Absent, 0, null, []),
    };

    public void Dispose() => _http.Dispose();
}
