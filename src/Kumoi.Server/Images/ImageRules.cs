using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Images;

/// <summary>What is said of images.</summary>
public static class ImageRules
{
    private const int DescriptionMax = 1000, OsMax = 100, DiskMax = 65_536, MemoryMax = 16_777_216, UserMax = 32, AccountsMax = 1000;

    public static IEnumerable<Violation> Check(UpdateImage update) =>
    [
        .. update.Name is { } name && Names.Check("name", Names.Normal(name)) is { } violation ? (Violation[])[violation] : [],
        .. Check(update.DefaultUser, update.Description, update.Os, update.MinDiskGib, update.MinMemoryMib),
        .. update.Visibility is null or "private" or "public" ? (Violation[])[] : [new Violation("visibility", "one-of", "private, public")],
        .. update.Accounts is { Count: > AccountsMax } ? (Violation[])[new Violation("accounts", "at-most", AccountsMax)] : [],
    ];

    public static IEnumerable<Violation> Check(string? user, string? description, string? os, int? minDiskGib, int? minMemoryMib)
    {
        if (user is not null && !(user.Length is > 0 and <= UserMax && user.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))) yield return new Violation("defaultUser", "user-name");
        if (description?.Length > DescriptionMax) yield return new Violation("description", "too-long", DescriptionMax);
        if (os?.Length > OsMax || os?.Any(char.IsControl) == true) yield return new Violation("os", "too-long", OsMax);
        if (minDiskGib is < 0 or > DiskMax) yield return new Violation("minDiskGib", "between", 0, DiskMax);
        if (minMemoryMib is < 0 or > MemoryMax) yield return new Violation("minMemoryMib", "between", 0, MemoryMax);
    }
}
