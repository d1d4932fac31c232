namespace Kumoi.Api.Agent;

/// <summary>What a host says of itself. Memory in MiB, disk in GiB (free for instances plus used by them).</summary>
/// <param name="Storage">Id of the shared storage on which this host keeps instances' disks; null if they are on storage of its own.</param>
/// <param name="UnderlayMtu">The longest packet of the device that has <paramref name="Address"/>, in bytes; null if no device has it or the agent does not say.</param>
/// <param name="SegmentDevices">Bridges and devices that bridged networks may be attached to, as far as they are there; null: none.</param>
/// <param name="VolumeProtocols">Ways in which the host gives volumes to other hosts and has them from others (<see cref="Agent.VolumeProtocols"/>); null: none.</param>
/// <param name="BootId">Changes when the machine restarts (<c>/proc/sys/kernel/random/boot_id</c>).</param>
public sealed record HostFacts(
    string Name, string Address, string AgentVersion, string Hypervisor, string Accelerator, string AcceleratorReason, int Vcpus,
    int MemoryMib, int DiskGib, string BootId, string? Storage = null, int? UnderlayMtu = null,
    IReadOnlyList<string>? SegmentDevices = null, IReadOnlyList<string>? VolumeProtocols = null);

/// <summary>Trades a join token for a certificate. The server's certificate is checked against the fingerprint in the token.</summary>
/// <param name="CertificateRequest">PKCS #10, PEM. The key never leaves the host.</param>
/// <param name="Stores">What the host keeps volumes in, so that it never is a host without; null: an agent that does not say, or not yet.</param>
public sealed record JoinRequest(string Token, string CertificateRequest, HostFacts Facts, IReadOnlyList<ObservedStore>? Stores = null);

/// <param name="Certificate">The host's client certificate, PEM; its common name is the host's id.</param>
/// <param name="Authority">The cloud's certificate authority, PEM: the only one the agent trusts from now on.</param>
public sealed record JoinAnswer(string HostId, string Certificate, string Authority);

/// <summary>Asks for a fresh certificate, authenticated by the present one.</summary>
public sealed record RenewRequest(string CertificateRequest);

/// <summary>What a join token carries: <c>kumoi1.</c> and the base64url of this as JSON.</summary>
/// <param name="Url">Address of the agent API.</param>
/// <param name="Ca">SHA-256 of the authority's certificate (DER), lower-case hex.</param>
/// <param name="Secret">The secret; the cloud keeps only its hash.</param>
public sealed record JoinTokenContent(string Url, string Ca, string Secret)
{
    private const string Prefix = "kumoi1.";

    /// <summary>The token's text form.</summary>
    public string Encode() =>
        Prefix + System.Buffers.Text.Base64Url.EncodeToString(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(this, ApiJson.Default.JoinTokenContent));

    /// <summary>Reads a token's text form; null if it is none.</summary>
    public static JoinTokenContent? Decode(string token)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize(
                System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(Prefix.Length).Trim()), ApiJson.Default.JoinTokenContent);
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
