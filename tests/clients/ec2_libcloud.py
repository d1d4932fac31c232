"""A guest's life by libcloud: launched, reached by ssh, given a volume, snapshotted and terminated. Signed in both versions. Without KUMOI_GUESTS nobody is at the other end of ssh."""
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

import libcloud.compute.drivers.ec2 as drivers
from libcloud.compute.base import NodeImage, NodeSize

endpoint = urllib.parse.urlparse(os.environ["AWS_ENDPOINT_URL_EC2"])
region = os.environ["AWS_DEFAULT_REGION"]
# libcloud knows the regions of one cloud only.
drivers.REGION_DETAILS_PARTIAL[region] = {"api_name": region, "country": "", "endpoint": endpoint.hostname, "signature_version": "2", "instance_types": []}


class Kumoi(drivers.EC2NodeDriver):
    path = endpoint.path


def connect(version):
    return Kumoi(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], secure=endpoint.scheme == "https", host=endpoint.hostname, port=endpoint.port, region=region, signature_version=version)


def until(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.3)


cloud, old = connect("4"), connect("2")
guests = bool(os.environ.get("KUMOI_GUESTS"))
assert [zone.name for zone in cloud.ex_list_availability_zones()] == [zone.name for zone in old.ex_list_availability_zones()]
with tempfile.TemporaryDirectory() as folder:
    pair = old.create_key_pair("libcloud")
    with open(os.open(folder + "/key.pem", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(pair.private_key)

    def in_guest(*command):
        return subprocess.run([sys.executable, os.path.dirname(os.path.abspath(__file__)) + "/guest.py", node.public_ips[0], folder + "/key.pem", *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    group = cloud.ex_create_security_group("libcloud", "of libcloud")["group_id"]
    cloud.ex_authorize_security_group_ingress(group, 22, 22, cidr_ips=["0.0.0.0/0"])
    image = next(image for image in old.list_images() if image.name == "tiny")
    node = old.create_node("libcloud", NodeSize("small", "small", 256, 2, None, 0, old), image, ex_keyname="libcloud", ex_security_groups=["libcloud"], ex_userdata="#!/bin/sh\ntrue\n")
    (node, _), = cloud.wait_until_running([node], wait_period=1, timeout=300)
    assert node.name == "libcloud" and node.extra["key_name"] == "libcloud", node
    if guests:
        assert in_guest("hostname") == "libcloud"
    volume = cloud.create_volume(1, "data", location=cloud.list_locations()[0])
    until(lambda: [one for one in cloud.list_volumes() if one.id == volume.id][0].state == "available")
    assert cloud.attach_volume(node, volume, "/dev/sdf")
    until(lambda: [one for one in cloud.list_volumes(node=node) if one.id == volume.id and one.state == "inuse"])
    if guests:
        assert in_guest("sh", "-c", "while [ ! -e /sys/block/vdb ]; do sleep 1; done; cat /sys/block/vdb/size") == "2097152"
    snapshot = cloud.create_volume_snapshot(volume, name="by libcloud")
    until(lambda: [one for one in cloud.list_snapshots() if one.id == snapshot.id][0].state == "available")
    assert old.reboot_node(node)
    assert cloud.detach_volume(volume)
    until(lambda: [one for one in cloud.list_volumes() if one.id == volume.id][0].state == "available")
    assert cloud.destroy_volume_snapshot(snapshot)
    assert cloud.destroy_volume(volume)
    assert old.destroy_node(node)
    until(lambda: all(one.state == "terminated" for one in cloud.list_nodes() if one.id == node.id))
    assert cloud.ex_delete_security_group_by_id(group)
    assert cloud.delete_key_pair(pair)
