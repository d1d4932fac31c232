namespace Kumoi.Server.Platform.Http;

/// <summary>How many calls of the API that change something are being answered by this server: what can wait makes room for them.</summary>
public sealed class ChangesAsked
{
    private int _now;

    public int Now => Volatile.Read(ref _now);

    public async Task CountAsync(HttpContext http, RequestDelegate next)
    {
        if (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) || !http.Request.Path.StartsWithSegments("/api"))
        {
            await next(http);
            return;
        }
        Interlocked.Increment(ref _now);
        try
        {
            await next(http);
        }
        finally
        {
            Interlocked.Decrement(ref _now);
        }
    }
}
