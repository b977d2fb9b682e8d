#!/usr/bin/env bash
# Proves in a virtual machine with Debian's own kernel what needs one: project quotas of ext4 and XFS, growing ext4 images, the
# kernel's NFS server and client. As root, on Debian 12; takes minutes (the processor is emulated). Changes nothing outside
# VM_CACHE but packages: the machine has this file system read-only, under one in its memory.
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
cache=${VM_CACHE:-/var/cache/nova-shared-filesystem-vm}
seconds=${VM_SECONDS:-900}
packages=(qemu-system-x86 busybox-static cpio kmod nfs-common nfs-kernel-server quota xfsprogs e2fsprogs iproute2 util-linux)

die() {
  echo "$*" >&2
  exit 1
}
[ "$(id -u)" -eq 0 ] || die 'Only root can install packages and read all files: run it as root.'
grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release || die 'The machine is made of the packages of Debian 12 (bookworm).'

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root "$@"
}
installed=$(dpkg-query -W -f '${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | grep -cx installed || true)
if [ "$installed" -ne ${#packages[@]} ]; then
  [ -e /usr/sbin/policy-rc.d ] || {
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  }
  apt update >/dev/null
  apt install --no-install-recommends "${packages[@]}" >/dev/null
fi

# the kernel that linux-image-amd64 means today
image=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
[ -n "$image" ] || die 'There is no package linux-image-amd64: run apt-get update.'
version=${image#linux-image-}
kernel=$cache/$version
if [ ! -e "$kernel/complete" ]; then
  rm -rf "$kernel"
  mkdir -p "$kernel"
  (cd "$kernel" && apt download "$image" && dpkg-deb -x "$image"_*.deb . && rm "$image"_*.deb && depmod -b . "$version")
  touch "$kernel/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/i/{bin,proc,sys,dev,modules,host,upper,new}
cp "$(command -v busybox)" "$work/i/bin/busybox"
modules=()
for module in virtio_pci 9pnet_virtio 9p overlay; do
  while read -r file; do
    name=$(basename "$file")
    [ -e "$work/i/modules/$name" ] && continue
    cp "$file" "$work/i/modules/"
    modules+=("$name")
  done < <(modprobe -d "$kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }')
done
cat >"$work/i/init" <<INIT
#!/bin/busybox sh
b=/bin/busybox
\$b mount -t proc proc /proc; \$b mount -t sysfs sysfs /sys; \$b mount -t devtmpfs dev /dev
for each in ${modules[*]}; do \$b insmod /modules/\$each; done
\$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
\$b mount -t tmpfs -o size=3g upper /upper
\$b mkdir /upper/changed /upper/work
\$b mount -t overlay -o lowerdir=/host,upperdir=/upper/changed,workdir=/upper/work,xino=off overlay /new
for each in proc sys dev; do \$b mount -o move /\$each /new/\$each; done
\$b mkdir -p /new/lib/modules /new/dev/shm /new/dev/pts
\$b mount -o bind /new$kernel/lib/modules /new/lib/modules
for each in run dev/shm tmp var/tmp var/lib/nfs; do \$b mount -t tmpfs -o size=2g,mode=1777 tmpfs /new/\$each; done
# the project's folder may be in one of these
\$b mkdir -p /new$project
\$b mount -o bind /host$project /new$project
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
\$b chroot /new /bin/bash $project/spec/vm/guest.sh $project
echo "VM-ENDED-WITH \$?"
\$b poweroff -f
INIT
chmod +x "$work/i/init"
(cd "$work/i" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd.gz"
(cd "$project" && node .ci/build-if-older.mjs)

timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 5G -nographic -no-reboot -nodefaults -serial stdio \
  -net none -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd.gz" -append 'console=ttyS0 loglevel=4 panic=-1' \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap |
  tr -d '\r' | tee "$work/output" || true
grep -qx 'VM-ENDED-WITH 0' "$work/output" || die 'What was to be proved in the virtual machine was not (see above).'
echo "proved with $(basename "$kernel")"
