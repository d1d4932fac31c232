namespace Kumoi.Api;

/// <summary>A volume that a host has found in a store of its own, and that no record explains. It is left alone until an operator adopts or deletes it, or
/// the account that it was of takes it back.</summary>
/// <param name="SizeGib">What a guest would see; 0: it cannot be read.</param>
/// <param name="UsedBytes">What it takes in its store.</param>
/// <param name="WrittenAt">When it was last written to.</param>
/// <param name="FirstSeenAt">When the host first told of it.</param>
/// <param name="Image">What it is a layer over, as far as that is known.</param>
/// <param name="Account">Whose it was; null: nothing is remembered of it.</param>
/// <param name="Name">What it was called there.</param>
public sealed record Stray(
    string Id, Ref Host, string Store, int SizeGib, long UsedBytes, DateTimeOffset WrittenAt, DateTimeOffset FirstSeenAt, Ref? Image, Ref? Account, string? Name);

/// <summary>Makes a stray a volume of an account.</summary>
/// <param name="Account">Name or id; default: whose it was or, if nothing is remembered, the caller's.</param>
/// <param name="Name">Default: what it was called or, if nothing is remembered, its id.</param>
public sealed record AdoptStray(string? Account, string? Name);

/// <summary>A volume that went with a host that was given up, and was found again.</summary>
/// <param name="Name">What it was called.</param>
/// <param name="WrittenAt">When it was last written to.</param>
/// <param name="LostAt">When its host was given up.</param>
public sealed record RecoverableVolume(string Id, string Name, int SizeGib, long UsedBytes, DateTimeOffset WrittenAt, DateTimeOffset LostAt);

/// <param name="Name">Default: what it was called.</param>
public sealed record RecoverVolume(string? Name);
