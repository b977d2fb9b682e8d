# How the scripts beside it install packages of Debian 12. To be sourced, with `set -euo pipefail`.
#   install_packages PACKAGE...   installs what is missing, and starts no service

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o APT::Sandbox::User=root "$@"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed)" -eq $# ]
}

# Before anything is installed or unpacked. The list of packages has a lock that apt does not wait for.
prepare_packages() {
  [ "$(id -u)" -eq 0 ] || { echo 'Only root can install packages.' >&2; exit 1; }
  grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release || { echo 'These are the packages of Debian 12 (bookworm).' >&2; exit 1; }
  local attempt
  for attempt in {1..24}; do
    if apt update; then break; fi
    [ "$attempt" -lt 24 ] || return 1
    sleep 5
  done
  # what is installed starts nothing
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

install_packages() {
  is_installed "$@" && return 0
  prepare_packages
  apt install --no-install-recommends "$@"
}
