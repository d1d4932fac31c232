using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Api.Agent;

namespace Kumoi.Api;

/// <summary>How everything that crosses a wire is written: camelCase, a value that is not there is told as null.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Account)), JsonSerializable(typeof(Page<Account>)), JsonSerializable(typeof(CreateAccount)), JsonSerializable(typeof(UpdateAccount))]
[JsonSerializable(typeof(Domain)), JsonSerializable(typeof(Page<Domain>)), JsonSerializable(typeof(CreateDomain)), JsonSerializable(typeof(UpdateDomain))]
[JsonSerializable(typeof(Role)), JsonSerializable(typeof(Page<Role>)), JsonSerializable(typeof(CreateRole)), JsonSerializable(typeof(UpdateRole)), JsonSerializable(typeof(Page<KnownPermission>))]
[JsonSerializable(typeof(SecondFactor)), JsonSerializable(typeof(BeginSecondFactor)), JsonSerializable(typeof(SecondFactorSecret)), JsonSerializable(typeof(ConfirmSecondFactor)), JsonSerializable(typeof(RecoveryCodes)), JsonSerializable(typeof(EndSecondFactor))]
[JsonSerializable(typeof(UserDirectory)), JsonSerializable(typeof(Page<UserDirectory>)), JsonSerializable(typeof(CreateDirectory)), JsonSerializable(typeof(UpdateDirectory)), JsonSerializable(typeof(SetDirectoryUser)), JsonSerializable(typeof(DirectoryUser)), JsonSerializable(typeof(Page<DirectoryUser>)), JsonSerializable(typeof(Page<SignInProvider>)), JsonSerializable(typeof(SignInProvider)), JsonSerializable(typeof(GroupRole[]))]
[JsonSerializable(typeof(Usage)), JsonSerializable(typeof(UsageRecord)), JsonSerializable(typeof(Page<UsageSpan>)), JsonSerializable(typeof(RecomputeUsage)), JsonSerializable(typeof(RecomputedUsage))]
[JsonSerializable(typeof(Tariff)), JsonSerializable(typeof(Page<Tariff>)), JsonSerializable(typeof(CreateTariff)), JsonSerializable(typeof(SetTariffPrice)), JsonSerializable(typeof(EndTariffPrice)), JsonSerializable(typeof(AssignTariff))]
[JsonSerializable(typeof(BillingStatement)), JsonSerializable(typeof(Page<StatementSummary>)), JsonSerializable(typeof(Page<IssuedStatement>)), JsonSerializable(typeof(IssueStatements)), JsonSerializable(typeof(IssuedStatements))]
[JsonSerializable(typeof(Alert)), JsonSerializable(typeof(Page<Alert>)), JsonSerializable(typeof(AcknowledgeAlert))]
[JsonSerializable(typeof(Contact)), JsonSerializable(typeof(Page<Contact>)), JsonSerializable(typeof(CreateContact)), JsonSerializable(typeof(UpdateContact)), JsonSerializable(typeof(VerifyContact)), JsonSerializable(typeof(ContactMessage))]
[JsonSerializable(typeof(Page<Quota>)), JsonSerializable(typeof(SetQuotas)), JsonSerializable(typeof(Page<QuotaDefault>)), JsonSerializable(typeof(QuotaRequest)), JsonSerializable(typeof(Page<QuotaRequest>)), JsonSerializable(typeof(CreateQuotaRequest)), JsonSerializable(typeof(AnswerQuotaRequest))]
[JsonSerializable(typeof(Membership)), JsonSerializable(typeof(Page<Membership>)), JsonSerializable(typeof(SetMembership)), JsonSerializable(typeof(Self)), JsonSerializable(typeof(UpdateUser))]
[JsonSerializable(typeof(User)), JsonSerializable(typeof(Page<User>)), JsonSerializable(typeof(CreateUser)), JsonSerializable(typeof(ChangePassword))]
[JsonSerializable(typeof(Login)), JsonSerializable(typeof(TokenCreated)), JsonSerializable(typeof(Page<Token>)), JsonSerializable(typeof(CreateToken))]
[JsonSerializable(typeof(AccessKey)), JsonSerializable(typeof(Page<AccessKey>)), JsonSerializable(typeof(CreateAccessKey)), JsonSerializable(typeof(AccessKeyCreated))]
[JsonSerializable(typeof(AccountSummary))]
[JsonSerializable(typeof(Zone)), JsonSerializable(typeof(Page<Zone>)), JsonSerializable(typeof(CreateZone))]
[JsonSerializable(typeof(Host)), JsonSerializable(typeof(Page<Host>)), JsonSerializable(typeof(UpdateHost))]
[JsonSerializable(typeof(HostPower)), JsonSerializable(typeof(SetHostPower))]
[JsonSerializable(typeof(CreateJoinToken)), JsonSerializable(typeof(JoinToken))]
[JsonSerializable(typeof(Flavor)), JsonSerializable(typeof(Page<Flavor>)), JsonSerializable(typeof(CreateFlavor))]
[JsonSerializable(typeof(Image)), JsonSerializable(typeof(Page<Image>)), JsonSerializable(typeof(CreateImage)), JsonSerializable(typeof(UpdateImage))]
[JsonSerializable(typeof(KeyPair)), JsonSerializable(typeof(Page<KeyPair>)), JsonSerializable(typeof(CreateKeyPair)), JsonSerializable(typeof(KeyPairCreated))]
[JsonSerializable(typeof(PlacementGroup)), JsonSerializable(typeof(Page<PlacementGroup>)), JsonSerializable(typeof(CreatePlacementGroup))]
[JsonSerializable(typeof(HostPool)), JsonSerializable(typeof(Page<HostPool>)), JsonSerializable(typeof(CreateHostPool)), JsonSerializable(typeof(UpdateHostPool)), JsonSerializable(typeof(GiveHostPool)), JsonSerializable(typeof(TakeHostPool))]
[JsonSerializable(typeof(Network)), JsonSerializable(typeof(Page<Network>)), JsonSerializable(typeof(CreateNetwork))]
[JsonSerializable(typeof(Subnet)), JsonSerializable(typeof(Page<Subnet>)), JsonSerializable(typeof(CreateSubnet)), JsonSerializable(typeof(UpdateSubnet))]
[JsonSerializable(typeof(Switch)), JsonSerializable(typeof(Page<Switch>)), JsonSerializable(typeof(CreateSwitch)), JsonSerializable(typeof(SwitchPort)), JsonSerializable(typeof(SetSwitchPort)), JsonSerializable(typeof(SeenSwitch))]
[JsonSerializable(typeof(Volume)), JsonSerializable(typeof(Page<Volume>)), JsonSerializable(typeof(CreateVolume)), JsonSerializable(typeof(UpdateVolume)), JsonSerializable(typeof(AttachVolume)), JsonSerializable(typeof(MoveVolume))]
[JsonSerializable(typeof(Page<Stray>)), JsonSerializable(typeof(AdoptStray)), JsonSerializable(typeof(Page<RecoverableVolume>)), JsonSerializable(typeof(RecoverVolume))]
[JsonSerializable(typeof(Snapshot)), JsonSerializable(typeof(Page<Snapshot>)), JsonSerializable(typeof(CreateSnapshot)), JsonSerializable(typeof(UpdateSnapshot)), JsonSerializable(typeof(RestoreVolume))]
[JsonSerializable(typeof(BackupSchedule)), JsonSerializable(typeof(Page<BackupSchedule>)), JsonSerializable(typeof(CreateBackupSchedule)), JsonSerializable(typeof(UpdateBackupSchedule))]
[JsonSerializable(typeof(Backup)), JsonSerializable(typeof(Page<Backup>)), JsonSerializable(typeof(CreateBackup)), JsonSerializable(typeof(RestoreBackup)), JsonSerializable(typeof(BackupStore)), JsonSerializable(typeof(Page<BackupStore>))]
[JsonSerializable(typeof(VolumeType)), JsonSerializable(typeof(Page<VolumeType>)), JsonSerializable(typeof(CreateVolumeType))]
[JsonSerializable(typeof(Pool)), JsonSerializable(typeof(Page<Pool>)), JsonSerializable(typeof(UpdatePool)), JsonSerializable(typeof(DrainPool))]
[JsonSerializable(typeof(VlanRange)), JsonSerializable(typeof(Page<VlanRange>)), JsonSerializable(typeof(CreateVlanRange))]
[JsonSerializable(typeof(Router)), JsonSerializable(typeof(Page<Router>)), JsonSerializable(typeof(CreateRouter)), JsonSerializable(typeof(ChangeRouter))]
[JsonSerializable(typeof(InternetGateway)), JsonSerializable(typeof(Page<InternetGateway>)), JsonSerializable(typeof(CreateInternetGateway)), JsonSerializable(typeof(AttachInternetGateway))]
[JsonSerializable(typeof(Peering)), JsonSerializable(typeof(Page<Peering>)), JsonSerializable(typeof(CreatePeering))]
[JsonSerializable(typeof(NetworkRoute)), JsonSerializable(typeof(Page<NetworkRoute>)), JsonSerializable(typeof(CreateNetworkRoute))]
[JsonSerializable(typeof(PortForward)), JsonSerializable(typeof(Page<PortForward>)), JsonSerializable(typeof(CreatePortForward))]
[JsonSerializable(typeof(LoadBalancer)), JsonSerializable(typeof(Page<LoadBalancer>)), JsonSerializable(typeof(CreateLoadBalancer)), JsonSerializable(typeof(UpdateLoadBalancer))]
[JsonSerializable(typeof(LoadBalancerListener)), JsonSerializable(typeof(CreateListener)), JsonSerializable(typeof(UpdateListener)), JsonSerializable(typeof(CreateMember)), JsonSerializable(typeof(UpdateMember)), JsonSerializable(typeof(ObservedListener))]
[JsonSerializable(typeof(Vpn)), JsonSerializable(typeof(Page<Vpn>)), JsonSerializable(typeof(CreateVpn))]
[JsonSerializable(typeof(VpnClient)), JsonSerializable(typeof(Page<VpnClient>)), JsonSerializable(typeof(CreateVpnClient))]
[JsonSerializable(typeof(VpnSite)), JsonSerializable(typeof(Page<VpnSite>)), JsonSerializable(typeof(CreateVpnSite))]
[JsonSerializable(typeof(PacketTrace)), JsonSerializable(typeof(TraceQuestion))]
[JsonSerializable(typeof(UpdateNetwork)), JsonSerializable(typeof(DhcpOption[]))]
[JsonSerializable(typeof(Interface)), JsonSerializable(typeof(Page<Interface>)), JsonSerializable(typeof(AttachInterface)), JsonSerializable(typeof(UpdateInterface)), JsonSerializable(typeof(InterfaceTraffic))]
[JsonSerializable(typeof(FloatingAddress)), JsonSerializable(typeof(Page<FloatingAddress>)), JsonSerializable(typeof(CreateFloatingAddress)), JsonSerializable(typeof(AssociateFloatingAddress))]
[JsonSerializable(typeof(AddressPool)), JsonSerializable(typeof(Page<AddressPool>)), JsonSerializable(typeof(CreateAddressPool)), JsonSerializable(typeof(UpdateAddressPool))]
[JsonSerializable(typeof(SecurityGroup)), JsonSerializable(typeof(Page<SecurityGroup>)), JsonSerializable(typeof(CreateSecurityGroup))]
[JsonSerializable(typeof(SecurityGroupRule)), JsonSerializable(typeof(CreateSecurityGroupRule)), JsonSerializable(typeof(ChangeSecurityGroupRules))]
[JsonSerializable(typeof(Instance)), JsonSerializable(typeof(Page<Instance>)), JsonSerializable(typeof(LaunchInstance)), JsonSerializable(typeof(UpdateInstance)), JsonSerializable(typeof(InstanceUserData)), JsonSerializable(typeof(TaggedResource)), JsonSerializable(typeof(Page<TaggedResource>)), JsonSerializable(typeof(UpdateTags))]
[JsonSerializable(typeof(AttachCd)), JsonSerializable(typeof(PrefetchImage)), JsonSerializable(typeof(ImageSources))]
[JsonSerializable(typeof(SetRecovery)), JsonSerializable(typeof(ReplaceSecurityGroups)), JsonSerializable(typeof(OpenConsole)), JsonSerializable(typeof(ConsoleOpened))]
[JsonSerializable(typeof(Subscription)), JsonSerializable(typeof(Page<Subscription>)), JsonSerializable(typeof(CreateSubscription)), JsonSerializable(typeof(UpdateSubscription)), JsonSerializable(typeof(SubscriptionSecret)), JsonSerializable(typeof(ResumeSubscription)), JsonSerializable(typeof(RotateSecret)), JsonSerializable(typeof(SubscriptionTest))]
[JsonSerializable(typeof(EventRetention)), JsonSerializable(typeof(UpdateEventRetention))]
[JsonSerializable(typeof(Event)), JsonSerializable(typeof(Page<Event>)), JsonSerializable(typeof(Problem)), JsonSerializable(typeof(Condition[]))]
[JsonSerializable(typeof(Explanation)), JsonSerializable(typeof(DoctorReport)), JsonSerializable(typeof(Finding[]))]
[JsonSerializable(typeof(DesiredDocument)), JsonSerializable(typeof(ObservedReport)), JsonSerializable(typeof(HostFacts)), JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(ReportAnswer)), JsonSerializable(typeof(NetworkPeers)), JsonSerializable(typeof(DesiredQuestion)), JsonSerializable(typeof(DesiredAnswer)), JsonSerializable(typeof(DesiredRevisions))]
[JsonSerializable(typeof(JoinRequest)), JsonSerializable(typeof(JoinAnswer)), JsonSerializable(typeof(RenewRequest)), JsonSerializable(typeof(JoinTokenContent))]
public sealed partial class ApiJson : JsonSerializerContext;

/// <summary>The same, with text of any script written as it is: answers are read by people too, and are never embedded in HTML.</summary>
public static class WireJson
{
    public static ApiJson Default { get; } =
        new(new JsonSerializerOptions(ApiJson.Default.Options!) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
