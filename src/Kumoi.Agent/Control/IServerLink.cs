using System.Net.WebSockets;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Control;

/// <summary>
/// The edge between the agent and its servers. A call that could not be made is an <see cref="IOException"/>, a refusal for good a
/// <see cref="ServerRefusedException"/>; every call may be repeated.
/// </summary>
public interface IServerLink : IDisposable
{
    /// <summary>Waits for news: a document of another revision, or the same with other names and members in its networks; null if there was none in time.</summary>
    Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel);

    /// <summary>
    /// Tells what is seen. A <see cref="DatabaseAwayException"/> says that every server known, asked after this call began, answered that
    /// its database does not answer; any other failure says nothing of the kind.
    /// </summary>
    Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel);

    /// <summary>Opens the bytes of an image from an offset on. The caller reads and disposes the answer.</summary>
    Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel);

    /// <summary>Where an image is had from. Servers of an earlier version give it themselves.</summary>
    Task<ImageSources> ImageSourcesAsync(string imageId, CancellationToken cancel) => Task.FromResult(new ImageSources([], true));

    /// <summary>Sends a file as the bytes of an image that is made of a volume of this host.</summary>
    /// <param name="sha256">Of the file, in lower-case hexadecimal digits.</param>
    /// <param name="sent">Told now and then how many bytes were read.</param>
    Task UploadImageAsync(string imageId, string file, string sha256, Action<long> sent, CancellationToken cancel) => throw new IOException("No image can be sent on this way to the servers.");

    /// <summary>What this host proves itself with, now; null where nothing is proven.</summary>
    Identity? Identity => null;

    /// <summary>Opens the agent's end of a console session.</summary>
    Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel);

    /// <summary>Keeps the way open until stopped: renews what the host proves itself with. Done at once where there is nothing to keep.</summary>
    Task KeepAsync(CancellationToken stop);
}

/// <summary>The server refused for good what the agent asked; trying again as before is of no use.</summary>
public sealed class ServerRefusedException(string message) : IOException(message);

/// <summary>The server is there, and its database is not: it can neither record nor decide anything.</summary>
public sealed class DatabaseAwayException(string message) : IOException(message);
