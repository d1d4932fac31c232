using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Cli.Local;

/// <summary>
/// Where a cloud of this machine keeps things: everything below one state directory (<c>KUMOI_STATE</c>), beside sockets below
/// <c>/run</c>. Nothing about what runs is kept in files; that is read from the system each time.
/// </summary>
public sealed class CloudLayout
{
    public const string StateDefault = "/var/lib/kumoi";
    public const int PortDefault = 8480;

    public CloudLayout(string state)
    {
        State = Path.TrimEndingDirectorySeparator(Path.GetFullPath(state));
        Tag = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(State)))[..6];
        Port = ReadPort() ?? PortDefault;
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

    public string AgentUrl => $"https://127.0.0.1:{AgentPort}";

    public string RunDirectory => $"/run/kumoi-{Tag}";

    public string PostgresData => Path.Combine(State, "postgres");

    public string PostgresSocket => Path.Combine(RunDirectory, "postgres");

    public string Secrets => Path.Combine(State, "secrets");

    public string ServerSecrets => Path.Combine(State, "server");

    public string MasterKey => Path.Combine(ServerSecrets, "master.key");

    public string DatabasePassword => Path.Combine(ServerSecrets, "database-password");

    public string InitialPassword => Path.Combine(ServerSecrets, "admin-password");

    public string Images => Path.Combine(State, "images");

    public string Logs => Path.Combine(State, "logs");

    public string Programs => Path.Combine(State, "programs");

    public string AdminPassword => Path.Combine(Secrets, "admin-password");

    public string DemoPassword => Path.Combine(Secrets, "demo-password");

    public bool Exists => Directory.Exists(PostgresData);

    private string PortFile => Path.Combine(State, "port");

    /// <summary>The port asked for by <c>KUMOI_PORT</c>, else the one of the last start, else the default.</summary>
    private int? ReadPort()
    {
        if (Environment.GetEnvironmentVariable("KUMOI_PORT") is { Length: > 0 } asked)
            return int.TryParse(asked, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65535 ? port : throw new UserException("port-invalid", asked);
        return File.Exists(PortFile) ? int.Parse(File.ReadAllText(PortFile), CultureInfo.InvariantCulture) : null;
    }

    public void KeepPort() => File.WriteAllText(PortFile, Port.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Something that the person at the keyboard can put right; its text is in the catalogue.</summary>
public sealed class UserException(string key, params object?[] arguments) : Exception(Text.Messages.Text(key, arguments))
{
    public string Key => key;
}
