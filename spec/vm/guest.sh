#!/usr/bin/env bash
# In the virtual machine (run.sh): a root on ext4, since the kernel's NFS server exports no overlay, and in it the proofs.
set -euo pipefail
project=$1
for module in ext4 xfs quota_v2 loop veth bridge nfsd nfsv4; do modprobe "$module"; done
ip link set lo up
truncate -s 64M /var/tmp/root.img
mkfs.ext4 -q /var/tmp/root.img
mkdir -p /var/tmp/root
mount -o loop /var/tmp/root.img /var/tmp/root
root=/var/tmp/root
for each in /*; do
  if [ -L "$each" ]; then cp -d "$each" $root/
  elif [ -d "$each" ] && [ "$each" != /srv ] && [ "$each" != /lost+found ]; then
    mkdir -p "$root$each"
    mount --rbind "$each" "$root$each"
  fi
done
mkdir -p $root/srv
# piped, so that it is plain text
exec chroot $root /bin/bash -c "set -o pipefail; cd / && node --test-reporter=spec '$project/spec/vm/proofs.mjs' | cat"
