namespace Kumoi.Api;

/// <summary>A public SSH key by name.</summary>
/// <param name="Fingerprint">SHA256 fingerprint as <c>ssh-keygen -l</c> prints it.</param>
public sealed record KeyPair(string Id, string Name, string Type, string Fingerprint, string PublicKey, DateTimeOffset CreatedAt);

/// <summary>Imports <paramref name="PublicKey"/> (OpenSSH form), or generates a pair if it is absent.</summary>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateKeyPair(string Name, string? PublicKey, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>A key pair just made. <paramref name="PrivateKey"/> (PEM, as ssh reads it) is there only if the cloud generated it, and
/// only in this answer: it is stored nowhere.</summary>
public sealed record KeyPairCreated(
    string Id, string Name, string Type, string Fingerprint, string PublicKey, DateTimeOffset CreatedAt, string? PrivateKey);
