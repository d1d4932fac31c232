#!/usr/bin/env bash
# A guest's life by awscli: launched, reached by ssh, given a volume, snapshotted and terminated. Without KUMOI_GUESTS nobody is at the other end of ssh.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
here=$(dirname "$0")
ec2() { /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_EC2" --output text ec2 "$@"; }
in_guest() { [ -z "${KUMOI_GUESTS:-}" ] || /usr/bin/python3 "$here/guest.py" "$address" "$folder/key.pem" "$@"; }

zone=$(ec2 describe-availability-zones --query 'AvailabilityZones[0].ZoneName')
ec2 create-key-pair --key-name awscli --query KeyMaterial > "$folder/key.pem"; chmod 600 "$folder/key.pem"
group=$(ec2 create-security-group --group-name awscli --description 'of awscli' --query GroupId)
ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 22 --cidr 0.0.0.0/0 > "$folder/out"
printf '#!/bin/sh\necho hello > /root/greeting\n' > "$folder/user-data"
instance=$(ec2 run-instances --image-id tiny --instance-type small --key-name awscli --security-group-ids "$group" --user-data "file://$folder/user-data" --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=awscli}]' --query 'Instances[0].InstanceId')
ec2 wait instance-running --instance-ids "$instance"
address=$(ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].PublicIpAddress')
[ -z "${KUMOI_GUESTS:-}" ] || [ "$(in_guest hostname)" = awscli ]

volume=$(ec2 create-volume --availability-zone "$zone" --size 1 --query VolumeId)
ec2 wait volume-available --volume-ids "$volume"
ec2 attach-volume --volume-id "$volume" --instance-id "$instance" --device /dev/sdf > "$folder/out"
ec2 wait volume-in-use --volume-ids "$volume"
while [ "$(ec2 describe-volumes --volume-ids "$volume" --query 'Volumes[0].Attachments[0].State')" != attached ]; do sleep 0.2; done
[ -z "${KUMOI_GUESTS:-}" ] || [ "$(in_guest cat /sys/block/vdb/size)" = 2097152 ]
snapshot=$(ec2 create-snapshot --volume-id "$volume" --description 'by awscli' --query SnapshotId)
ec2 wait snapshot-completed --snapshot-ids "$snapshot"
[ "$(ec2 describe-snapshots --filters "Name=volume-id,Values=$volume" --query 'Snapshots[].SnapshotId')" = "$snapshot" ]
if [ -n "${KUMOI_GUESTS:-}" ]; then ec2 get-console-output --instance-id "$instance" --query Output > "$folder/console"; grep -q login "$folder/console"; fi

ec2 detach-volume --volume-id "$volume" > "$folder/out"
ec2 wait volume-available --volume-ids "$volume"
ec2 delete-snapshot --snapshot-id "$snapshot"
ec2 delete-volume --volume-id "$volume"
ec2 wait volume-deleted --volume-ids "$volume"
[ "$(ec2 terminate-instances --instance-ids "$instance" --query 'TerminatingInstances[0].CurrentState.Name')" = shutting-down ]
ec2 wait instance-terminated --instance-ids "$instance"
ec2 delete-security-group --group-id "$group"
ec2 delete-key-pair --key-name awscli
if ec2 describe-instances --instance-ids i-00000000000000000 2> "$folder/error"; then exit 1; fi
grep -q 'InvalidInstanceID.NotFound' "$folder/error"
