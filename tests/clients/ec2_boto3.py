"""A guest's life by boto3: launched, reached by ssh, given a volume, snapshotted and terminated. Without KUMOI_GUESTS nobody is at the other end of ssh."""
import os
import subprocess
import sys
import tempfile

import boto3

ec2 = boto3.resource("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL_EC2"])
client = ec2.meta.client
guests = bool(os.environ.get("KUMOI_GUESTS"))
QUICK = {"Delay": 1, "MaxAttempts": 300}

with tempfile.TemporaryDirectory() as folder:
    key = folder + "/key.pem"
    pair = ec2.create_key_pair(KeyName="boto3")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(pair.key_material)

    def in_guest(*command):
        return subprocess.run([sys.executable, os.path.dirname(os.path.abspath(__file__)) + "/guest.py", instance.public_ip_address, key, *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    group = ec2.create_security_group(GroupName="boto3", Description="of boto3")
    group.authorize_ingress(IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    instance = ec2.create_instances(
        ImageId="tiny", InstanceType="small", MinCount=1, MaxCount=1, KeyName="boto3", SecurityGroupIds=[group.id], UserData="#!/bin/sh\necho こんにちは > /root/greeting\n",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "boto3"}]}])[0]
    client.get_waiter("instance_running").wait(InstanceIds=[instance.id], WaiterConfig=QUICK)
    instance.reload()
    if guests:
        assert in_guest("hostname") == "boto3"
    volume = ec2.create_volume(AvailabilityZone=instance.placement["AvailabilityZone"], Size=1)
    client.get_waiter("volume_available").wait(VolumeIds=[volume.id], WaiterConfig=QUICK)
    volume.attach_to_instance(InstanceId=instance.id, Device="/dev/sdf")
    client.get_waiter("volume_in_use").wait(VolumeIds=[volume.id], WaiterConfig=QUICK)
    if guests:
        assert in_guest("sh", "-c", "while [ ! -e /sys/block/vdb ]; do sleep 1; done; cat /sys/block/vdb/size") == "2097152"
    while volume.attachments[0]["State"] != "attached":
        volume.reload()
    snapshot = volume.create_snapshot(Description="by boto3")
    client.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot.id], WaiterConfig=QUICK)
    instance.stop()
    client.get_waiter("instance_stopped").wait(InstanceIds=[instance.id], WaiterConfig=QUICK)
    instance.modify_attribute(InstanceType={"Value": "medium"})
    instance.start()
    client.get_waiter("instance_running").wait(InstanceIds=[instance.id], WaiterConfig=QUICK)
    if guests:
        instance.reload()
        assert in_guest("nproc") == "2"
        assert in_guest("cat", "/root/greeting") == "こんにちは"
    volume.detach_from_instance(InstanceId=instance.id)
    client.get_waiter("volume_available").wait(VolumeIds=[volume.id], WaiterConfig=QUICK)
    snapshot.delete()
    volume.delete()
    instance.terminate()
    client.get_waiter("instance_terminated").wait(InstanceIds=[instance.id], WaiterConfig=QUICK)
    group.delete()
    pair.delete()
