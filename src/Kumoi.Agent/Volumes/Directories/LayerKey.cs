using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// A volume's key for one program: in a file of memory that only the program's user may read and that no directory names, handed over as a descriptor. It is
/// empty again once this is disposed, in the program too. Of a volume that is not encrypted, nothing is handed over.
/// </summary>
internal sealed class LayerKey : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly string _name;
    private readonly bool _isCoded;

    private LayerKey(string name, SafeFileHandle? file, bool isCoded = false) => (_name, _file, _isCoded) = (name, file, isCoded);

    /// <summary>That of a volume that is not encrypted.</summary>
    public static LayerKey None { get; } = new(Own, null);

    /// <summary>What layers are made with. The key is as long as the cipher's own, so that stretching it would protect nothing, and cost each start of a guest seconds.</summary>
    public const string Options = "encrypt.format=luks,encrypt.key-secret=" + Own + ",encrypt.iter-time=10";

    private const string Own = "key", Sources = "source-key", Place = "place-key";

    public static LayerKey Of(DesiredVolume volume, uint user) => Of(volume.Id, volume.Encryption, user);

    /// <param name="volumeId">The volume whose key it is.</param>
    public static LayerKey Of(string volumeId, VolumeEncryption? encryption, uint user) => Make(WordsOf(volumeId, encryption), user, Own);

    /// <summary>The key of a volume that is only read, beside that of the one that is written.</summary>
    public static LayerKey OfSource(string volumeId, VolumeEncryption? encryption, uint user) => Make(WordsOf(volumeId, encryption), user, Sources);

    /// <summary>The key by which a place lets its disks be opened, in base64; null: it needs none.</summary>
    public static LayerKey OfPlace(string? key, uint user) => Make(key, user, Place, isCoded: true);

    /// <summary>A disk of such a place, as programs open it.</summary>
    public static JsonObject Open(Blocks.BlockNode node, LayerKey key)
    {
        var options = (JsonObject)node.Options.DeepClone();
        if (key._file is not null) options["key-secret"] = key._name;
        return options;
    }

    /// <summary>The key in words; null if the volume is not encrypted.</summary>
    /// <exception cref="HypervisorException">It is, and nobody has told its key.</exception>
    public static string? WordsOf(string volumeId, VolumeEncryption? encryption) => encryption is null ? null : encryption.Key
        ?? throw new HypervisorException("volume-key-unreadable", $"The volume {volumeId} is encrypted, and the servers cannot read its key: they were given another master key than the one that it was kept under. Give them that.", null);

    private static LayerKey Make(string? key, uint user, string name, bool isCoded = false)
    {
        if (key is not { } words) return new LayerKey(name, null, isCoded);
        var file = new SafeFileHandle(Libc.OpenMemory(name, Libc.MemoryCloseOnExec), ownsHandle: true);
        try
        {
            if (file.IsInvalid) throw Libc.Failed("Getting memory for a key failed");
            File.SetUnixFileMode(file, UnixFileMode.UserRead);
            if (Libc.ChangeOwner((int)file.DangerousGetHandle(), user, user) < 0) throw Libc.Failed("Giving a key to its user failed");
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(words), 0);
            return new LayerKey(name, file, isCoded);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What the program is to inherit.</summary>
    public IReadOnlyList<int> Descriptors => _file is null ? [] : [(int)_file.DangerousGetHandle()];

    /// <summary>Where the program finds the key; null: there is none.</summary>
    public string? Path => _file is null ? null : string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{_file.DangerousGetHandle()}");

    /// <summary>Tells a program of QEMU's where the key is.</summary>
    public IEnumerable<string> Arguments => Path is null ? [] : ["--object", $"secret,id={_name},{(_isCoded ? "format=base64," : "")}file={Path}"];

    /// <summary>What programs are told to open a layer with.</summary>
    public JsonObject Layer(string file, JsonObject? below)
    {
        var node = new JsonObject { ["driver"] = "qcow2", ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = file }, ["backing"] = below };
        if (_file is not null) node["encrypt"] = Encryption(_name);
        return node;
    }

    /// <summary>The arguments by which <c>qemu-img convert</c> writes into a layer that is there.</summary>
    public IEnumerable<string> Into(string file) =>
        // A list of options ends a value at a comma; a doubled one stands for itself.
        _file is null ? ["-O", "qcow2", file] : ["--target-image-opts", $"driver=qcow2,encrypt.format=luks,encrypt.key-secret={_name},file.driver=file,file.filename={file.Replace(",", ",,", StringComparison.Ordinal)}"];

    /// <summary>Whether QEMU says that a key opens nothing.</summary>
    public static bool IsRefused(string words) => words.Contains("cannot unlock any keyslot", StringComparison.Ordinal);

    public static HypervisorException Wrong(string? volumeId, Exception? cause) =>
        new("volume-key-wrong", $"The volume {(volumeId is null ? "" : volumeId + " ")}is encrypted, and with another key than the servers have told. It is not opened.".Replace("  ", " ", StringComparison.Ordinal), cause);

    public static JsonObject Encryption(string secret) => new() { ["format"] = "luks", ["key-secret"] = secret };

    public void Dispose()
    {
        if (_file is null or { IsClosed: true }) return;
        // The program may have it open for as long as it lives.
        RandomAccess.SetLength(_file, 0);
        _file.Dispose();
    }
}
