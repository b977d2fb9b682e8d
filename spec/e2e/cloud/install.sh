#!/usr/bin/env bash
# Installs what the cloud needs, as root, on Debian 12. No service is started. May be run again.
# Nova and Placement are only unpacked, into CLOUD_DIR: installed, they bring a hypervisor, storage clients and a newer systemd.
. "$(dirname "$0")/environment.sh"
. "$(dirname "$0")/../debian.sh"
INSTALLED=(curl util-linux postgresql-15 rabbitmq-server python3-keystone python3-keystonemiddleware python3-psycopg2
  uwsgi-core uwsgi-plugin-python3)
UNPACKED=(python3-nova nova-common python3-placement)

# Those that are named, and the modules that they need and that are not installed.
unpack() {
  local folder needed
  folder=$(mktemp -d)
  needed=$(apt -s install --no-install-recommends "${UNPACKED[@]}" | awk '/^Inst (python3-|os-brick-common)/ { print $2 }')
  # shellcheck disable=SC2086
  (cd "$folder" && apt download "${UNPACKED[@]}" $needed)
  rm -rf "$PACKAGES"
  mkdir -p "$PACKAGES"
  for package in "$folder"/*.deb; do dpkg -x "$package" "$PACKAGES"; done
  # by an account that cannot write there, each start would compile them again
  $PYTHON -W ignore -m compileall -q -j 0 -x /tests/ "$PACKAGES/usr/lib/python3/dist-packages"
  (cd "$folder" && ls) >"$PACKAGES/complete"
  rm -rf "$folder"
}

if is_installed "${INSTALLED[@]}" && [ -e "$PACKAGES/complete" ]; then exit 0; fi
prepare_packages
apt install --no-install-recommends "${INSTALLED[@]}"
unpack
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$CLOUD_DIR"
