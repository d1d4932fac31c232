using System.Net;
using System.Security.Authentication;
using Kumoi.Api;
using Kumoi.Api.Logging;
using Kumoi.Server.Accounts;
using Kumoi.Server.Accounts.Directories;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Server.AddressPools;
using Kumoi.Server.Alerts;
using Kumoi.Server.Alerts.Contacts;
using Kumoi.Server.Backups;
using Kumoi.Server.Consoles;
using Kumoi.Server.Dialects.Ec2;
using Kumoi.Server.Doctor;
using Kumoi.Server.Events;
using Kumoi.Server.Explanations;
using Kumoi.Server.Flavors;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.HostPools;
using Kumoi.Server.Hosts;
using Kumoi.Server.Images;
using Kumoi.Server.Instances;
using Kumoi.Server.Interfaces;
using Kumoi.Server.KeyPairs;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Mail;
using Kumoi.Server.Metering;
using Kumoi.Server.Metering.Statements;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Metrics;
using Kumoi.Server.Networks;
using Kumoi.Server.Networks.Tracing;
using Kumoi.Server.Placement;
using Kumoi.Server.PlacementGroups;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Power;
using Kumoi.Server.Quotas;
using Kumoi.Server.ResourceTags;
using Kumoi.Server.Routers;
using Kumoi.Server.SecurityGroups;
using Kumoi.Server.Subscriptions;
using Kumoi.Server.Volumes;
using Kumoi.Server.Volumes.Moves;
using Kumoi.Server.Vpns;
using Kumoi.Server.Strays;
using Kumoi.Server.Switches;
using Kumoi.Server.Zones;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Npgsql;

namespace Kumoi.Server;

/// <summary>The control plane as one process: the table of contents of the server.</summary>
public static class ServerProgram
{
    // More waits in the database instead of here; fewer lets requests queue for a connection.
    private const int ConnectionsMax = 40, PreparedMax = 200;

    /// <summary>Builds the server, brings the schema and the first records up to date, and makes it ready to run.</summary>
    public static async Task<WebApplication> BuildAsync(ServerOptions options, TimeProvider clock, CancellationToken cancel)
    {
        if (options.Validate().ToList() is { Count: > 0 } wrong) throw new ArgumentException(string.Join(" ", wrong), nameof(options));
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            ApplicationName = "kumoi server", MaxPoolSize = ConnectionsMax, MaxAutoPrepare = PreparedMax, AutoPrepareMinUsages = 2, NoResetOnClose = true, Multiplexing = false,
        };
        var source = Sources.Open(settings);
        await new Migrator(source, Migration.Compiled, clock).MigrateAsync(cancel);
        var database = new Database(source, clock);
        var masterKey = MasterKey.ReadOrCreate(options.MasterKeyFile);
        var authority = new Authority(database, masterKey, clock);
        await authority.LoadAsync(cancel);

        var names = new[] { "localhost", "127.0.0.1", "::1", Dns.GetHostName(), new Uri(options.AgentUrl).Host, options.Listen.Address.ToString(), options.AgentListen.Address.ToString() };
        // Issued anew long before it expires: a server may run for years.
        var certificate = new ServerCertificate(authority, names, clock);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Kumoi.Server", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.AddLines(options.LogFormat, clock)
            .AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Listen(kestrel, options, new AgentTls(authority, certificate, clock), certificate));
        builder.Services.AddSingleton(options).AddSingleton(clock).AddSingleton(database).AddSingleton(masterKey).AddSingleton(authority).AddSingleton(certificate).AddSingleton<Ids>().AddSingleton<HostSnapshot>().AddLoop<ServerRegistry>().AddLoop<ServerBus>().AddSingleton<Leases>().AddSingleton<Bootstrap>()
            .AddRouting().AddKumoiOpenApi()
            // The console's files only: answers of the API hold secrets beside what a caller chose, which compression would mix.
            .AddResponseCompression(compression => (compression.EnableForHttps, compression.MimeTypes) = (true, ["text/html", "text/javascript", "text/css", "image/svg+xml"]))
            .ConfigureHttpJsonOptions(json =>
            {
                json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
                json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
            })
            .AddAccounts().AddAddressPools().AddAlerts().AddBackups().AddConsoles().AddDoctor().AddEc2().AddEvents().AddExplanations().AddFloatingAddresses().AddHostPools().AddHosts().AddImages().AddInstances().AddInterfaces().AddLoadBalancers().AddMail().AddMetering().AddNetworks().AddPlacementGroups().AddPower().AddQuotas().AddRouters().AddSecurityGroups().AddServerMetrics().AddSubscriptions().AddSwitches().AddTraces().AddVolumes().AddStrays().AddVpns().AddVlanRanges().AddWebhooks()
            .AddSingleton<FlavorUseCases>().AddSingleton<KeyPairUseCases>().AddSingleton<ResourceTagUseCases>().AddSingleton<ZoneUseCases>();

        var app = builder.Build();
        await app.Services.GetRequiredService<EventPartitions>().EnsureAsync(cancel);
        await app.Services.GetRequiredService<Bootstrap>().RunAsync(cancel);
        Map(app, options);
        return app;
    }

    private static void Listen(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, ServerOptions options, AgentTls agents, ServerCertificate certificate)
    {
        kestrel.AddServerHeader = false;
        // A table for each of thousands of connections, for the sake of a few bytes.
        kestrel.AllowResponseHeaderCompression = false;
        kestrel.Limits.MaxRequestBodySize = AgentReportBytesMax;
        kestrel.Listen(options.Listen, listen =>
        {
            // Tokens travel here: in clear only on this machine.
            if (!IPAddress.IsLoopback(options.Listen.Address)) listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Current);
        });
        kestrel.Listen(options.AgentListen, listen => agents.Gate.Around(listen, () => listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(agents.Options) })));
    }

    private const long AgentReportBytesMax = 20 * 1024 * 1024;

    private static void Map(WebApplication app, ServerOptions options)
    {
        var services = app.Services;
        app.UseRequestDefaults();
        app.Use(app.Services.GetRequiredService<ChangesAsked>().CountAsync);
        app.UseResponseCompression();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(20) });
        app.UseRouting();

        // Two doors, each with its own routes: nothing of the agents' is reachable at the API's port, nor the other way round.
        var agents = app.MapGroup("/agent/v1").AddPort(options.AgentListen.Port);
        agents.MapAgents(
            services.GetRequiredService<HostJoin>(), services.GetRequiredService<HostReports>(), services.GetRequiredService<DesiredDocuments>(), services.GetRequiredService<NetworkPeersDocuments>(), services.GetRequiredService<ImageUseCases>(),
            services.GetRequiredService<ImageFiles>(), services.GetRequiredService<ImageSpread>(), services.GetRequiredService<ImageMaking>(), services.GetRequiredService<ConsoleSessions>());

        var api = app.MapGroup("/api/v1").AddPort(options.Listen.Port);
        api.MapAccounts(services.GetRequiredService<AccountUseCases>(), services.GetRequiredService<AccessKeys>(), services.GetRequiredService<Tokens>(), services.GetRequiredService<Users>(), services.GetRequiredService<SecondFactors>(), services.GetRequiredService<SummaryStore>());
        api.MapTenancy(services.GetRequiredService<DomainUseCases>(), services.GetRequiredService<RoleUseCases>(), services.GetRequiredService<MembershipUseCases>(), services.GetRequiredService<PermissionCatalogue>());
        api.MapDirectories(services.GetRequiredService<DirectoryUseCases>(), services.GetRequiredService<DirectoryBinding>());
        api.MapSignInProviders(services.GetRequiredService<SignIns>());
        api.MapAddressPools(services.GetRequiredService<AddressPoolUseCases>());
        api.MapAlerts(services.GetRequiredService<AlertUseCases>(), services.GetRequiredService<ContactUseCases>());
        api.MapBackups(services.GetRequiredService<BackupUseCases>(), services.GetRequiredService<BackupMakingUseCases>(), services.GetRequiredService<BackupStoreUseCases>(), services.GetRequiredService<Backups.Schedules.BackupScheduleUseCases>());
        api.MapConsoles(services.GetRequiredService<ConsoleUseCases>());
        api.MapDoctor(services.GetRequiredService<DoctorUseCases>());
        api.MapEvents(services.GetRequiredService<EventStore>(), services.GetRequiredService<EventRetentions>(), services.GetRequiredService<EventBell>(), services.GetRequiredService<TimeProvider>(), app.Lifetime);
        api.MapExplanations(services.GetRequiredService<ExplanationUseCases>());
        api.MapFlavors(services.GetRequiredService<FlavorUseCases>());
        api.MapFloatingAddresses(services.GetRequiredService<FloatingAddressUseCases>());
        api.MapHostPools(services.GetRequiredService<HostPoolUseCases>());
        api.MapHosts(services.GetRequiredService<HostUseCases>(), services.GetRequiredService<HostRemoval>());
        api.MapImages(services.GetRequiredService<ImageUseCases>());
        api.MapPrefetches(services.GetRequiredService<Prefetches>());
        api.MapInstances(services.GetRequiredService<InstanceUseCases>(), services.GetRequiredService<InstanceLaunch>(), services.GetRequiredService<ConsoleUseCases>());
        api.MapInstanceChanges(services.GetRequiredService<InstanceChanges>());
        api.MapInstanceCds(services.GetRequiredService<InstanceCds>());
        api.MapInternetGateways(services.GetRequiredService<InternetGatewayUseCases>());
        api.MapInterfaces(services.GetRequiredService<InterfaceUseCases>());
        api.MapKeyPairs(services.GetRequiredService<KeyPairUseCases>());
        api.MapLoadBalancers(services.GetRequiredService<LoadBalancerUseCases>(), services.GetRequiredService<ListenerUseCases>(), services.GetRequiredService<MemberUseCases>());
        api.MapNetworks(services.GetRequiredService<NetworkUseCases>());
        api.MapPlacementGroups(services.GetRequiredService<PlacementGroupUseCases>());
        api.MapPeerings(services.GetRequiredService<PeeringUseCases>());
        api.MapStrays(services.GetRequiredService<StrayUseCases>());
        api.MapPools(services.GetRequiredService<PoolUseCases>(), services.GetRequiredService<DrainUseCases>());
        api.MapPortForwards(services.GetRequiredService<PortForwardUseCases>());
        api.MapPower(services.GetRequiredService<PowerUseCases>());
        api.MapMetering(services.GetRequiredService<UsageUseCases>(), services.GetRequiredService<UsageStore>(), services.GetRequiredService<TariffUseCases>(), services.GetRequiredService<StatementUseCases>(), services.GetRequiredService<IssuedStatementUseCases>());
        api.MapQuotas(services.GetRequiredService<QuotaUseCases>(), services.GetRequiredService<QuotaRequestUseCases>());
        api.MapRouters(services.GetRequiredService<RouterUseCases>());
        api.MapRoutes(services.GetRequiredService<RouteUseCases>());
        api.MapSecurityGroups(services.GetRequiredService<SecurityGroupUseCases>());
        api.MapSnapshots(services.GetRequiredService<SnapshotUseCases>(), services.GetRequiredService<SnapshotTaking>(), services.GetRequiredService<VolumeRestoring>());
        api.MapSubscriptions(services.GetRequiredService<SubscriptionUseCases>(), services.GetRequiredService<SubscriptionTrials>());
        api.MapSwitches(services.GetRequiredService<SwitchUseCases>());
        api.MapResourceTags(services.GetRequiredService<ResourceTagUseCases>());
        api.MapTraces(services.GetRequiredService<TraceUseCases>());
        api.MapVolumes(services.GetRequiredService<VolumeUseCases>(), services.GetRequiredService<VolumeAttachments>(), services.GetRequiredService<MoveUseCases>(), services.GetRequiredService<VolumeTypeUseCases>());
        api.MapVpns(services.GetRequiredService<VpnUseCases>(), services.GetRequiredService<VpnClientUseCases>(), services.GetRequiredService<VpnSiteUseCases>());
        api.MapVlanRanges(services.GetRequiredService<VlanRangeUseCases>());
        api.MapZones(services.GetRequiredService<ZoneUseCases>());

        app.MapGroup("").AddPort(options.Listen.Port).MapSignIns(services.GetRequiredService<SignIns>(), services.GetRequiredService<MasterKey>(), options);
        app.MapEc2(services.GetRequiredService<Ec2Door>(), options.Listen.Port);
        app.MapMetrics(options);
        app.MapHealth(services.GetRequiredService<Database>(), options);
        app.MapConsoleFiles(options);
    }
}
