using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Vpns;

public static class VpnEndpoints
{
    public static IServiceCollection AddVpns(this IServiceCollection services) => services
        .AddSingleton<VpnStore>().AddSingleton<VpnKeys>().AddSingleton<VpnUseCases>().AddSingleton<VpnClientUseCases>().AddSingleton<VpnSiteUseCases>().AddSingleton<Hosts.IReportObserver, VpnObservation>();

    public static void MapVpns(this IEndpointRouteBuilder routes, VpnUseCases vpns, VpnClientUseCases clients, VpnSiteUseCases sites)
    {
        routes.Get("/vpns", Permission.Read("vpns"), "ListVpns", "List VPN gateways", async call => await PageRequest.Read(call).Then(page => vpns.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateVpn, Vpn>("/vpns", Permission.Write("vpns"), "CreateVpn", "Make the VPN gateway of a network", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => vpns.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/vpns/{vpn}", Permission.Read("vpns"), "ShowVpn", "Show a VPN gateway", call => vpns.GetAsync(call.Caller, call.Route("vpn"), call.Cancelled));
        routes.Delete("/vpns/{vpn}", Permission.Write("vpns"), "DeleteVpn", "Remove a VPN gateway with its clients and sites", call => vpns.DeleteAsync(call.Caller, call.Route("vpn"), call.Cancelled));

        routes.Get("/vpns/{vpn}/clients", Permission.Read("vpns"), "ListVpnClients", "List a VPN gateway's clients",
            async call => await PageRequest.Read(call).Then(page => clients.ListAsync(call.Caller, call.Route("vpn"), page, call.Cancelled))).WithPaging();
        routes.Post<CreateVpnClient, VpnClient>("/vpns/{vpn}/clients", Permission.Write("vpns"), "CreateVpnClient", "Let a device connect; answers its configuration", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => clients.CreateAsync(call.Caller, call.Route("vpn"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/vpns/{vpn}/clients/{vpnClient}", Permission.Read("vpns"), "ShowVpnClient", "Show a client, and its configuration without the private key",
            call => clients.GetAsync(call.Caller, call.Route("vpn"), call.Route("vpnClient"), call.Cancelled));
        routes.Delete("/vpns/{vpn}/clients/{vpnClient}", Permission.Write("vpns"), "DeleteVpnClient", "Remove a client; its access ends at once",
            call => clients.DeleteAsync(call.Caller, call.Route("vpn"), call.Route("vpnClient"), call.Cancelled));

        routes.Get("/vpns/{vpn}/sites", Permission.Read("vpns"), "ListVpnSites", "List a VPN gateway's sites",
            async call => await PageRequest.Read(call).Then(page => sites.ListAsync(call.Caller, call.Route("vpn"), page, call.Cancelled))).WithPaging();
        routes.Post<CreateVpnSite, VpnSite>("/vpns/{vpn}/sites", Permission.Write("vpns"), "CreateVpnSite", "Join another network; answers its gateway's configuration", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => sites.CreateAsync(call.Caller, call.Route("vpn"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/vpns/{vpn}/sites/{vpnSite}", Permission.Read("vpns"), "ShowVpnSite", "Show a site, and its configuration without keys",
            call => sites.GetAsync(call.Caller, call.Route("vpn"), call.Route("vpnSite"), call.Cancelled));
        routes.Delete("/vpns/{vpn}/sites/{vpnSite}", Permission.Write("vpns"), "DeleteVpnSite", "Remove a site; nothing is led to it any more",
            call => sites.DeleteAsync(call.Caller, call.Route("vpn"), call.Route("vpnSite"), call.Cancelled));
    }
}
