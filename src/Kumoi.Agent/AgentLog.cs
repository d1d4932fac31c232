using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>What the agent says of itself, numbered by capability.</summary>
internal static partial class AgentLog
{
    [LoggerMessage(1, LogLevel.Information, "Agent {Version} runs on host {Name}: {Accelerator} ({Reason})")]
    public static partial void Started(this ILogger log, string version, string name, string accelerator, string reason);

    [LoggerMessage(2, LogLevel.Error, "A loop of the agent failed and goes on")]
    public static partial void LoopFailed(this ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Error, "{Why}")]
    public static partial void Unusable(this ILogger log, string why);

    [LoggerMessage(10, LogLevel.Warning, "Network {Network} could not be put in order: {Message}")]
    public static partial void NetworkFailed(this ILogger log, string network, string message);

    [LoggerMessage(11, LogLevel.Error, "Putting network {Network} in order failed unexpectedly")]
    public static partial void NetworkBroken(this ILogger log, Exception e, string network);

    [LoggerMessage(12, LogLevel.Warning, "A server of network {Network} (DHCP and DNS, or VPN) has ended and is started again")]
    public static partial void NetworkUnserved(this ILogger log, string network);

    [LoggerMessage(13, LogLevel.Warning, "Load balancers of network {Network}: {Message}")]
    public static partial void BalancersLacking(this ILogger log, string network, string message);

    [LoggerMessage(14, LogLevel.Warning, "The haproxy of network {Network} has ended and is started again")]
    public static partial void ProxyEnded(this ILogger log, string network);

    [LoggerMessage(15, LogLevel.Error, "Load balancers of network {Network} could not be looked at")]
    public static partial void BalancersUnseen(this ILogger log, Exception e, string network);

    [LoggerMessage(20, LogLevel.Warning, "Instance {Instance}: {Step} failed: {Message}")]
    public static partial void StepFailed(this ILogger log, string instance, string step, string message);

    [LoggerMessage(21, LogLevel.Error, "Instance {Instance}: an unexpected failure")]
    public static partial void InstanceBroken(this ILogger log, Exception e, string instance);

    [LoggerMessage(22, LogLevel.Information, "Instance {Instance}: {Step}")]
    public static partial void StepTaken(this ILogger log, string instance, string step);

    [LoggerMessage(23, LogLevel.Warning, "Instance {Instance}: its process was lost")]
    public static partial void ProcessLost(this ILogger log, string instance);

    [LoggerMessage(30, LogLevel.Warning, "Image {Image}: {Message}")]
    public static partial void ImageFailed(this ILogger log, string image, string message);

    [LoggerMessage(31, LogLevel.Error, "Image {Image}: an unexpected failure")]
    public static partial void ImageBroken(this ILogger log, Exception e, string image);

    [LoggerMessage(33, LogLevel.Information, "Image {Image} is not had from host {Host}: {Message}")]
    public static partial void PeerFailed(this ILogger log, string image, string host, string message);

    [LoggerMessage(34, LogLevel.Warning, "Images are not given to other hosts: {Message}")]
    public static partial void PeersUnserved(this ILogger log, string message);

    [LoggerMessage(32, LogLevel.Information, "Image {Image} is on the host")]
    public static partial void ImageFetched(this ILogger log, string image);

    [LoggerMessage(35, LogLevel.Warning, "Volume {Volume}: {Step} failed: {Message}")]
    public static partial void VolumeStepFailed(this ILogger log, string volume, string step, string message);

    [LoggerMessage(36, LogLevel.Error, "Volume {Volume}: an unexpected failure")]
    public static partial void VolumeBroken(this ILogger log, Exception e, string volume);

    [LoggerMessage(37, LogLevel.Information, "Volume {Volume}: {Step}")]
    public static partial void VolumeStepTaken(this ILogger log, string volume, string step);

    [LoggerMessage(38, LogLevel.Warning, "A store is missed: {Message}")]
    public static partial void StoreMissed(this ILogger log, string message);

    [LoggerMessage(39, LogLevel.Information, "{Why}")]
    public static partial void ExportsLacking(this ILogger log, string why);

    [LoggerMessage(84, LogLevel.Information, "Backup {Backup}: {Step}")]
    public static partial void BackupStepTaken(this ILogger log, string backup, string step);

    [LoggerMessage(85, LogLevel.Warning, "Backup {Backup}: {Step} failed: {Message}")]
    public static partial void BackupStepFailed(this ILogger log, string backup, string step, string message);

    [LoggerMessage(86, LogLevel.Error, "Backup {Backup}: an unexpected failure")]
    public static partial void BackupBroken(this ILogger log, Exception e, string backup);

    [LoggerMessage(40, LogLevel.Information, "The host has joined the cloud as {HostId}")]
    public static partial void Joined(this ILogger log, string hostId);

    [LoggerMessage(41, LogLevel.Warning, "The server cannot be reached; guests run on, and it is tried again: {Message}")]
    public static partial void ServerAway(this ILogger log, string message);

    [LoggerMessage(42, LogLevel.Information, "The server answers")]
    public static partial void ServerBack(this ILogger log);

    [LoggerMessage(43, LogLevel.Information, "The host's certificate was renewed")]
    public static partial void Renewed(this ILogger log);

    [LoggerMessage(44, LogLevel.Warning, "Joining the cloud failed, and is tried again: {Message}")]
    public static partial void JoinFailed(this ILogger log, string message);

    [LoggerMessage(47, LogLevel.Warning, "The addresses of the servers could not be kept: {Message}")]
    public static partial void ServersNotKept(this ILogger log, string message);

    [LoggerMessage(46, LogLevel.Warning, "Server {From} is given up for {To}: {Message}")]
    public static partial void ServerLeft(this ILogger log, string from, string to, string message);

    [LoggerMessage(45, LogLevel.Warning, "The host's certificate could not be renewed, and it is tried again: {Message}")]
    public static partial void RenewFailed(this ILogger log, string message);

    [LoggerMessage(50, LogLevel.Warning, "The metadata socket of network {Network} ended: {Message}")]
    public static partial void MetadataSocketEnded(this ILogger log, string network, string message);

    [LoggerMessage(60, LogLevel.Warning, "Console session {Session} ended: {Message}")]
    public static partial void ConsoleEnded(this ILogger log, string session, string message);

    [LoggerMessage(70, LogLevel.Warning, "Cleaning up: {What} was left: {Message}")]
    public static partial void CleanupLeft(this ILogger log, string what, string message);

    [LoggerMessage(80, LogLevel.Warning, "The host's lease is over, as no server has answered in time: {Count} guests that may be started elsewhere were ended")]
    public static partial void LeaseLost(this ILogger log, int count);

    [LoggerMessage(81, LogLevel.Information, "The host's lease has begun anew")]
    public static partial void LeaseBegun(this ILogger log);

    [LoggerMessage(82, LogLevel.Warning, "The host's lease could not be kept for an agent that is started again: {Message}")]
    public static partial void LeaseNotKept(this ILogger log, string message);

    [LoggerMessage(83, LogLevel.Error, "The document is not acted on, as its placements could not be kept for an agent that is started again: {Message}")]
    public static partial void PlacementsNotKept(this ILogger log, string message);
}
