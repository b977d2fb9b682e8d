#!/usr/bin/env bash
# Installs what the volumes need, as root, on Debian 12. No service is started. May be run again.
set -euo pipefail
PACKAGES=(btrfs-progs xfsprogs e2fsprogs quota mount util-linux sudo nfs-kernel-server gcc libc6-dev)

die() {
  echo "$*" >&2
  exit 1
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o APT::Sandbox::User=root "$@"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null | grep -cx installed)" -eq ${#PACKAGES[@]} ]
}

# The list of packages has a lock that apt does not wait for.
update() {
  for _ in {1..24}; do
    apt update && return 0
    sleep 5
  done
  return 1
}

start_no_service() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

if is_installed; then exit 0; fi
[ "$(id -u)" -eq 0 ] || die 'Only root can install packages.'
grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release || die 'The volumes are made with the packages of Debian 12 (bookworm).'
update
start_no_service
apt install --no-install-recommends "${PACKAGES[@]}"
