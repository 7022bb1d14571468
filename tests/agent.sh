#!/usr/bin/env bash
# Runs the example client of docs/agents.md as printed against a running demo daemon; only addresses
# and folders are put in. Usage: tests/agent.sh DATA-FOLDER
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "$1" && pwd)
credentials=$data/demo-credentials.toml
intake=$(sed -n 's/^intake = "\(.*\)"/\1/p' "$credentials")
console=$(sed -n 's/^console = "\(.*\)"/\1/p' "$credentials")
key=$(sed -n '/^\[sender.demo\]/,/^\[/s/^key = "\(.*\)"/\1/p' "$credentials")
folder=$(mktemp -d)
client=
trap '[ -z "$client" ] || kill "$client" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
faults=0

# block N: the Nth shell block of the section about the client.
block() {
    awk -v wanted="$1" '
        /^## / { section = ($0 == "## An example client") }
        section && $0 == "```sh" { count++; inside = (count == wanted); next }
        /^```/ { inside = 0 }
        inside' "$root/docs/agents.md" |
        sed "s|http://127.0.0.1:8480|$intake|g; s|http://127.0.0.1:8481|$console|g
             s|anteroom-data/|$data/|g; s|docs/examples/|$root/docs/examples/|g"
}

post() {
    curl -sS --fail-with-body "$intake/v1/work-items" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/xml' -d "<workItem xmlns=\"urn:anteroom:work-item:1\"
            reference=\"$1\"><service>loans</service><title>Call Anna about $1</title>
            <contactData><item key=\"workItemTask\">call back</item></contactData>
            <links><link name=\"Case\" href=\"https://bank.example/$1\"/></links></workItem>"
}

status() {
    curl -sS "$intake/v1/work-items?reference=$1" -H "Authorization: Bearer $key"
}

# expect NAME TEXT FILE: the file has the text.
expect() {
    if grep -q "$2" "$3"; then printf 'ok       %s\n' "$1"; else
        printf 'FAULT    %s: expected %s in:\n' "$1" "$2"
        cat "$3"
        faults=$((faults + 1))
    fi
}

# wait_for TEXT FILE: until the file has the text, 30 s at most.
wait_for() {
    for _ in $(seq 300); do
        grep -q "$1" "$2" && return
        sleep 0.1
    done
}

block 1 >password.sh
bash password.sh
expect 'the password is found' . agent1.password
post A-1 >posted || { cat posted; exit 1; }
block 2 >client.sh
bash client.sh >told 2>&1 &
client=$!
wait_for 'Ended' told
# The second one comes by the stream.
post A-2 >posted || { cat posted; exit 1; }
wait_for 'is offline' told
wait "$client" || { echo "FAULT    the client ended with $?"; faults=$((faults + 1)); }
client=
expect 'the client shows the title' 'Call Anna about A-1' told
expect 'the client shows the link' 'Case: https://bank.example/A-1' told
expect 'the client shows contact data' 'workItemTask: call back' told
expect 'the client goes offline' 'agent1 is offline' told
for reference in A-1 A-2; do
    status $reference >status.xml
    expect "$reference has ended" 'handledByUser' status.xml
    expect "$reference has its result" 'done' status.xml
    expect "the sender of $reference reads the note" 'Called Anna.' status.xml
done
[ "$faults" -eq 0 ]
