using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>EC2's codes for what use cases answer: <see href="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"/>. A test finds codes that have none.</summary>
public static class Ec2Errors
{
    private const string Wrong = "InvalidParameterValue", State = "IncorrectState", Depends = "DependencyViolation", Full = "InsufficientInstanceCapacity", Refused = "OperationNotPermitted", Elsewhere = "UnsupportedOperation";

    private static readonly Dictionary<string, (string Code, int Status)> Codes = new()
    {
        ["unauthenticated"] = ("AuthFailure", 401), ["login-failed"] = ("AuthFailure", 401), ["join-token"] = ("AuthFailure", 401), ["unknown-host"] = ("AuthFailure", 401),
        ["forbidden"] = ("UnauthorizedOperation", 403), ["public-image"] = ("UnauthorizedOperation", 403), ["too-many-logins"] = ("RequestLimitExceeded", 503),
        ["forbidden-by-token"] = ("UnauthorizedOperation", 403), ["more-than-own"] = ("UnauthorizedOperation", 403), ["quota-of-own-domain"] = ("UnauthorizedOperation", 403), ["account-suspended"] = ("Blocked", 403), ["account-closed"] = ("Blocked", 403),
        ["user-disabled"] = ("AuthFailure", 401), ["second-factor-required"] = ("AuthFailure", 401), ["second-factor-wrong"] = ("AuthFailure", 401), ["second-factor-on"] = (State, 400), ["second-factor-off"] = (State, 400), ["directory-away"] = ("Unavailable", 503), ["provider-away"] = ("Unavailable", 503), ["public-url-missing"] = ("Unavailable", 503),
        ["sign-in-expired"] = ("AuthFailure", 401), ["sign-in-refused"] = ("AuthFailure", 401), ["sign-in-failed"] = ("AuthFailure", 401), ["sign-in-not-meant"] = ("AuthFailure", 401), ["sign-in-no-name"] = ("AuthFailure", 401), ["sign-in-code-wrong"] = ("AuthFailure", 401),
        ["directory-of-names"] = (State, 400), ["user-elsewhere"] = (State, 400), ["subject-taken"] = (Refused, 400), ["second-factor-of-provider"] = (State, 400),
        ["password-of-directory"] = (Refused, 400), ["disable-self"] = (Refused, 400), ["last-manager"] = (Refused, 400), ["role-built-in"] = (Refused, 400), ["root-domain"] = (Refused, 400), ["month-issued"] = (State, 400), ["month-not-begun"] = (State, 400), ["month-not-over"] = (State, 400), ["no-tariff"] = (State, 400), ["usage-too-much"] = (State, 400), ["quota-requested"] = (State, 400), ["quota-answered"] = (State, 400),
        ["drain-to-itself"] = (Wrong, 400), ["move-nowhere"] = ("InsufficientVolumeCapacity", 500), ["move-unsupported"] = (Elsewhere, 400), ["volume-has-snapshots"] = (State, 400), ["volume-moving"] = (State, 400), ["volume-not-moving"] = (State, 400), ["volume-there"] = (State, 400),
        ["alert-resolved"] = (State, 400), ["contact-verified"] = (State, 400), ["no-mail-server"] = (Elsewhere, 400), ["too-many-contacts"] = ("LimitExceeded", 400), ["too-many-codes"] = ("RequestLimitExceeded", 503),
        ["not-json"] = ("MalformedQueryString", 400), ["json-required"] = ("MalformedQueryString", 400), ["body-too-large"] = ("RequestEntityTooLarge", 413), ["image-bytes"] = ("RequestEntityTooLarge", 413), ["broken-request"] = ("MalformedQueryString", 400),
        ["no-such-route"] = ("InvalidAction", 400), ["no-such-method"] = ("InvalidAction", 400), ["nothing-named"] = (Wrong, 400), ["console-ticket"] = (Wrong, 400),
        ["idempotency-key-reused"] = ("IdempotentParameterMismatch", 400), ["changed-meanwhile"] = ("ConcurrentModification", 503), ["database-away"] = ("Unavailable", 503), ["unexpected"] = ("InternalError", 500),
        ["console-unreachable"] = ("Unavailable", 503), ["power-controller"] = ("Unavailable", 503), ["switch-failed"] = ("Unavailable", 503), ["wait-timeout"] = ("Unavailable", 503), ["wait-unreachable"] = (State, 400),
        ["insufficient-capacity"] = (Full, 500), ["insufficient-storage"] = ("InsufficientVolumeCapacity", 500), ["no-default-pool"] = ("InsufficientVolumeCapacity", 500), ["pool-maintenance"] = ("InsufficientVolumeCapacity", 500), ["pool-nowhere"] = ("InsufficientVolumeCapacity", 500),
        ["pool-not-on-host"] = (Elsewhere, 400), ["volume-elsewhere"] = (Elsewhere, 400), ["snapshot-host-away"] = ("Unavailable", 503), ["volume-host-away"] = ("Unavailable", 503), ["encryption-unsupported"] = (Elsewhere, 400), ["image-unsupported"] = (Elsewhere, 400),
        ["addresses-exhausted"] = ("InsufficientFreeAddressesInSubnet", 400), ["floating-addresses-exhausted"] = ("InsufficientAddressCapacity", 500), ["pool-exhausted"] = ("InsufficientAddressCapacity", 500),
        ["too-many-volumes"] = ("AttachmentLimitExceeded", 400), ["too-many-interfaces"] = ("AttachmentLimitExceeded", 400), ["too-many-snapshots"] = ("SnapshotLimitExceeded", 400), ["too-many-access-keys"] = ("LimitExceeded", 400), ["too-many-schedules"] = ("LimitExceeded", 400), ["too-many-subscriptions"] = ("LimitExceeded", 400), ["subscription-unsigned"] = (Elsewhere, 400), ["contact-unsigned"] = (Elsewhere, 400),
        ["vpn-full"] = ("LimitExceeded", 400), ["gateway-attached"] = ("Resource.AlreadyAssociated", 400), ["network-has-outside"] = ("Resource.AlreadyAssociated", 400), ["rule-exists"] = ("InvalidPermission.Duplicate", 400), ["default-group"] = ("CannotDelete", 400), ["termination-protected"] = (Refused, 400),
        ["address-associated"] = ("Resource.AlreadyAssociated", 400), ["address-balanced"] = ("Resource.AlreadyAssociated", 400), ["address-serves-network"] = ("InvalidIPAddress.InUse", 400), ["interface-has-address"] = ("Resource.AlreadyAssociated", 400),
        ["port-forwarded"] = ("InvalidIPAddress.InUse", 400), ["port-of-balancer"] = ("InvalidIPAddress.InUse", 400), ["port-of-vpn"] = ("InvalidIPAddress.InUse", 400),
        ["ambiguous-name"] = (Wrong, 400), ["being-deleted"] = (State, 400), ["being-terminated"] = ("IncorrectInstanceState", 400), ["not-running"] = ("IncorrectInstanceState", 400), ["instance-stop-first"] = ("IncorrectInstanceState", 400), ["instance-not-stopped"] = ("IncorrectInstanceState", 400),
        ["instance-own-disk"] = (Elsewhere, 400), ["no-root-volume"] = ("IncorrectInstanceState", 400), ["no-root-to-snapshot"] = ("IncorrectInstanceState", 400), ["interface-detaching"] = (State, 400), ["last-interface"] = (Refused, 400),
        ["image-busy"] = (State, 400), ["image-filled"] = (State, 400), ["image-not-available"] = ("InvalidAMIID.Unavailable", 400), ["image-of-encrypted"] = (Elsewhere, 400), ["upload-offset"] = (State, 400),
        ["volume-attached"] = ("VolumeInUse", 400), ["volume-not-attached"] = (State, 400), ["volume-not-available"] = (State, 400), ["volume-not-made"] = (State, 400), ["volume-restoring"] = (State, 400), ["volume-filling"] = (State, 400), ["volume-held"] = (State, 400),
        ["snapshot-not-available"] = (State, 400), ["network-has-vpn"] = (Depends, 400), ["operator-account"] = (Refused, 400), ["delete-self"] = (Refused, 400), ["instances-survive"] = (Refused, 400),
        ["peering-exists"] = ("VpcPeeringConnectionAlreadyExists", 400), ["peering-not-pending"] = ("InvalidStateTransition", 400), ["peering-not-yours"] = (Refused, 400),
        ["host-in-service"] = (State, 400), ["host-pool-for-all"] = (State, 400), ["host-pool-default"] = (Refused, 400), ["host-not-down"] = (State, 400), ["host-reports"] = (State, 400), ["no-power-controller"] = (State, 400), ["stray-image-gone"] = (State, 400), ["stray-key-gone"] = (State, 400), ["stray-unreadable"] = (State, 400),
        ["backup-chain-busy"] = (State, 400), ["backup-not-available"] = (State, 400), ["backup-not-creating"] = (State, 400), ["backup-not-reached"] = (State, 400), ["backup-store-away"] = ("Unavailable", 503), ["backup-under-way"] = (State, 400), ["no-backup-store"] = (State, 400),
    };

    /// <summary>Of what is not there.</summary>
    private static readonly Dictionary<string, string> Absent = new()
    {
        ["instance"] = "InvalidInstanceID.NotFound", ["volume"] = "InvalidVolume.NotFound", ["snapshot"] = "InvalidSnapshot.NotFound", ["image"] = "InvalidAMIID.NotFound", ["key-pair"] = "InvalidKeyPair.NotFound",
        ["security-group"] = "InvalidGroup.NotFound", ["rule"] = "InvalidSecurityGroupRuleId.NotFound", ["network"] = "InvalidVpcID.NotFound", ["subnet"] = "InvalidSubnetID.NotFound", ["interface"] = "InvalidNetworkInterfaceID.NotFound",
        ["floating-address"] = "InvalidAllocationID.NotFound", ["placement-group"] = "InvalidPlacementGroup.Unknown", ["internet-gateway"] = "InvalidInternetGatewayID.NotFound", ["route"] = "InvalidRoute.NotFound", ["resource"] = "InvalidID",
    };

    /// <summary>Of what something else needs.</summary>
    private static readonly Dictionary<string, string> Used = new()
    {
        ["security-group"] = "InvalidGroup.InUse", ["volume"] = "VolumeInUse", ["snapshot"] = "InvalidSnapshot.InUse", ["floating-address"] = "InvalidIPAddress.InUse", ["interface"] = "InvalidNetworkInterface.InUse", ["placement-group"] = "InvalidPlacementGroup.InUse",
    };

    /// <summary>Of names that are given already.</summary>
    private static readonly Dictionary<string, string> Taken = new()
    {
        ["key-pair"] = "InvalidKeyPair.Duplicate", ["security-group"] = "InvalidGroup.Duplicate", ["image"] = "InvalidAMIName.Duplicate", ["placement-group"] = "InvalidPlacementGroup.Duplicate",
    };

    /// <summary>Of rules that have a code of their own in EC2.</summary>
    private static readonly Dictionary<string, string> Rules = new()
    {
        ["required"] = "MissingParameter", ["image-not-available"] = "InvalidAMIID.Unavailable", ["address-taken"] = "InvalidIPAddress.InUse", ["reserved-address"] = "InvalidParameterValue", ["overlaps"] = "InvalidSubnet.Conflict", ["overlaps-linked"] = "InvalidSubnet.Conflict",
        ["slot-taken"] = "InvalidParameterValue", ["at-most"] = "LimitExceeded", ["too-many-bytes"] = "InvalidUserData.Malformed",
    };

    /// <summary>Of what there may not be more of.</summary>
    private static readonly Dictionary<string, string> Limits = new()
    {
        ["quota.instances"] = "InstanceLimitExceeded", ["quota.vcpus"] = "VcpuLimitExceeded", ["quota.memory-mib"] = "InstanceLimitExceeded", ["quota.volumes"] = "VolumeLimitExceeded", ["quota.volume-gib"] = "VolumeLimitExceeded", ["quota.snapshots"] = "SnapshotLimitExceeded",
        ["quota.floating-addresses"] = "AddressLimitExceeded", ["quota.networks"] = "VpcLimitExceeded", ["quota.security-groups"] = "SecurityGroupLimitExceeded", ["quota.security-group-rules"] = "RulesPerSecurityGroupLimitExceeded", ["quota.images"] = "AMILimitExceeded",
    };

    /// <summary>True of codes that are told with one of EC2's; <c>not-found</c>, <c>in-use</c>, <c>name-taken</c>, <c>invalid-request</c> and those of quotas by what they are about.</summary>
    public static bool Has(string code) => code is "not-found" or "in-use" or "name-taken" or "invalid-request" or "quota-exceeded" or "quota-exceeded-domain" || Codes.ContainsKey(code);

    public static Ec2Fault Of(Failure failure)
    {
        var (code, status) = failure.Code switch
        {
            "not-found" => (Of(Absent, failure, "InvalidID"), 400),
            "in-use" => (Of(Used, failure, Depends), 400),
            "name-taken" => (Of(Taken, failure, Wrong), 400),
            "quota-exceeded" or "quota-exceeded-domain" => (Of(Limits, failure, "ResourceLimitExceeded"), 400),
            "invalid-request" => (failure.Violations is [var first, ..] ? Of(first) : Wrong, 400),
            _ => Codes.GetValueOrDefault(failure.Code, (State, 400)),
        };
        return new Ec2Fault(code, status, "") { Native = failure };
    }

    private static string Of(Dictionary<string, string> codes, Failure failure, string other) => failure.Arguments is [Noun noun, ..] ? codes.GetValueOrDefault(noun.Word, other) : other;

    private static string Of(Violation violation) => violation.Rule == "no-such" && violation.Arguments is [Noun noun, ..] ? Absent.GetValueOrDefault(noun.Word, Wrong)
        : violation is { Field: "count", Rule: "between" } ? "InstanceLimitExceeded" : Rules.GetValueOrDefault(violation.Rule, Wrong);

    /// <summary>What a use case said, in one sentence or a few, with EC2's ids.</summary>
    public static string Sentence(Failure failure, string language)
    {
        var problem = Problems.Describe(failure, language, "", "");
        var parts = (problem.Errors ?? []).Select(error => $"{error.Field} {error.Message}.").Concat((problem.UsedBy ?? []).Select(user => user.Id == user.Name ? user.Id : $"{user.Name} ({user.Id})")).Concat((problem.Reasons ?? []).Select(reason => reason.Message));
        return Ec2Kind.Translate(string.Join(' ', (string[])[problem.Title, .. parts]));
    }
}
