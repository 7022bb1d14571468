#!/bin/sh
# What tests/systemd-boot.sh runs inside the booted container. Writes its lines to /verdict.
set -u
exec >/verdict 2>&1

number=0

ok() { printf 'ok       %s\n' "$1"; }
fault() {
    printf 'FAULT    %s\n' "$1"
    journalctl --no-pager -o cat -n 15 -u anteroom.service | sed 's/^/         /'
}
check() {
    what=$1
    shift
    if "$@"; then ok "$what"; else fault "$what"; fi
}

# A new item through the socket, whoever holds it at the moment; its receipt must come.
post_is_receipted() {
    number=$((number + 1))
    status=$(curl --silent --max-time 20 --output /tmp/answer --write-out '%{http_code}' \
        --header "Authorization: Bearer $KEY" --header 'Content-Type: application/xml' \
        --data-binary "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"boot-$number\"><service>loans</service><contactData><item key=\"workItemTask\">ring back</item></contactData></workItem>" \
        http://127.0.0.1:8480/v1/work-items)
    [ "$status" = 201 ] && return
    printf 'answer %s: %s\n' "$status" "$(cat /tmp/answer 2>/dev/null)"
    return 1
}

property() { systemctl show --value -p "$1" anteroom.service; }

answers_on_each_name() {
    curl --silent --fail --max-time 5 --output /dev/null http://127.0.0.1:8481/livez &&
        [ "$(stat -c %a:%U /var/lib/anteroom/control.sock)" = 600:anteroom ] &&
        anteroom --data /var/lib/anteroom services >/dev/null
}

kills_in_a_row() {
    for kill in $(seq "$KILLS"); do
        systemctl kill --signal=KILL --kill-who=main anteroom.service
        post_is_receipted || return 1
    done
    [ "$(property NRestarts)" = "$KILLS" ]
}

starts_fast() {
    systemctl stop anteroom.service 2>/dev/null
    began=$(date +%s%N)
    systemctl start anteroom.service || return 1
    took_ms=$((($(date +%s%N) - began) / 1000000))
    printf '         active after %s ms\n' "$took_ms"
    [ "$took_ms" -lt 2000 ]
}

# A stopped process makes no progress; the watchdog must end it and the next one answer.
watchdog_restarts() {
    before=$(property MainPID)
    kill -s STOP "$before"
    post_is_receipted && [ "$(property MainPID)" != "$before" ]
}

reload_takes_a_good_config() {
    systemctl reload anteroom.service && post_is_receipted
}

# The reload itself succeeds: systemd 252 only sends the signal.
bad_config_changes_nothing() {
    before=$(property MainPID)
    cp /etc/anteroom/anteroom.toml /tmp/good
    printf 'no_such_key = 1\n' >>/etc/anteroom/anteroom.toml
    systemctl reload anteroom.service
    post_is_receipted && [ "$(property MainPID)" = "$before" ]
    result=$?
    cp /tmp/good /etc/anteroom/anteroom.toml
    return "$result"
}

backup_is_made() {
    systemctl start anteroom-backup.service && [ -s "$(ls /var/backups/anteroom/anteroom-*.db)" ]
}

stops_in_order() {
    systemctl stop anteroom.socket anteroom-console.socket anteroom-control.socket anteroom.service
    [ "$(property Result)" = success ] && [ ! -e /var/lib/anteroom/control.sock ]
}

systemctl start anteroom.socket
check 'a waiting connection starts the daemon and is answered' post_is_receipted
check 'console and control answer on their own sockets' answers_on_each_name
check "$KILLS kills in a row, every waiting connection answered" kills_in_a_row
check 'active in less than 2 s' starts_fast
check 'the watchdog replaces a stopped process' watchdog_restarts
check 'reload takes a good config' reload_takes_a_good_config
check 'reload of a bad config changes nothing' bad_config_changes_nothing
check 'the backup is made' backup_is_made
check 'stops in order' stops_in_order
printf 'end\n'
