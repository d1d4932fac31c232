namespace Kumoi.Api;

/// <summary>Whether one signs in with a one-time password besides.</summary>
/// <param name="State"><c>off</c>, <c>pending</c> (made, and not confirmed yet), <c>on</c>.</param>
/// <param name="RecoveryCodes">How many recovery codes are left.</param>
public sealed record SecondFactor(string State, int RecoveryCodes);

/// <summary>Asks for a new secret; the password shows that it is the user who asks.</summary>
public sealed record BeginSecondFactor(string Password);

/// <summary>A secret for a program that makes one-time passwords (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds). Shown this once.</summary>
/// <param name="Secret">In base 32.</param>
/// <param name="Uri">The same as <c>otpauth://</c>, as such programs read it from a QR code.</param>
public sealed record SecondFactorSecret(string Secret, string Uri);

/// <param name="Code">A one-time password, which shows that the secret has arrived.</param>
public sealed record ConfirmSecondFactor(string Code);

/// <summary>Codes that are good once each in place of a one-time password. Shown this once.</summary>
public sealed record RecoveryCodes(IReadOnlyList<string> Codes);

/// <param name="Code">A one-time password or a recovery code.</param>
public sealed record EndSecondFactor(string Password, string Code);
