using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent;

namespace Kumoi.Cli.Local;

/// <summary>
/// Where a cloud of this machine keeps things: everything below one state directory (<c>KUMOI_STATE</c>), beside sockets below
/// <c>/run</c>. Nothing about what runs is kept in files; that is read from the system each time.
/// </summary>
public sealed class CloudLayout
{
    public const string StateDefault = "/var/lib/kumoi";
    public const int PortDefault = 8480;

    private IReadOnlyList<string> _segmentDevices;

    public CloudLayout(string state)
    {
        State = Path.TrimEndingDirectorySeparator(Path.GetFullPath(state));
        Tag = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(State)))[..6];
        Port = ReadPort() ?? PortDefault;
        HostCount = ReadNumber(HostCountFile);
        _segmentDevices = File.Exists(SegmentDevicesFile) ? File.ReadAllLines(SegmentDevicesFile) : [];
    }

    /// <summary>The cloud that the environment names.</summary>
    public static CloudLayout FromEnvironment() => new(Environment.GetEnvironmentVariable("KUMOI_STATE") is { Length: > 0 } state ? state : StateDefault);

    public string State { get; }

    /// <summary>Names this cloud on the machine: kernel objects, sockets and units carry it.</summary>
    public string Tag { get; }

    /// <summary>Port of API and console; that of the agents is the next one.</summary>
    public int Port { get; private set; }

    public int AgentPort => Port + 1;

    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>How many hosts the machine stands for, each in a network namespace of its own; null: it is the one host itself.</summary>
    public int? HostCount { get; private set; }

    /// <summary>The hosts of the cloud, those of which nothing runs included.</summary>
    public IReadOnlyList<LocalHost> Hosts => HostCount is { } count ? [.. Enumerable.Range(1, count).Select(HostOf)]
        : [Machine];

    /// <summary>The machine itself, as a host.</summary>
    public LocalHost Machine => new(0, Dns.GetHostName().Split('.')[0], Tag, State, RunDirectory, null);

    /// <summary>The devices of each host that bridged networks may be on: those named for the machine itself; hosts that are namespaces have one of their own.</summary>
    public IReadOnlyList<string> SegmentDevices => HostCount is null ? _segmentDevices : [SegmentPlan.Bridge];

    /// <summary>Database, server, and an agent for each host.</summary>
    public IReadOnlyList<string> Roles => ["postgres", "server", .. Hosts.Select(host => host.Role)];

    // A host's tag is longer than the cloud's, so that neither takes what is the other's for its own.
    private LocalHost HostOf(int number) => new(
        number, string.Create(CultureInfo.InvariantCulture, $"host-{number}"), string.Create(CultureInfo.InvariantCulture, $"{Tag}{number:00}"),
        Path.Combine(State, "hosts", number.ToString(CultureInfo.InvariantCulture)), Path.Combine(RunDirectory, number.ToString(CultureInfo.InvariantCulture)),
        string.Create(CultureInfo.InvariantCulture, $"{ObjectNames.NamespacePrefix(Tag)}host-{number}"));

    public string RunDirectory => $"/run/kumoi-{Tag}";

    public string PostgresData => Path.Combine(State, "postgres");

    public string PostgresSocket => Path.Combine(RunDirectory, "postgres");

    public string Secrets => Path.Combine(State, "secrets");

    public string ServerSecrets => Path.Combine(State, "server");

    public string MasterKey => Path.Combine(ServerSecrets, "master.key");

    public string DatabasePassword => Path.Combine(ServerSecrets, "database-password");

    public string InitialPassword => Path.Combine(ServerSecrets, "admin-password");

    /// <summary>Further options of the server, one in a line; the operator makes it.</summary>
    public string ServerOptions => Path.Combine(State, "server.options");

    public string Images => Path.Combine(State, "images");

    /// <summary>Where the cloud's hosts keep backups: on the same disk as everything else, so that they are no protection from its loss.</summary>
    public string Backups => Path.Combine(State, "backups");

    public string Logs => Path.Combine(State, "logs");

    public string Programs => Path.Combine(State, "programs");

    public string AdminPassword => Path.Combine(Secrets, "admin-password");

    public string DemoPassword => Path.Combine(Secrets, "demo-password");

    public bool Exists => Directory.Exists(PostgresData);

    private string PortFile => Path.Combine(State, "port");

    private string SegmentDevicesFile => Path.Combine(State, "segment-devices");

    private string HostCountFile => Path.Combine(State, "host-count");

    /// <summary>The port asked for by <c>KUMOI_PORT</c>, else the one of the last start, else the default.</summary>
    private int? ReadPort()
    {
        if (Environment.GetEnvironmentVariable("KUMOI_PORT") is { Length: > 0 } asked)
            return int.TryParse(asked, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65535 ? port : throw new UserException("port-invalid", asked);
        return ReadNumber(PortFile);
    }

    /// <summary>Settles how many hosts there are: as many as asked for, or as there were. Hosts are only ever added, as instances may be on them,
    /// and a cloud whose host is the machine itself stays one.</summary>
    public void ChooseHosts(int? asked)
    {
        if (asked is null || asked == HostCount) return;
        if (asked is < 1 or > LocalHost.CountMax) throw new UserException("hosts-invalid", LocalHost.CountMax);
        if (asked < HostCount) throw new UserException("hosts-fewer", HostCount, asked);
        if (HostCount is null && Exists) throw new UserException("hosts-machine-itself", asked);
        HostCount = asked;
    }

    /// <summary>Settles the devices of the machine that bridged networks may be on: those asked for, none, or as it was.</summary>
    public void ChooseSegmentDevices(IReadOnlyList<string>? asked)
    {
        if (asked is null or []) return;
        if (HostCount is not null) throw new UserException("segment-device-of-hosts", SegmentPlan.Bridge);
        IReadOnlyList<string> chosen = asked is ["none"] ? [] : [.. asked.Distinct()];
        if (chosen.FirstOrDefault(device => !IsDevice(device)) is { } unknown) throw new UserException("segment-device-unknown", unknown);
        _segmentDevices = chosen;
    }

    private static bool IsDevice(string name) => name.Length is > 0 and < 16 && !name.Contains('/', StringComparison.Ordinal) && name is not ("." or "..") && Directory.Exists("/sys/class/net/" + name);

    /// <summary>Keeps port and number of hosts for later starts.</summary>
    public void Keep()
    {
        Keep(PortFile, Port);
        if (HostCount is { } count) Keep(HostCountFile, count);
        Keep(SegmentDevicesFile, string.Join('\n', _segmentDevices));
    }

    private static int? ReadNumber(string file) => File.Exists(file) ? int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) : null;

    /// <summary>Written beside and moved into place: who is cut off in the middle leaves what was there.</summary>
    private static void Keep(string file, int number) => Keep(file, number.ToString(CultureInfo.InvariantCulture));

    private static void Keep(string file, string text)
    {
        File.WriteAllText(file + ".new", text);
        File.Move(file + ".new", file, overwrite: true);
    }
}

/// <summary>Something that the person at the keyboard can put right; its text is in the catalogue.</summary>
public sealed class UserException(string key, params object?[] arguments) : Exception(Text.Messages.Text(key, arguments))
{
    public string Key => key;
}
