using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kumoi.Cli.Client;

/// <summary>A cloud and a login to it.</summary>
/// <param name="State">State directory, if the cloud is one of this machine.</param>
/// <param name="Account">The account that commands act for, if not the user's own.</param>
public sealed record LoginContext(string Name, string Url, string User, string Token, string? State, string? Account = null);

/// <summary>What <c>kumoi login</c> keeps: readable by the user only, in <c>~/.config/kumoi</c> (XDG base directories).</summary>
public sealed record ClientConfig(string? Current, IReadOnlyList<LoginContext> Contexts)
{
    public static string Directory { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } configured ? configured
            : Path.Combine(Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? home : "/root", ".config"), "kumoi");

    private static string File_ => Path.Combine(Directory, "config.json");

    public static ClientConfig Read() =>
        File.Exists(File_) ? JsonSerializer.Deserialize(File.ReadAllText(File_), ConfigJson.Default.ClientConfig)! : new ClientConfig(null, []);

    /// <summary>The login that a command uses: of the cloud that KUMOI_STATE names, else the one logged in to last.</summary>
    public LoginContext? Choose() => Environment.GetEnvironmentVariable("KUMOI_STATE") is { Length: > 0 } state
        ? Contexts.FirstOrDefault(context => context.State == Path.TrimEndingDirectorySeparator(Path.GetFullPath(state)))
        : Contexts.FirstOrDefault(context => context.Name == Current);

    public static void Keep(LoginContext login)
    {
        var config = Read();
        new ClientConfig(login.Name, [.. config.Contexts.Where(context => context.Name != login.Name), login]).Write();
    }

    public static void Forget(string name)
    {
        var config = Read();
        var left = config.Contexts.Where(context => context.Name != name).ToList();
        new ClientConfig(config.Current == name ? left.LastOrDefault()?.Name : config.Current, left).Write();
    }

    /// <summary>Forgets logins and keys of a local cloud that is no more.</summary>
    public static void ForgetState(string state)
    {
        foreach (var context in Read().Contexts.Where(context => context.State == state).ToList())
        {
            Forget(context.Name);
            if (System.IO.Directory.Exists(KeyDirectory(context.Name))) System.IO.Directory.Delete(KeyDirectory(context.Name), recursive: true);
        }
    }

    /// <summary>Private keys of generated pairs, by login: where <c>instance ssh</c> looks for them.</summary>
    public static string KeyDirectory(string context) => Path.Combine(Directory, "keys", context);

    public static string KeyFile(string context, string pair) => Path.Combine(KeyDirectory(context), string.Concat(pair.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c.ToString() : $"%{(int)c:x}")));

    public static void WritePrivate(string path, string text)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using (var file = new FileStream(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        using (var writer = new StreamWriter(file))
            writer.Write(text);
        File.Move(path + ".new", path, overwrite: true);
        GiveToCaller(path);
    }

    // Under sudo the files are those of the person who typed it, in their home.
    private static void GiveToCaller(string path)
    {
        if (!Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("SUDO_UID") is not { Length: > 0 } user) return;
        using var chown = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("chown", ["-R", $"{user}:{Environment.GetEnvironmentVariable("SUDO_GID")}", Directory]));
        chown?.WaitForExit();
    }

    private void Write() => WritePrivate(File_, JsonSerializer.Serialize(this, ConfigJson.Default.ClientConfig));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ClientConfig))]
internal sealed partial class ConfigJson : JsonSerializerContext;
