#!/usr/bin/env bash
# Installs what Manila needs, as root, on Debian 12. No service is started. May be run again.
# Manila's programs are only unpacked, into MANILA_DIR: installed, they bring an account, rules for sudo and databases.
. "$(dirname "$0")/environment.sh"
. "$(dirname "$0")/../debian.sh"
INSTALLED=(curl util-linux postgresql-15 rabbitmq-server python3-keystone python3-keystonemiddleware python3-manila
  python3-psycopg2 uwsgi-core uwsgi-plugin-python3)
UNPACKED=manila-common

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

if is_installed "${INSTALLED[@]}" && [ -e "$PACKAGES/complete" ]; then exit 0; fi
prepare_packages
apt install --no-install-recommends "${INSTALLED[@]}"
unpack
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$CLOUD_DIR"
