using System.Globalization;
using System.Net;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>
/// The target that gives one volume by iSCSI: a <c>tgtd</c> of its own, as the user of the process that has the volume open, with nothing but that one target and its one unit. Pure.
/// </summary>
internal static class TargetCommand
{
    public const string Program = "tgtd";

    /// <summary>The unit: number 0 is the target's own.</summary>
    public const int Unit = 1;

    /// <summary>How often the target asks a silent initiator for a sign of life, in seconds, and how often in vain: after twenty seconds it is given up, as by the NBD server.</summary>
    private const int AskSeconds = 5, AskTimes = 3;

    /// <summary>Where it takes commands, in the export's directory; it puts the number after the dot there itself.</summary>
    public const string Sockets = "t", Socket = Sockets + "/s.0";

    private const string SocketPrefix = Sockets + "/s";

    public static string TargetName(string volumeId) => Name(volumeId);

    /// <summary>As whom the guest's process comes: of this incarnation only.</summary>
    public static string InitiatorName(string instanceId, int incarnation) => Name(string.Create(CultureInfo.InvariantCulture, $"{instanceId}:{incarnation}"));

    /// <summary>RFC 7143, 4.2.7.4.</summary>
    private static string Name(string rest) => "iqn.2026-11.cloud.kumoi:" + rest;

    /// <summary>
    /// The volume's file, which is in the mount namespace of the process that has the volume open. It is reached from outside: nothing of the agent's enters that namespace, in which whoever
    /// has taken the process over says what a path means.
    /// </summary>
    public static string FileOf(int process, string place) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/root{Path.Combine(place, ExportCommand.File)}");

    /// <summary>Of <c>setpriv</c>.</summary>
    /// <param name="place">The export's directory.</param>
    public static IReadOnlyList<string> Build(uint user, string place, IPEndPoint at) =>
    [
        .. ExportCommand.As(user), "env", "-C", place, "TGT_IPC_SOCKET=" + SocketPrefix, Program, "--foreground", "--control-port", "0",
        // One thread: what a broken connection has sent is written before anything that the next one sends.
        "--nr_iothreads", "1",
        // Written by daemons in the background only; here it names whose process this is.
        "--pid-file", Path.Combine(place, "pid"),
        "--iscsi", string.Create(CultureInfo.InvariantCulture, $"portal={at},nop_interval={AskSeconds},nop_count={AskTimes}"),
    ];

    /// <summary>What makes it a target of the volume that nobody may come to yet.</summary>
    /// <param name="file">The volume.</param>
    public static IReadOnlyList<TargetRequest> Setup(string volumeId, string file, string key) =>
    [
        TargetRequest.New(TargetMode.Target, "targetname=" + TargetName(volumeId)),
        TargetRequest.New(TargetMode.Account, $"user={VolumeProtocols.User},password={key}"),
        new(TargetMode.Account, TargetOperation.Bind, 0, "user=" + VolumeProtocols.User),
        TargetRequest.New(TargetMode.Unit, "path=" + file) with { Unit = Unit },
        new(TargetMode.Unit, TargetOperation.Update, Unit, "thin_provisioning=1"),
    ];

    /// <summary>Lets the one initiator come; addresses are no matter, and never named, since the target takes either for enough.</summary>
    public static TargetRequest Open(string initiator) => new(TargetMode.Target, TargetOperation.Bind, 0, "initiator-name=" + initiator);

    /// <summary>Lets nobody come; who is there stays.</summary>
    public static TargetRequest Close(string initiator) => new(TargetMode.Target, TargetOperation.Unbind, 0, "initiator-name=" + initiator);
}
