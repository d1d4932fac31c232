using System.Net.WebSockets;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Exit codes that scripts can use, and how failures are told.</summary>
public static class ExitCodes
{
    public const int Ok = 0, Failed = 1, Usage = 2, NotFound = 3, Conflict = 4, NotAllowed = 5, Unreachable = 6, TimedOut = 7, Cancelled = 130;

    public static async Task<int> TellAsync(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (ProblemException e)
        {
            Tell(e.Problem);
            return e.Problem.Status switch { 404 => NotFound, 409 => Conflict, 401 or 403 => NotAllowed, 408 => TimedOut, 400 or 413 or 415 or 422 => Usage, 503 or 504 => Unreachable, _ => Failed };
        }
        catch (UserException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.Key switch { "not-logged-in" or "root-needed" => NotAllowed, "no-key-file" or "no-address" => Conflict, _ => Failed };
        }
        catch (Exception e) when (e is HttpRequestException or WebSocketException)
        {
            Console.Error.WriteLine(Messages.Text("unreachable", e.Message));
            return Unreachable;
        }
        catch (OperationCanceledException)
        {
            return Cancelled;
        }
    }

    private static void Tell(Problem problem)
    {
        Console.Error.WriteLine(problem.Title);
        if (problem.Detail is { Length: > 0 } detail) Console.Error.WriteLine(detail);
        foreach (var error in problem.Errors ?? []) Console.Error.WriteLine($"  {error.Field}: {error.Message}");
        foreach (var reason in problem.Reasons ?? []) Console.Error.WriteLine($"  {reason.Message}");
        foreach (var user in problem.UsedBy ?? []) Console.Error.WriteLine($"  {user.Name} ({user.Id})");
        if (problem.RequestId is { } id && problem.Status >= 500) Console.Error.WriteLine($"  {id}");
    }
}
