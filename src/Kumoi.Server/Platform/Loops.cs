namespace Kumoi.Server.Platform;

public static class Loops
{
    /// <summary>A background loop that others (and tests) can also ask directly.</summary>
    public static IServiceCollection AddLoop<T>(this IServiceCollection services) where T : class, IHostedService =>
        services.AddSingleton<T>().AddHostedService(provider => provider.GetRequiredService<T>());
}
