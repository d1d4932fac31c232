namespace Kumoi.Cli.Local;

/// <summary>A Debian package that a cloud on one machine needs, the program that shows it is there, and why.</summary>
public sealed record Requirement(string Package, string Program, string Why);

/// <summary>What must be on the machine beside .NET and Node.</summary>
public static class Requirements
{
    private const string Balancing = "why-haproxy";

    public static readonly IReadOnlyList<Requirement> All =
    [
        new("qemu-system-x86", "qemu-system-x86_64", "why-qemu"),
        new("qemu-utils", "qemu-img", "why-qemu-img"),
        new("iproute2", "ip", "why-iproute"),
        new("nftables", "nft", "why-nftables"),
        new("dnsmasq-base", "dnsmasq", "why-dnsmasq"),
        new("haproxy", "haproxy", Balancing),
        new("postgresql", "postgres", "why-postgresql"),
        new("openssh-client", "ssh", "why-ssh"),
        new("util-linux", "setpriv", "why-util-linux"),
        new("procps", "sysctl", "why-procps"),
        // For building the tiny guest image.
        new("busybox-static", "/bin/busybox", "why-image"),
        new("syslinux", "syslinux", "why-image"),
        new("syslinux-common", "/usr/lib/syslinux/mbr/mbr.bin", "why-image"),
        new("mtools", "mcopy", "why-image"),
        new("dosfstools", "mkfs.vfat", "why-image"),
        new("e2fsprogs", "mke2fs", "why-image"),
        new("cpio", "cpio", "why-image"),
        new("fdisk", "sfdisk", "why-image"),
        new("binutils", "ar", "why-image"),
        new("zstd", "zstd", "why-image"),
    ];

    private static bool IsThere(Requirement requirement) =>
        requirement.Program == "postgres" ? Postgres.Binary("postgres") is not null
        : requirement.Program.StartsWith('/') ? File.Exists(requirement.Program) : Shell.Find(requirement.Program) is not null;

    public static IReadOnlyList<Requirement> Missing() => All.Where(requirement => !IsThere(requirement)).ToList();

    /// <summary>Programs without which no cloud starts (those for building images are not among them, nor what only some load balancers need).</summary>
    public static IReadOnlyList<string> MissingPrograms() => Missing().Where(r => r.Why is not ("why-image" or Balancing)).Select(r => r.Program).ToList();

    /// <summary>Programs without which listeners of load balancers that speak HTTP or TLS do not serve.</summary>
    public static IReadOnlyList<string> MissingForBalancing() => Missing().Where(r => r.Why == Balancing).Select(r => r.Program).ToList();

    /// <summary>The source tree this program was built from, told by its launcher; null for an installed one.</summary>
    public static string? Tree() => Environment.GetEnvironmentVariable("KUMOI_TREE") is { Length: > 0 } tree && Directory.Exists(tree) ? tree : null;

    public static string? ConsoleDirectory() => Tree() is { } tree && File.Exists(Path.Combine(tree, "console/dist/index.html")) ? Path.Combine(tree, "console/dist")
        : Directory.Exists(Path.Combine(AppContext.BaseDirectory, "console")) ? Path.Combine(AppContext.BaseDirectory, "console") : null;
}
