using System.Net.WebSockets;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Consoles;

/// <summary>Serial consoles and screens. A browser cannot send a token with a WebSocket, so it gets a ticket that works once.</summary>
public sealed class ConsoleUseCases(Database database, ConsoleSessions sessions, HostRevisions hosts, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    private static readonly TimeSpan TicketLife = TimeSpan.FromSeconds(60);
    public const string Path = "/api/v1/consoles/";
    private const int LogBytesMax = 64 * 1024;

    public Task<Result<ConsoleOpened>> OpenAsync(Caller caller, string key, OpenConsole open, CancellationToken cancel) => database.TransactionAsync<ConsoleOpened>(async transaction =>
    {
        if (open.Kind is not ("serial" or "screen")) return Failure.Invalid("kind", "one-of", "serial, screen");
        var target = await FindAsync(transaction, caller, key, cancel);
        if (target.Failure is { } failure) return failure;
        if (target.Value.Power != "running") return new Failure("not-running", 409, target.Value.Name);
        var ticket = Secrets.New("");
        var expires = clock.GetUtcNow() + TicketLife;
        await InsertAsync(transaction, ids.New(Ids.Console), caller.AccountId, target.Value.Id, open.Kind, Secrets.Hash(ticket), expires, cancel);
        await events.WriteAsync(transaction, caller, "instance.open-console", new Subject("instance", target.Value.Id, target.Value.Name), cancel);
        return new ConsoleOpened(open.Kind, Path + ticket, expires);
    }, cancel);

    // The ticket's life begins now, but a host hears of the session only when a viewer has come: else it would connect to nobody.
    private static Task<int> InsertAsync(
        Transaction transaction, string id, string accountId, string instanceId, string kind, byte[]? ticket, DateTimeOffset expires, CancellationToken cancel) => transaction.ExecuteAsync(
        "INSERT INTO console_sessions (id, account_id, instance_id, kind, ticket_hash, connected, expires_at) VALUES ($1, $2, $3, $4, $5, true, $6)", cancel,
        id, accountId, instanceId, kind, new Npgsql.NpgsqlParameter { Value = (object?)ticket ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea }, expires);

    /// <summary>A viewer with a ticket.</summary>
    public async Task ServeViewerAsync(HttpContext http, string ticket)
    {
        var session = http.WebSockets.IsWebSocketRequest
            ? await database.FindAsync(
                "UPDATE console_sessions SET ticket_hash = NULL WHERE ticket_hash = $1 AND expires_at > $2 RETURNING id", row => row.GetString(0), http.RequestAborted,
                Secrets.Hash(ticket), clock.GetUtcNow())
            : null;
        if (session is null)
        {
            await Problems.WriteAsync(http, new Failure("console-ticket", 404));
            return;
        }
        try
        {
            var met = await sessions.MeetAsync(session, () => AnnounceAsync(session, http.RequestAborted), http.RequestAborted);
            if (met is not { } meeting)
            {
                await Problems.WriteAsync(http, new Failure("console-unreachable", 504));
                return;
            }
            using (meeting.Meeting)
            using (var viewer = await http.WebSockets.AcceptWebSocketAsync(http.WebSockets.WebSocketRequestedProtocols.Contains("binary") ? "binary" : null))
                await ConsoleSessions.JoinAsync(viewer, meeting.Agent, http.RequestAborted);
        }
        finally
        {
            await sessions.EndAsync(session);
        }
    }

    /// <summary>Streams the text of the serial console so far.</summary>
    public async Task WriteLogAsync(Call call)
    {
        var written = await CopyLogAsync(call.Caller, call.Route("instance"), () =>
        {
            call.Http.Response.ContentType = "text/plain; charset=utf-8";
            return call.Http.Response.Body;
        }, call.Cancelled);
        if (written.Failure is { } failure) await Problems.WriteAsync(call.Http, failure);
    }

    /// <summary>The same bytes as a whole; there are few.</summary>
    public async Task<Result<byte[]>> ReadLogAsync(Caller caller, string key, CancellationToken cancel)
    {
        using var memory = new MemoryStream();
        var read = await CopyLogAsync(caller, key, () => memory, cancel);
        return read.Failure is { } failure ? failure : memory.ToArray();
    }

    private async Task<Result<Done>> CopyLogAsync(Caller caller, string key, Func<Stream> begin, CancellationToken cancel)
    {
        var target = await database.TransactionAsync<(string Id, string Session)>(async transaction =>
        {
            var found = await FindAsync(transaction, caller, key, cancel);
            if (found.Failure is { } failure) return failure;
            var id = ids.New(Ids.Console);
            await InsertAsync(transaction, id, caller.AccountId, found.Value.Id, "log", null, clock.GetUtcNow() + TicketLife, cancel);
            return (found.Value.Id, id);
        }, cancel);
        if (target.Failure is { } missing) return missing;
        var session = target.Value.Session;
        try
        {
            if (await sessions.MeetAsync(session, () => AnnounceAsync(session, cancel), cancel) is not { } meeting) return new Failure("console-unreachable", 504);
            using (meeting.Meeting) await CopyLogAsync(meeting.Agent, begin(), cancel);
            return new Done();
        }
        finally
        {
            await sessions.EndAsync(session);
        }
    }

    private static async Task CopyLogAsync(WebSocket agent, Stream body, CancellationToken cancel)
    {
        var buffer = new byte[LogBytesMax];
        for (var total = 0; total < LogBytesMax;)
        {
            System.Net.WebSockets.ValueWebSocketReceiveResult received;
            try
            {
                received = await agent.ReceiveAsync(buffer.AsMemory(0, LogBytesMax - total), cancel);
            }
            catch (WebSocketException)
            {
                // The host ended without a closing handshake: what has come is what there is.
                return;
            }
            if (received.MessageType == WebSocketMessageType.Close) return;
            await body.WriteAsync(buffer.AsMemory(0, received.Count), cancel);
            total += received.Count;
        }
    }

    private Task<Result<Done>> AnnounceAsync(string session, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var host = await transaction.FindAsync(
            "UPDATE console_sessions c SET connected = false, server_url = $2 FROM instances v WHERE c.id = $1 AND v.id = c.instance_id RETURNING v.host_id", row => row.GetString(0), cancel, session,
            options.AgentUrl);
        if (host is null) return Failure.NotFound("console", session);
        await hosts.TouchAsync(transaction, host, cancel);
        return new Done();
    }, cancel);

    private static async Task<Result<(string Id, string Name, string Power)>> FindAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel)
    {
        var found = await transaction.FindAsync(
            "SELECT id, name, power FROM instances WHERE account_id = $1 AND (id = $2 OR name = $2) AND terminated_at IS NULL FOR KEY SHARE",
            row => (Id: row.GetString(0), Name: row.GetString(1), Power: row.GetString(2)), cancel, caller.AccountId, key);
        return found.Id is null ? Failure.NotFound("instance", key) : found;
    }
}

public static class ConsoleEndpoints
{
    public static IServiceCollection AddConsoles(this IServiceCollection services) => services.AddSingleton<ConsoleSessions>().AddSingleton<ConsoleUseCases>();

    public static void MapConsoles(this IEndpointRouteBuilder routes, ConsoleUseCases consoles) =>
        routes.MapMethods("/consoles/{ticket}", ["GET"], (Delegate)(RequestDelegate)(http => consoles.ServeViewerAsync(http, (string)http.Request.RouteValues["ticket"]!)))
            .WithName("ConnectConsole").WithSummary("Connect the WebSocket of a console opened before").Produces(101).Fails(404)
            .WithMetadata(new RequiredPermission(null, "The one-time ticket in the path is the credential: browsers cannot send a token with a WebSocket."));
}
