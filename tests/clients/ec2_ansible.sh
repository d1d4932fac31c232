#!/usr/bin/env bash
# Runs the playbook with a key pair of its own.
set -euo pipefail
KUMOI_FOLDER=$(mktemp -d); export KUMOI_FOLDER; trap 'rm -rf "$KUMOI_FOLDER"' EXIT
ssh-keygen -q -t ed25519 -N '' -f "$KUMOI_FOLDER/key"
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_NOCOLOR=1 ANSIBLE_HOME="$KUMOI_FOLDER" ANSIBLE_LOCAL_TEMP="$KUMOI_FOLDER"
/usr/bin/ansible-playbook -i localhost, "$(dirname "$0")/ec2_ansible.yml"
