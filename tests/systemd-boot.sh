#!/bin/sh
# Boots systemd for real, in a container over this system's own files, with Anteroom's units and the
# binary given: sockets, ten kills in a row, watchdog, reload, backup. Changes nothing outside.
#
#   tests/systemd-boot.sh target/release/anteroom
#
# Needs root, systemd-nspawn, overlayfs and curl; says SKIPPED where one is missing.
set -eu

kills=10
boot_max_s=180
here=$(cd "$(dirname "$0")" && pwd)
units=$here/../systemd

skip() {
    printf 'SKIPPED  systemd booted: %s\n' "$1"
    exit 0
}

[ "$#" = 1 ] || {
    printf 'usage: %s BINARY\n' "$0" >&2
    exit 64
}
binary=$1
[ "$(id -u)" = 0 ] || skip 'only root may boot a container'
for tool in systemd-nspawn curl sha256sum; do
    command -v "$tool" >/dev/null || skip "no $tool here"
done
[ -x /usr/lib/systemd/systemd ] || [ -x /lib/systemd/systemd ] || skip 'no systemd here'

# The upper layer lies in memory: an overlay cannot lie on an overlay.
work=$(mktemp -d)
clean_up() {
    umount "$work/root" 2>/dev/null || true
    umount "$work" 2>/dev/null || true
    rmdir "$work"
}
trap clean_up EXIT
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/scratch" "$work/root"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root" 2>/dev/null ||
    skip 'no overlayfs here'
root=$work/root

install -D -m 755 "$binary" "$root/usr/bin/anteroom"
cp "$units"/*.service "$units"/*.socket "$units"/*.timer "$root/etc/systemd/system/"
install -D -m 644 "$units/anteroom.sysusers.conf" "$root/usr/lib/sysusers.d/anteroom.conf"
install -D -m 644 "$units/anteroom.tmpfiles.conf" "$root/usr/lib/tmpfiles.d/anteroom.conf"
install -m 755 "$here/systemd-boot-inside.sh" "$root/judge"
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"
: >"$root/verdict"

key=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
rm -rf "$root/etc/anteroom" "$root/var/lib/anteroom"
mkdir -p "$root/etc/anteroom"
cat >"$root/etc/anteroom/anteroom.toml" <<END
[tenants.main.senders.bank]
key_sha256 = "$(printf %s "$key" | sha256sum | cut -d ' ' -f 1)"

[tenants.main.services.loans]
END

# The watchdog's time is shortened so that the test need not wait for the real one.
mkdir -p "$root/etc/systemd/system/anteroom.service.d"
printf '[Service]\nWatchdogSec=3s\n' >"$root/etc/systemd/system/anteroom.service.d/test.conf"
cat >"$root/etc/systemd/system/judge.service" <<END
[Unit]
After=network.target
[Service]
Type=oneshot
Environment=KEY=$key KILLS=$kills
ExecStart=/judge
ExecStopPost=/bin/systemctl poweroff
TimeoutStartSec=${boot_max_s}s
END

# The checks are the boot's goal, so none of this system's own services start beside them.
timeout -s INT "$boot_max_s" systemd-nspawn --quiet --register=no --keep-unit \
    --machine=anteroom-test --directory="$root" --private-network --boot \
    -- --unit=judge.service </dev/null >"$work/console" 2>&1 || true

grep -vx end "$root/verdict" || true
if ! grep -qx end "$root/verdict"; then
    printf 'FAULT    systemd booted: the checks did not end\n'
    tail -n 20 "$work/console"
    exit 1
fi
! grep -q '^FAULT' "$root/verdict"
