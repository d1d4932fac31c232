using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Kumoi.Server.Doctor;

namespace Kumoi.Cli.Operations;

/// <summary>Checks what only this machine can see of the cloud on it: its files, its kernel, its processes. Changes nothing.</summary>
public sealed class LocalDoctor(CloudLayout layout, TimeProvider clock)
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancel)
    {
        if (!layout.Exists) return [New("local", "ok", "no-cloud-here", layout.State, layout.State)];
        return [.. Programs(), .. await KernelAsync(cancel), .. Disk(), .. Secrets(), .. layout.Hosts.SelectMany(HostCertificate), .. await UnderlayAsync(), .. await ProcessesAsync(cancel)];
    }

    /// <summary>A finding whose texts are <c>doctor-</c>CODE and <c>doctor-</c>CODE<c>-action</c> of this program's catalogue.</summary>
    public static Finding New(string check, string severity, string code, string? subject, params object?[] arguments) => new(
        check, severity, code, subject, Messages.Text("doctor-" + code, arguments), severity == "ok" ? null : Messages.Text($"doctor-{code}-action", arguments));

    private static IEnumerable<Finding> Programs()
    {
        var (missing, balancing) = (Requirements.MissingPrograms(), Requirements.MissingForBalancing());
        return missing.Count + balancing.Count == 0 ? [New("programs", "ok", "programs-there", null)]
            : [.. missing.Select(program => New("programs", "error", "program-missing", program, program)), .. balancing.Select(program => New("programs", "warning", "balancing-missing", program, program))];
    }

    private static async Task<List<Finding>> KernelAsync(CancellationToken cancel)
    {
        var found = new List<Finding> { File.Exists("/dev/kvm") ? New("kvm", "ok", "kvm-there", "/dev/kvm") : New("kvm", "warning", "kvm-missing", "/dev/kvm") };
        foreach (var (feature, path) in new[] { ("net namespaces", "/proc/self/ns/net"), ("tun", "/dev/net/tun") })
            if (!File.Exists(path)) found.Add(New("kernel", "error", "kernel-missing", feature, feature, path));
        // A kernel with everything built in may name no modules; what it does counts.
        var does = new Dictionary<string, bool>
        {
            ["vxlan"] = HasModule("vxlan"), ["nf_tables"] = HasModule("nf_tables") || Shell.Find("nft") is not null && (await Shell.RunAsync("nft", ["list", "tables"], cancel)).ExitCode == 0,
            ["vhost_net"] = HasModule("vhost_net") || File.Exists("/dev/vhost-net"),
        };
        found.AddRange(does.Select(module => module.Value ? New("kernel", "ok", "module-there", module.Key, module.Key) : New("kernel", "warning", "module-unseen", module.Key, module.Key)));
        return found;
    }

    /// <summary>Loaded, built in, or there to be loaded.</summary>
    private static bool HasModule(string module)
    {
        if (Directory.Exists("/sys/module/" + module)) return true;
        var release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return ((string[])["modules.builtin", "modules.dep"]).Select(list => Path.Combine("/lib/modules", release, list)).Where(File.Exists)
            .Any(list => File.ReadLines(list).Any(line => line.Split(':')[0].Replace('-', '_').Contains($"/{module}.ko", StringComparison.Ordinal)));
    }

    private IEnumerable<Finding> Disk()
    {
        var drive = new DriveInfo(layout.State);
        var found = DoctorRules.Disk(layout.State, drive.AvailableFreeSpace, drive.TotalSize);
        yield return New("disk", found.Severity, found.Code, layout.State, layout.State, drive.AvailableFreeSpace >> 30, drive.TotalSize >> 30);
    }

    private IEnumerable<Finding> Secrets()
    {
        var open = new List<Finding>();
        foreach (var directory in (string[])[layout.Secrets, layout.ServerSecrets, .. layout.Hosts.Select(host => host.Identity)])
        {
            if (!Directory.Exists(directory)) continue;
            IEnumerable<string> files;
            try
            {
                files = Directory.GetFiles(directory);
            }
            catch (UnauthorizedAccessException)
            {
                // As it should be for anybody but root: nothing can be said of what is inside, and nobody else can read it.
                continue;
            }
            open.AddRange(files.Where(file => (File.GetUnixFileMode(file) & Others) != 0 && new FileInfo(file).Length > 0)
                .Select(file => New("secrets", "error", "secret-open", file, file, Convert.ToString((int)File.GetUnixFileMode(file), 8))));
        }
        return open.Count > 0 ? open : [New("secrets", "ok", "secrets-kept", layout.State, layout.State)];
    }

    private IEnumerable<Finding> HostCertificate(LocalHost host)
    {
        const string check = "certificates";
        var file = Path.Combine(host.Identity, "identity.json");
        DateTimeOffset until;
        try
        {
            if (!File.Exists(file)) yield break;
            using var identity = JsonDocument.Parse(File.ReadAllBytes(file));
            using var certificate = X509Certificate2.CreateFromPem(identity.RootElement.GetProperty("Certificate").GetString());
            until = certificate.NotAfter;
        }
        catch (UnauthorizedAccessException)
        {
            yield break;
        }
        catch (Exception e) when (e is JsonException or CryptographicException or KeyNotFoundException)
        {
            until = DateTimeOffset.MinValue;
        }
        if (until == DateTimeOffset.MinValue)
        {
            yield return New(check, "error", "identity-broken", file, file);
            yield break;
        }
        var found = DoctorRules.Certificate("host", until, clock.GetUtcNow());
        yield return New(check, found.Severity, "host-" + found.Code, file, found.Arguments[1], host.Name);
    }

    private UnderlayPlan? Plan => AddressRanges.Kept(layout) is { Underlay: not null } ranges ? new UnderlayPlan(layout.Tag, ranges, layout.AgentPort) : null;

    /// <summary>Hosts that are namespaces of this machine, and what joins them. Only root may look into namespaces.</summary>
    private async Task<List<Finding>> UnderlayAsync()
    {
        if (Plan is not { } plan || !Environment.IsPrivilegedProcess) return [];
        var found = new List<Finding>();
        foreach (var host in layout.Hosts)
            if (!await new Underlay(plan).IsJoinedAsync(host)) found.Add(New("underlay", "error", "underlay-broken", host.Name, host.Name, host.Namespace));
        return found.Count > 0 ? found : [New("underlay", "ok", "underlay-whole", plan.Bridge, layout.Hosts.Count, plan.Bridge)];
    }

    private async Task<List<Finding>> ProcessesAsync(CancellationToken cancel)
    {
        var running = LocalProcesses.Find(layout);
        var found = layout.Roles.Where(role => running.All(process => process.Role != role)).Select(role => New("processes", "error", "process-missing", role, role)).ToList();
        foreach (var end in (IPEndPoint[])[new(IPAddress.Loopback, layout.Port), new(Plan?.Address ?? IPAddress.Loopback, layout.AgentPort)])
            if (!await AnswersAsync(end, cancel)) found.Add(New("ports", "error", "port-silent", $"{end.Port}", end.Port));
        if (found.Count == 0) found.Add(New("processes", "ok", "processes-run", null, layout.Port, layout.AgentPort));
        return found;
    }

    private static async Task<bool> AnswersAsync(IPEndPoint end, CancellationToken cancel)
    {
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(end, cancel);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
