"""Every action once and more, by boto3, against a cloud with simulated hosts. Told by the environment: endpoint, keys, region, and the id of a public image named tiny."""
import base64
import contextlib
import subprocess
import sys
import tempfile
import time

import botocore.exceptions
import ec2_model

ec2 = ec2_model.client()
QUICK = {"Delay": 1, "MaxAttempts": 60}


@contextlib.contextmanager
def refused(code, status=None):
    try:
        yield
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert status in (None, error.response["ResponseMetadata"]["HTTPStatusCode"]), error
        assert error.response["Error"]["Message"], error
    else:
        raise AssertionError(f"not refused with {code}")


def wait(name, **parameters):
    ec2.get_waiter(name).wait(WaiterConfig=QUICK, **parameters)


def places():
    regions = ec2.describe_regions()["Regions"]
    assert [one["RegionName"] for one in regions] == ["kumoi"], regions
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert zones and all(zone["State"] == "available" for zone in zones)
    types = ec2.describe_instance_types(InstanceTypes=["small"])["InstanceTypes"]
    assert types[0]["MemoryInfo"]["SizeInMiB"] == 256 and types[0]["VCpuInfo"]["DefaultVCpus"] == 1, types
    with refused("InvalidInstanceType"):
        ec2.describe_instance_types(InstanceTypes=["m7i.metal"])
    assert {"InstanceType": "small", "LocationType": "availability-zone", "Location": zones[0]["ZoneName"]} in ec2.describe_instance_type_offerings(LocationType="availability-zone")["InstanceTypeOfferings"]
    attributes = {one["AttributeName"]: one["AttributeValues"][0]["AttributeValue"] for one in ec2.describe_account_attributes()["AccountAttributes"]}
    assert attributes["supported-platforms"] == "VPC" and attributes["default-vpc"].startswith("vpc-")
    return zones[0]["ZoneName"], attributes["default-vpc"]


def key_pairs():
    made = ec2.create_key_pair(KeyName="made", TagSpecifications=[{"ResourceType": "key-pair", "Tags": [{"Key": "who", "Value": "雲居"}]}])
    assert "PRIVATE KEY" in made["KeyMaterial"] and made["KeyPairId"].startswith("key-")
    with refused("InvalidKeyPair.Duplicate", 400):
        ec2.create_key_pair(KeyName="made")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/key"], check=True)
        ec2.import_key_pair(KeyName="brought", PublicKeyMaterial=open(folder + "/key.pub", "rb").read())
    with refused("InvalidKey.Format"):
        ec2.import_key_pair(KeyName="wrong", PublicKeyMaterial=b"no key")
    wait("key_pair_exists", KeyNames=["made", "brought"])
    assert [pair["KeyName"] for pair in ec2.describe_key_pairs(Filters=[{"Name": "tag:who", "Values": ["雲?"]}])["KeyPairs"]] == ["made"]
    assert ec2.describe_key_pairs(KeyPairIds=[made["KeyPairId"]], IncludePublicKey=True)["KeyPairs"][0]["PublicKey"].startswith("ecdsa-")
    with refused("InvalidKeyPair.NotFound", 400):
        ec2.describe_key_pairs(KeyNames=["nobody"])
    ec2.delete_key_pair(KeyName="brought")
    ec2.delete_key_pair(KeyName="brought")


def images():
    everyone = ec2.describe_images(Filters=[{"Name": "name", "Values": ["ti*"]}, {"Name": "state", "Values": ["available"]}])["Images"]
    tiny = everyone[0]
    assert tiny["Public"] and tiny["ImageId"].startswith("ami-") and tiny["RootDeviceName"] == "/dev/sda1"
    assert ec2.describe_images(ImageIds=["tiny"])["Images"][0]["ImageId"] == tiny["ImageId"]
    assert ec2.describe_images(Owners=["self"])["Images"] == []
    with refused("InvalidAMIID.NotFound"):
        ec2.describe_images(ImageIds=["ami-00000000000000000"])
    with refused("InvalidAMIID.Malformed"):
        ec2.describe_images(ImageIds=["ami-xyz"])
    own = ec2.register_image(Name="fetched", ImageLocation="http://127.0.0.1:9/none.qcow2", Description="first")["ImageId"]
    ec2.create_tags(Resources=[own], Tags=[{"Key": "a", "Value": "b"}])
    with refused("InvalidAMIName.Duplicate"):
        ec2.register_image(Name="fetched", ImageLocation="http://127.0.0.1:9/none.qcow2")
    ec2.modify_image_attribute(ImageId=own, Description={"Value": "second"})
    assert ec2.describe_image_attribute(ImageId=own, Attribute="description")["Description"]["Value"] == "second"
    ec2.modify_image_attribute(ImageId=own, LaunchPermission={"Add": [{"UserId": "operator"}]})
    assert len(ec2.describe_image_attribute(ImageId=own, Attribute="launchPermission")["LaunchPermissions"]) == 1
    ec2.reset_image_attribute(ImageId=own, Attribute="launchPermission")
    assert ec2.describe_image_attribute(ImageId=own, Attribute="launchPermission")["LaunchPermissions"] == []
    with refused("UnauthorizedOperation", 403):
        ec2.modify_image_attribute(ImageId=own, LaunchPermission={"Add": [{"Group": "all"}]})
    assert [image["ImageId"] for image in ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:a", "Values": ["b"]}])["Images"]] == [own]
    ec2.deregister_image(ImageId=own)
    return tiny["ImageId"]


def security_groups(vpc):
    group = ec2.create_security_group(GroupName="web", Description="for the web", VpcId=vpc)["GroupId"]
    with refused("InvalidGroup.Duplicate"):
        ec2.create_security_group(GroupName="web", Description="again", VpcId=vpc)
    wait("security_group_exists", GroupIds=[group])
    rules = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}, {"CidrIp": "198.51.100.0/24"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}])["SecurityGroupRules"]
    assert len(rules) == 5 and all(rule["SecurityGroupRuleId"].startswith("sgr-") for rule in rules), rules
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=81, CidrIp="0.0.0.0/0")
    told = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["web"]}])["SecurityGroups"][0]
    tcp = next(one for one in told["IpPermissions"] if one["IpProtocol"] == "tcp")
    assert (tcp["FromPort"], tcp["ToPort"], len(tcp["IpRanges"]), told["VpcId"]) == (80, 81, 2, vpc), told
    assert {one["IpProtocol"] for one in told["IpPermissionsEgress"]} == {"-1"}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "everybody"}]}])
    listed = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert "everybody" in [rule.get("Description") for rule in listed]
    one = next(rule for rule in listed if rule.get("CidrIpv4") == "198.51.100.0/24")
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": one["SecurityGroupRuleId"], "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "198.51.100.0/24"}}])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}])
    with refused("InvalidPermission.NotFound"):
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    egress = [rule for rule in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"] if rule["IsEgress"] and rule["IpProtocol"] == "udp"]
    ec2.update_security_group_rule_descriptions_egress(GroupId=group, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": egress[0]["SecurityGroupRuleId"], "Description": "names"}])
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[egress[0]["SecurityGroupRuleId"]])
    with refused("CannotDelete"):
        ec2.delete_security_group(GroupName="default")
    return group


def metadata(one, found):
    options = lambda: ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    def settle(wanted):
        # The host has heard of it when it is applied.
        end = time.monotonic() + 30
        while options()["State"] != "applied":
            assert time.monotonic() < end, options()
            time.sleep(0.1)
        assert options() == {"State": "applied", "HttpProtocolIpv6": "disabled", **wanted}, options()
    settle({"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"})
    assert found(**{"metadata-options.http-tokens": ["required"]}) == {one} and one not in found(**{"metadata-options.http-put-response-hop-limit": ["1"]})
    assert found(**{"metadata-options.http-endpoint": ["enabled"], "metadata-options.instance-metadata-tags": ["enabled"], "metadata-options.http-protocol-ipv6": ["disabled"]}) == {one}
    answer = ec2.modify_instance_metadata_options(InstanceId=one, HttpTokens="optional", HttpPutResponseHopLimit=64)
    assert answer["InstanceId"] == one and answer["InstanceMetadataOptions"]["HttpPutResponseHopLimit"] == 64, answer
    settle({"HttpTokens": "optional", "HttpPutResponseHopLimit": 64, "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"})
    ec2.modify_instance_metadata_options(InstanceId=one, HttpEndpoint="disabled", InstanceMetadataTags="disabled", HttpProtocolIpv6="disabled")
    settle({"HttpTokens": "optional", "HttpPutResponseHopLimit": 64, "HttpEndpoint": "disabled", "InstanceMetadataTags": "disabled"})
    for wrong in ({"HttpTokens": "none"}, {"HttpPutResponseHopLimit": 65}, {"HttpEndpoint": "off"}, {"InstanceMetadataTags": "1"}):
        with refused("InvalidParameterValue", 400):
            ec2.modify_instance_metadata_options(InstanceId=one, **wrong)
    with refused("InvalidInstanceID.NotFound", 400):
        ec2.modify_instance_metadata_options(InstanceId="i-00000000000000000", HttpTokens="required")
    with refused("InvalidInstanceID.Malformed", 400):
        ec2.modify_instance_metadata_options(InstanceId="web-1", HttpTokens="required")
    with refused("DryRunOperation", 412):
        ec2.modify_instance_metadata_options(InstanceId=one, HttpTokens="required", DryRun=True)


def instances(image, group, zone):
    asked = dict(
        ImageId=image, InstanceType="tiny", MinCount=1, MaxCount=1, KeyName="made", SecurityGroupIds=[group], UserData="#!/bin/sh\necho 雲居\n", ClientToken="once", Placement={"AvailabilityZone": zone},
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 3, "DeleteOnTermination": True}}, {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}, {"Key": "role", "Value": "web"}]}, {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "web-1"}]}])
    asked["MetadataOptions"] = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled", "HttpProtocolIpv6": "disabled"}
    with refused("DryRunOperation", 412):
        ec2.run_instances(DryRun=True, **asked)
    first = ec2.run_instances(**asked)["Instances"][0]
    assert ec2.run_instances(**asked)["Instances"][0]["InstanceId"] == first["InstanceId"]
    assert first["MetadataOptions"]["State"] == "pending"
    with refused("IdempotentParameterMismatch", 400):
        ec2.run_instances(**{**asked, "InstanceType": "small"})
    for wrong in ({"HttpTokens": "some"}, {"HttpPutResponseHopLimit": 65}, {"HttpPutResponseHopLimit": 0}, {"HttpEndpoint": "off"}, {"InstanceMetadataTags": "yes"}, {"HttpProtocolIpv6": "maybe"}):
        with refused("InvalidParameterValue", 400):
            ec2.run_instances(ImageId=image, InstanceType="tiny", MinCount=1, MaxCount=1, MetadataOptions=wrong)
    one = first["InstanceId"]
    wait("instance_exists", InstanceIds=[one])
    wait("instance_running", InstanceIds=[one])
    wait("instance_status_ok", InstanceIds=[one])
    more = [item["InstanceId"] for item in ec2.run_instances(ImageId="tiny", InstanceType="tiny", MinCount=1, MaxCount=3, TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "many"}]}])["Instances"]]
    assert len(more) == 3
    told = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    assert told["State"] == {"Code": 16, "Name": "running"} and told["KeyName"] == "made" and told["Placement"]["AvailabilityZone"] == zone and told["SecurityGroups"][0]["GroupId"] == group, told
    assert {tag["Key"]: tag["Value"] for tag in told["Tags"]} == {"Name": "web-1", "role": "web"}
    assert [mapping["DeviceName"] for mapping in told["BlockDeviceMappings"]] == ["/dev/sda1", "/dev/sdf"], told["BlockDeviceMappings"]
    seen = [item["InstanceId"] for page in ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 2}) for reservation in page["Reservations"] for item in reservation["Instances"]]
    assert sorted(seen) == sorted([one, *more]), seen
    def found(**filters):
        return {item["InstanceId"] for reservation in ec2.describe_instances(Filters=[{"Name": name.replace("__", ":").replace("_", "-"), "Values": values} for name, values in filters.items()])["Reservations"] for item in reservation["Instances"]}
    assert found(tag__Name=["man?"]) == set(more) and found(tag_key=["role"]) == {one} and found(instance_type=["tiny"], private_ip_address=[told["PrivateIpAddress"]]) == {one} and found(vpc_id=["vpc-*"]) == {one, *more}
    with refused("InvalidParameterValue"):
        found(nonsense=["x"])
    with refused("InvalidInstanceID.NotFound", 400):
        ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    with refused("InvalidInstanceID.Malformed", 400):
        ec2.describe_instances(InstanceIds=["web-1"])
    metadata(one, found)
    assert len(ec2.describe_instance_status(InstanceIds=[one])["InstanceStatuses"]) == 1
    attribute = lambda name: ec2.describe_instance_attribute(InstanceId=one, Attribute=name)
    assert base64.b64decode(attribute("userData")["UserData"]["Value"]).decode() == "#!/bin/sh\necho 雲居\n"
    for name in ("instanceType", "disableApiTermination", "instanceInitiatedShutdownBehavior", "rootDeviceName", "ebsOptimized", "enaSupport", "sourceDestCheck", "groupSet", "blockDeviceMapping", "productCodes", "kernel", "ramdisk"):
        attribute(name)
    ec2.modify_instance_attribute(InstanceId=one, DisableApiTermination={"Value": True})
    assert attribute("disableApiTermination")["DisableApiTermination"]["Value"] is True
    with refused("OperationNotPermitted", 400):
        ec2.terminate_instances(InstanceIds=[one])
    with refused("IncorrectInstanceState"):
        ec2.modify_instance_attribute(InstanceId=one, InstanceType={"Value": "small"})
    assert ec2.stop_instances(InstanceIds=[one])["StoppingInstances"][0]["PreviousState"]["Name"] == "running"
    wait("instance_stopped", InstanceIds=[one])
    with refused("IncorrectInstanceState"):
        ec2.reboot_instances(InstanceIds=[one])
    ec2.modify_instance_attribute(InstanceId=one, InstanceType={"Value": "small"})
    ec2.modify_instance_attribute(InstanceId=one, Groups=[group])
    ec2.modify_instance_attribute(InstanceId=one, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}])
    ec2.reset_instance_attribute(InstanceId=one, Attribute="sourceDestCheck")
    ec2.start_instances(InstanceIds=[one])
    wait("instance_running", InstanceIds=[one])
    assert attribute("instanceType")["InstanceType"]["Value"] == "small"
    ec2.reboot_instances(InstanceIds=[one])
    with refused("InstanceLimitExceeded"):
        ec2.run_instances(ImageId=image, InstanceType="tiny", MinCount=1, MaxCount=1000)
    with refused("InsufficientInstanceCapacity", 500):
        ec2.run_instances(ImageId=image, InstanceType="2xlarge", MinCount=1, MaxCount=1)
    fewer = ec2.run_instances(ImageId=image, InstanceType="medium", MinCount=1, MaxCount=50)["Instances"]
    assert 1 <= len(fewer) < 50
    ec2.terminate_instances(InstanceIds=[item["InstanceId"] for item in fewer] + more)
    wait("instance_terminated", InstanceIds=more)
    return one, told


def volumes(instance, zone):
    asked = dict(AvailabilityZone=zone, Size=1, VolumeType="gp3", ClientToken="volume-once", TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}])
    volume = ec2.create_volume(**asked)["VolumeId"]
    assert ec2.create_volume(**asked)["VolumeId"] == volume
    wait("volume_available", VolumeIds=[volume])
    with refused("InvalidZone.NotFound"):
        ec2.create_volume(AvailabilityZone="mars-1", Size=1)
    assert ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdg")["Device"] == "/dev/sdg"
    wait("volume_in_use", VolumeIds=[volume])
    with refused("VolumeInUse"):
        ec2.delete_volume(VolumeId=volume)
    assert [one["VolumeId"] for one in ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}, {"Name": "tag:Name", "Values": ["data"]}])["Volumes"]] == [volume]
    assert ec2.describe_volume_status(VolumeIds=[volume])["VolumeStatuses"][0]["VolumeStatus"]["Status"] == "ok"
    assert ec2.modify_volume(VolumeId=volume, Size=2)["VolumeModification"]["TargetSize"] == 2
    ec2.describe_volumes_modifications(VolumeIds=[volume])
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="before", TagSpecifications=[{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": "before"}]}])["SnapshotId"]
    wait("snapshot_completed", SnapshotIds=[snapshot])
    together = ec2.create_snapshots(InstanceSpecification={"InstanceId": instance}, Description="together")["Snapshots"]
    assert len(together) >= 2
    wait("snapshot_completed", SnapshotIds=[one["SnapshotId"] for one in together])
    assert [one["SnapshotId"] for one in ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "volume-id", "Values": [volume]}, {"Name": "description", "Values": ["before"]}])["Snapshots"]] == [snapshot]
    image = ec2.create_image(InstanceId=instance, Name="of-instance")["ImageId"]
    assert ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "pending"
    ec2.deregister_image(ImageId=image)
    from_snapshot = ec2.create_volume(AvailabilityZone=zone, SnapshotId=snapshot)["VolumeId"]
    wait("volume_available", VolumeIds=[from_snapshot])
    ec2.delete_volume(VolumeId=from_snapshot)
    wait("volume_deleted", VolumeIds=[from_snapshot])
    for one in [snapshot] + [one["SnapshotId"] for one in together]:
        ec2.delete_snapshot(SnapshotId=one)
    with refused("InvalidSnapshot.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[snapshot])
    ec2.detach_volume(VolumeId=volume)
    wait("volume_available", VolumeIds=[volume])
    ec2.delete_volume(VolumeId=volume)
    with refused("InvalidVolume.NotFound"):
        ec2.delete_volume(VolumeId="vol-00000000000000000")


def tags(instance, group, vpc):
    ec2.create_tags(Resources=[instance, group, vpc], Tags=[{"Key": "env", "Value": "試験"}, {"Key": "empty", "Value": ""}])
    listed = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["env"]}])["Tags"]
    assert {(one["ResourceId"], one["ResourceType"], one["Value"]) for one in listed} == {(instance, "instance", "試験"), (group, "security-group", "試験"), (vpc, "vpc", "試験")}, listed
    ec2.delete_tags(Resources=[instance, group], Tags=[{"Key": "env", "Value": "another"}, {"Key": "empty"}])
    assert len(ec2.describe_tags(Filters=[{"Name": "key", "Values": ["env"]}])["Tags"]) == 3
    with refused("InvalidInstanceID.NotFound"):
        ec2.create_tags(Resources=[group, "i-00000000000000000"], Tags=[{"Key": "half", "Value": "done"}])
    assert ec2.describe_tags(Filters=[{"Name": "key", "Values": ["half"]}])["Tags"] == []


def addresses(instance, told):
    made = ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "front"}]}])
    assert made["AllocationId"].startswith("eipalloc-")
    association = ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=instance)["AssociationId"]
    shown = ec2.describe_addresses(AllocationIds=[made["AllocationId"]])["Addresses"][0]
    assert (shown["InstanceId"], shown["AssociationId"], shown["PrivateIpAddress"], shown["PublicIp"]) == (instance, association, told["PrivateIpAddress"], made["PublicIp"]), shown
    assert ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["PublicIpAddress"] == made["PublicIp"]
    ec2.disassociate_address(AssociationId=association)
    assert len(ec2.describe_addresses(Filters=[{"Name": "tag:Name", "Values": ["front"]}])["Addresses"]) == 1
    ec2.release_address(AllocationId=made["AllocationId"])
    with refused("InvalidAllocationID.NotFound"):
        ec2.describe_addresses(AllocationIds=[made["AllocationId"]])


def networks(zone, image):
    with refused("InvalidVpc.Range"):
        ec2.create_vpc(CidrBlock="10.0.0.0/30")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "lab"}]}])["Vpc"]
    wait("vpc_available", VpcIds=[vpc["VpcId"]])
    assert vpc["CidrBlock"] == "10.20.0.0/16" and not vpc["IsDefault"], vpc
    assert [one["VpcId"] for one in ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["lab"]}, {"Name": "cidr", "Values": ["10.20.0.0/16"]}])["Vpcs"]] == [vpc["VpcId"]]
    assert ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": True})
    with refused("InvalidSubnet.Range"):
        ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.21.0.0/24")
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.20.1.0/24", AvailabilityZone=zone)["Subnet"]
    wait("subnet_available", SubnetIds=[subnet["SubnetId"]])
    with refused("InvalidSubnet.Conflict"):
        ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.20.1.128/25")
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "availability-zone", "Values": [zone]}])["Subnets"][0]["AvailableIpAddressCount"] > 200
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False})
    gateway = ec2.create_internet_gateway(TagSpecifications=[{"ResourceType": "internet-gateway", "Tags": [{"Key": "Name", "Value": "door"}]}])["InternetGateway"]["InternetGatewayId"]
    assert ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]["Attachments"] == []
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    assert ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])["InternetGateways"][0]["InternetGatewayId"] == gateway
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"][0]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    made = ec2.run_instances(ImageId=image, InstanceType="tiny", MinCount=1, MaxCount=1, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "PrivateIpAddress": "10.20.1.77", "AssociatePublicIpAddress": False}])["Instances"][0]
    assert made["PrivateIpAddress"] == "10.20.1.77" and made["VpcId"] == vpc["VpcId"], made
    face = ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [made["InstanceId"]]}])["NetworkInterfaces"][0]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=face["NetworkInterfaceId"], PrivateIpAddresses=["10.20.1.78"])
    assert len(ec2.describe_network_interfaces(NetworkInterfaceIds=[face["NetworkInterfaceId"]])["NetworkInterfaces"][0]["PrivateIpAddresses"]) == 2
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=face["NetworkInterfaceId"], PrivateIpAddresses=["10.20.1.78"])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=face["NetworkInterfaceId"], Groups=[face["Groups"][0]["GroupId"]])
    with refused("OperationNotPermitted"):
        ec2.detach_network_interface(AttachmentId=face["Attachment"]["AttachmentId"])
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="172.16.0.0/16", InstanceId=made["InstanceId"])
    routes = ec2.describe_route_tables(RouteTableIds=[table["RouteTableId"]])["RouteTables"][0]["Routes"]
    assert {route["DestinationCidrBlock"] for route in routes} == {"10.20.0.0/16", "0.0.0.0/0", "172.16.0.0/16"}, routes
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="172.16.0.0/16")
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    wait("instance_terminated", InstanceIds=[made["InstanceId"]])
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc["VpcId"])
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])


def placement_groups():
    ec2.create_placement_group(GroupName="apart", Strategy="spread")
    assert ec2.describe_placement_groups(GroupNames=["apart"])["PlacementGroups"][0]["Strategy"] == "spread"
    ec2.delete_placement_group(GroupName="apart")
    with refused("InvalidPlacementGroup.Unknown"):
        ec2.delete_placement_group(GroupName="apart")


zone, vpc = places()
key_pairs()
image = images()
group = security_groups(vpc)
instance, told = instances(image, group, zone)
volumes(instance, zone)
tags(instance, group, vpc)
addresses(instance, told)
networks(zone, image)
placement_groups()
with refused("InvalidGroup.InUse"):
    ec2.delete_security_group(GroupId=group)
ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
ec2.terminate_instances(InstanceIds=[instance])
wait("instance_terminated", InstanceIds=[instance])
assert ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"
ec2.delete_security_group(GroupId=group)
with refused("InvalidGroup.NotFound"):
    ec2.describe_security_groups(GroupIds=[group])
ec2_model.finish()
print("\n".join(sorted(ec2_model.answered)))
