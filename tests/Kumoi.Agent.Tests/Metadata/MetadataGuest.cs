using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Kumoi.Agent.Tests.Metadata;

/// <summary>A guest that asks the metadata service, each time on a connection of its own.</summary>
internal sealed class MetadataGuest(MetadataEndpoint endpoint, ManualTime clock, string network, string address)
{
    public const string TokenHeader = "X-aws-ec2-metadata-token", LifeHeader = "X-aws-ec2-metadata-token-ttl-seconds";

    /// <param name="Ttl">The time to live of what is sent on the connection after the answer.</param>
    internal sealed record Answer(int Status, string Body, IHeaderDictionary Headers, int Ttl);

    /// <param name="withSocket">False: the connection has ended meanwhile.</param>
    public Answer Send(string method, string path, bool withSocket = true, params (string Name, string Value)[] headers)
    {
        // A guest that asks this fast is held back; time is not what this is about.
        clock.Advance(TimeSpan.FromSeconds(1));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Ttl = 200 };
        var context = new DefaultHttpContext();
        context.Features.Set(new NetworkOrigin(network));
        if (withSocket) context.Features.Set<IConnectionSocketFeature>(new Connection(socket));
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        (context.Request.Method, context.Request.Path) = (method, path);
        foreach (var (name, value) in headers) context.Request.Headers[name] = value;
        using var body = new MemoryStream();
        context.Response.Body = body;
        endpoint.HandleAsync(context).GetAwaiter().GetResult();
        return new Answer(context.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()), context.Response.Headers, socket.Ttl);
    }

    public (int Status, string Body) Get(string path, string? token = null)
    {
        var answer = Send("GET", path, headers: token is null ? [] : [(TokenHeader, token)]);
        return (answer.Status, answer.Body);
    }

    public string Token(int seconds = 21_600) => Send("PUT", "/latest/api/token", headers: [(LifeHeader, $"{seconds}")]).Body;

    /// <summary>Every value below a directory by its path, found as clients find them: by the listings.</summary>
    public SortedDictionary<string, (int Status, string Body)> Walk(string path, string? token = null)
    {
        var found = new SortedDictionary<string, (int, string)>(StringComparer.Ordinal);
        var (status, listing) = Get(path, token);
        if (status != 200) found[path] = (status, listing);
        else
            foreach (var name in listing.Split('\n'))
            {
                // Keys are listed with their names, and are found by their numbers.
                var below = path.EndsWith("public-keys/", StringComparison.Ordinal) ? $"{name.Split('=')[0]}/" : path == "/" ? $"{name}/" : name;
                if (!below.EndsWith('/')) found[path + below] = Get(path + below, token);
                else
                    foreach (var (leaf, answer) in Walk(path + below, token)) found[leaf] = answer;
            }
        return found;
    }

    private sealed class Connection(Socket socket) : IConnectionSocketFeature
    {
        public Socket Socket => socket;
    }
}
