#!/usr/bin/env bash
# Installs GlusterFS, as root, on Debian 12. No service is started. May be run again.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
install_packages glusterfs-server glusterfs-client attr iproute2 util-linux
