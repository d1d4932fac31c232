namespace Kumoi.Server.Platform.Webhooks;

public static class WebhookParts
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services) => services.AddSingleton<WebhookGate>().AddSingleton<WebhookPost>();
}
