#!/usr/bin/env bash
# Installs what Manila needs, as root, on Debian 12. No service is started. May be run again.
# Manila's programs are only unpacked, into MANILA_DIR: installed, they bring an account, rules for sudo and databases.
. "$(dirname "$0")/environment.sh"
INSTALLED=(curl util-linux postgresql-15 rabbitmq-server python3-keystone python3-keystonemiddleware python3-manila
  python3-psycopg2 uwsgi-core uwsgi-plugin-python3)
UNPACKED=manila-common

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o APT::Sandbox::User=root "$@"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "${INSTALLED[@]}" 2>/dev/null | grep -cx installed)" -eq ${#INSTALLED[@]} ]
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

unpack() {
  local folder
  folder=$(mktemp -d)
  (cd "$folder" && apt download "$UNPACKED")
  rm -rf "$PACKAGES"
  mkdir -p "$PACKAGES"
  dpkg -x "$folder"/*.deb "$PACKAGES"
  (cd "$folder" && ls) >"$PACKAGES/complete"
  rm -rf "$folder"
}

if is_installed && [ -e "$PACKAGES/complete" ]; then exit 0; fi
[ "$(id -u)" -eq 0 ] || die 'Only root can install packages.'
grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release || die 'Manila is run as the packages of Debian 12 (bookworm) have it.'
update
start_no_service
apt install --no-install-recommends "${INSTALLED[@]}"
unpack
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$CLOUD_DIR"
