#!/usr/bin/env bash
# Installs what the volumes need, as root, on Debian 12. No service is started. May be run again.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
install_packages btrfs-progs xfsprogs e2fsprogs quota mount util-linux sudo nfs-kernel-server gcc libc6-dev
