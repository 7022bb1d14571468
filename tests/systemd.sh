#!/bin/sh
# Judges the units in systemd/ with systemd's own tools, in a root of its own: nothing is installed
# and no manager is asked. Prints a line per check, `ok` or `SKIPPED` or `FAULT`; exits 1 on a fault.
set -eu

units=$(cd "$(dirname "$0")/../systemd" && pwd)
exposure_max=15 # tenths, as --threshold= counts them
faults=0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

ok() { printf 'ok       %s\n' "$1"; }
skipped() { printf 'SKIPPED  %s: %s\n' "$1" "$2"; }
fault() {
    printf 'FAULT    %s\n' "$1"
    [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/         /'
    faults=$((faults + 1))
}

# What the units refer to: systemd's own units from this system, stand-ins for the programs.
lay_out_root() {
    mkdir -p "$root/usr/lib/systemd" "$root/usr/bin" "$root/etc"
    ln -s usr/bin "$root/bin"
    for system in /usr/lib/systemd/system /lib/systemd/system; do
        if [ -d "$system" ]; then
            cp -a "$system" "$root/usr/lib/systemd/system"
            break
        fi
    done
    cp "$units"/*.service "$units"/*.socket "$units"/*.timer "$root/usr/lib/systemd/system/"
    for program in anteroom sh find; do
        printf '#!/bin/sh\n' >"$root/usr/bin/$program"
        chmod +x "$root/usr/bin/$program"
    done
}

verify() { systemd-analyze verify --man=no --root="$root" "$@" 2>&1 || true; }

verify_is_silent() {
    said=$(cd "$units" && verify *.service *.socket *.timer)
    if [ -z "$said" ]; then ok 'systemd-analyze verify is silent'; else
        fault 'systemd-analyze verify speaks' "$said"
    fi
}

# A verify that reads nothing would be silent too.
verify_speaks_of_a_planted_fault() {
    planted=$root/usr/lib/systemd/system/anteroom-planted.service
    printf '[Service]\nExecStart=/usr/bin/not-there\nNoSuchKey=1\n' >"$planted"
    said=$(verify anteroom-planted.service)
    rm "$planted"
    case $said in
        *NoSuchKey*) ok 'systemd-analyze verify speaks of a planted fault' ;;
        *) fault 'systemd-analyze verify is silent on a planted fault' "$said" ;;
    esac
}

exposure_is_low() {
    for unit in anteroom.service anteroom-backup.service; do
        if said=$(systemd-analyze security --no-pager --offline=true --root="$root" \
            --threshold="$exposure_max" "$unit" 2>&1); then
            ok "$(printf '%s\n' "$said" | sed -n 's/.*Overall exposure level for //p')"
        else
            fault "$unit is exposed above $exposure_max tenths" \
                "$(printf '%s\n' "$said" | grep -v '✓')"
        fi
    done
}

# One name each, as the daemon looks for them, and all passed to the one service.
sockets_are_named_apart() {
    names=$(sed -n 's/^FileDescriptorName=//p' "$units"/*.socket | sort | tr '\n' ' ')
    if [ "$names" = 'console control intake ' ]; then ok 'three sockets, three names'; else
        fault "the sockets are named: $names"
    fi
    for socket in "$units"/*.socket; do
        name=$(basename "$socket")
        if grep -qx 'Service=anteroom.service' "$socket" &&
            grep -q "^Sockets=.*\b$name\b" "$units/anteroom.service"; then
            ok "$name and anteroom.service know each other"
        else
            fault "$name and anteroom.service do not know each other"
        fi
    done
}

user_and_folders_are_made() {
    if ! command -v systemd-sysusers >/dev/null || ! command -v systemd-tmpfiles >/dev/null; then
        skipped 'user and folders' 'no systemd-sysusers or systemd-tmpfiles here'
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        skipped 'user and folders' 'only root may give folders away'
        return
    fi
    if said=$(systemd-sysusers --root="$root" "$units/anteroom.sysusers.conf" 2>&1) &&
        grep -q '^anteroom:' "$root/etc/passwd"; then
        ok 'sysusers makes the user'
    else
        fault 'sysusers does not make the user' "$said"
        return
    fi
    said=$(systemd-tmpfiles --root="$root" --create "$units/anteroom.tmpfiles.conf" 2>&1) || true
    owner=$(sed -n 's/^anteroom:[^:]*:\([0-9]*:[0-9]*\):.*/\1/p' "$root/etc/passwd")
    for folder in 750:var/lib/anteroom 700:var/backups/anteroom; do
        path=$root/${folder#*:}
        if [ "$(stat -c %a:%u:%g "$path" 2>&1)" = "${folder%%:*}:$owner" ]; then
            ok "tmpfiles makes /${folder#*:}"
        else
            fault "tmpfiles does not make /${folder#*:}" "$said"
        fi
    done
}

if ! command -v systemd-analyze >/dev/null; then
    skipped 'systemd units' 'no systemd-analyze here'
    exit 0
fi
lay_out_root
verify_is_silent
verify_speaks_of_a_planted_fault
exposure_is_low
sockets_are_named_apart
user_and_folders_are_made
[ "$faults" = 0 ]
