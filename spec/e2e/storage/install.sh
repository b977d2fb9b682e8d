#!/usr/bin/env bash
# Installs what the storage lab (lab.ts) needs, as root, on Debian 12. No service is started. May be run again.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
install_packages nfs-ganesha nfs-ganesha-vfs libnfs-dev dbus dbus-bin iproute2 util-linux gcc libc6-dev
