using System.Globalization;
using System.Security.Cryptography;

namespace Kumoi.Server.Platform;

/// <summary>
/// Makes and recognises ids: a type prefix and 17 hex digits, <c>i-19a3f2b4c5d6e7f80</c>: 44 bits of milliseconds since 1970 and
/// 24 bits that begin at random in each millisecond and are counted on. They sort by age, and EC2 tools take them as their own.
/// </summary>
public sealed class Ids(TimeProvider clock)
{
    public const string Account = "a", Domain = "dom", Role = "role", Directory = "dir", QuotaRequest = "qr", User = "u", Token = "tok", Zone = "z", Host = "h", Flavor = "flv", Image = "img", KeyPair = "key",
        Network = "net", Subnet = "subnet", SecurityGroup = "sg", Rule = "sgr", Instance = "i", Interface = "eni", Event = "ev",
        Console = "con", PlacementGroup = "pg", FloatingAddress = "fip", AddressPool = "pool", Router = "rtr", Peering = "pcx", Route = "rt", PortForward = "pf",
        LoadBalancer = "lb", Listener = "lsn", Member = "lbm", Vpn = "vpn", VpnClient = "vpc", VpnSite = "vps", VlanRange = "vlr", Switch = "sw", Pool = "spl", Store = "st", Volume = "vol", VolumeType = "vt", Snapshot = "snap", Backup = "bk", BackupStore = "bst", BackupSchedule = "bsc", InternetGateway = "igw", Tariff = "trf", TariffPrice = "prc", Statement = "stm", HostPool = "hp", Alert = "alt", Contact = "ct", Mail = "ml", Subscription = "sub";

    private const int NumberMax = (1 << 24) - 1;

    private static readonly System.Buffers.SearchValues<char> Digits = System.Buffers.SearchValues.Create("0123456789abcdef");

    private static readonly string[] All =
        [Account, Domain, Role, Directory, QuotaRequest, User, Token, Zone, Host, Flavor, Image, KeyPair, Network, Subnet, SecurityGroup, Rule, Instance, Interface, Event, Console, PlacementGroup, FloatingAddress, AddressPool, Router, Peering, Route,
            PortForward, LoadBalancer, Listener, Member, Vpn, VpnClient, VpnSite, VlanRange, Switch, Pool, Store, Volume, VolumeType, Snapshot, Backup, BackupStore, BackupSchedule, InternetGateway, Tariff, TariffPrice, Statement, HostPool, Alert, Contact, Mail, Subscription];

    private readonly Lock _gate = new();
    private long _millisecond;
    private int _number;

    /// <summary>A new id with one of this class's prefixes. Ids made by one process grow, also within a millisecond.</summary>
    public string New(string prefix)
    {
        long milliseconds;
        int number;
        lock (_gate)
        {
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            // A clock that was set back must not repeat what was given out, and a millisecond whose numbers are used up borrows the next.
            if (now > _millisecond || _number == NumberMax) (_millisecond, _number) = (Math.Max(now, _millisecond + 1), RandomNumberGenerator.GetInt32(NumberMax / 2));
            else _number++;
            (milliseconds, number) = (_millisecond, _number);
        }
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}-{milliseconds & 0xFFF_FFFF_FFFF:x11}{number:x6}");
    }

    /// <summary>When an id was made.</summary>
    public static DateTimeOffset TimeOf(string id) => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(id.AsSpan(id.IndexOf('-', StringComparison.Ordinal) + 1, 11), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>True if the text has the form of an id of any type; such texts are refused as names.</summary>
    public static bool Looks(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && text.Length == dash + 18 && All.Contains(text[..dash]) && text.AsSpan(dash + 1).IndexOfAnyExcept(Digits) < 0;
    }
}
