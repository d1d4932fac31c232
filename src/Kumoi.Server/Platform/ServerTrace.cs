using System.Diagnostics;

namespace Kumoi.Server.Platform;

/// <summary>Spans of the server's own work. Nothing is made of them unless somebody listens.</summary>
public static class ServerTrace
{
    public static readonly ActivitySource Source = new("Kumoi.Server");
}
