using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Metadata;

/// <summary>One Kestrel that answers 169.254.169.254:80 and [fd00:ec2::254]:80 in every network of the host.</summary>
public sealed class MetadataServer(NamespaceListeners listeners, MetadataEndpoint endpoint) : IAsyncDisposable
{
    private WebApplication? _application;

    public async Task StartAsync(CancellationToken cancel)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IConnectionListenerFactory>(listeners);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Guests ask short questions; every limit is as low as their tools allow, since any guest may be hostile.
            kestrel.Limits.MaxConcurrentConnections = 1024;
            kestrel.Limits.MaxRequestBodySize = 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.MaxRequestHeaderCount = 40;
            kestrel.Limits.MaxRequestLineSize = 2 * 1024;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(15);
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Listen(new NamespacesEndPoint(), options => options.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        });
        var application = builder.Build();
        application.Run(endpoint.HandleAsync);
        _application = application;
        await application.StartAsync(cancel);
    }

    /// <summary>Answers in a namespace from now on; with no network id, no more.</summary>
    public Task ServeAsync(string networkNamespace, string? networkId) => listeners.EnsureAsync(networkNamespace, networkId);

    public async ValueTask DisposeAsync()
    {
        await listeners.DisposeAsync();
        if (_application is not null) await _application.DisposeAsync();
    }
}
