using System.Net;
using System.Net.NetworkInformation;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Platform.Webhooks;

/// <summary>Where webhooks may go: to public addresses that are neither the cloud's nor this machine's, and to ranges that whoever runs the server allows.</summary>
public sealed class WebhookGate(ServerOptions options)
{
    private readonly IPNetwork[] _allowed = [.. (options.WebhookAllow ?? []).Select(range => IPNetwork.Parse(range))], _own = [IPNetwork.Parse(options.FloatingRange), IPNetwork.Parse(options.UplinkRange)];

    public bool IsOpen(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (_allowed.Any(range => range.Contains(address))) return true;
        return !Outside.IsInside(address) && !_own.Any(range => range.Contains(address)) && !IsOfThisMachine(address);
    }

    // What listens here for this machine alone trusts whoever comes from it.
    private static bool IsOfThisMachine(IPAddress address) =>
        NetworkInterface.GetAllNetworkInterfaces().Any(one => one.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(address)));

    public ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel) => Outside.ConnectAsync(context, IsOpen, cancel);
}
