using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>All permissions that there are: those that some route asks for.</summary>
public sealed class PermissionCatalogue(IServiceProvider services)
{
    private IReadOnlyList<Permission>? _known;

    // Routes are mapped after the services are made, and never change afterwards.
    public IReadOnlyList<Permission> Known => _known ??= [.. services.GetRequiredService<EndpointDataSource>().Endpoints
        .SelectMany(e => e.Metadata.GetOrderedMetadata<FurtherPermission>().Select(f => (Permission?)f.Permission).Append(e.Metadata.GetMetadata<RequiredPermission>()?.Permission)).OfType<Permission>().Where(p => p.Reach != Reach.Self).Distinct().OrderBy(p => p.ToString(), StringComparer.Ordinal)];

    public Page<KnownPermission> List() => new([.. Known.Select(p => new KnownPermission(p.ToString(), p.Reach switch { Reach.Cloud => "cloud", Reach.Domain => "domain", _ => "account" }))], null);
}
