#!/usr/bin/env bash
# Runs the commands of docs/workflows.md, docs/agents.md and docs/operations.md about workflows as
# printed; only addresses, folders and ids are put in. Usage: tests/workflows.sh DATA-FOLDER, of a
# running demo daemon whose service claims is led by tests/flows/night.xml and whose tenant has
# tests/flows/call-back.xml.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "$1" && pwd)
credentials=$data/demo-credentials.toml
intake=$(sed -n 's/^intake = "\(.*\)"/\1/p' "$credentials")
console=$(sed -n 's/^console = "\(.*\)"/\1/p' "$credentials")
key=$(sed -n '/^\[sender.demo\]/,/^\[/s/^key = "\(.*\)"/\1/p' "$credentials")
password=$(sed -n '/^\[user.supervisor\]/,/^\[/s/^password = "\(.*\)"/\1/p' "$credentials")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PATH=$root/target/debug:$PATH
faults=0

# block FILE SECTION N: the Nth shell block after that heading, without its margin.
block() {
    awk -v wanted="$3" -v heading="$2" '
        /^##/ { section = ($0 == heading); count = section ? 0 : count }
        section && /^ *```sh$/ { count++; inside = (count == wanted); next }
        /^ *```$/ { inside = 0 }
        inside' "$root/docs/$1" |
        sed "s|^   ||; s|http://127.0.0.1:8481|$console|g; s|^anteroom |anteroom --data $data |"
}

# expect NAME TEXT COMMAND...: the command succeeds and prints the text.
expect() {
    local name=$1 text=$2 answer result
    shift 2
    answer=$("$@" 2>&1)
    result=$?
    if [ $result -eq 0 ] && grep -q "$text" <<<"$answer"; then printf 'ok       %s\n' "$name"; else
        printf 'FAULT    %s: exit code %s, expected %s in:\n%s\n' "$name" "$result" "$text" "$answer"
        faults=$((faults + 1))
    fi
}

# of NAME: the values of that name in JSON, a line for each.
of() {
    grep -o "\"$1\":\"[^\"]*\"" | sed 's/.*:"\(.*\)"/\1/'
}

# follow_up KIND: the id of an open one.
follow_up() {
    anteroom --data "$data" follow-ups --json | grep "\"kind\":\"$1\"" | head -n 1 | of id
}

first='## Your first workflow in five minutes'
expect 'a first workflow is written' '' bash -ec "$(block workflows.md "$first" 1)"
expect 'it is checked, drawn and mended' 'workflow loan-check' \
    bash -ec "$(block workflows.md "$first" 2)"
expect 'its picture is there' '^<svg ' cat loan-check.svg
expect 'it is played through' 'handledByUser' bash -ec "$(block workflows.md "$first" 3)"

ITEM=$(curl -sS --fail-with-body "$intake/v1/work-items" -H "Authorization: Bearer $key" \
    -H 'Content-Type: application/xml' -d '<workItem xmlns="urn:anteroom:work-item:1"
        reference="claim-1"><service>claims</service><title>Claim of Anna</title>
        <contactData><item key="workItemTask">Decide</item></contactData></workItem>' |
    sed -n 's/.* id="\([^"]*\)".*/\1/p')
TOKEN=$(curl -sS --fail-with-body "$console/api/v1/session" -H 'Content-Type: application/json' \
    -d "{\"user\":\"supervisor\",\"password\":\"$password\"}" | of token)
ID=$(follow_up button)
export ITEM TOKEN ID
ask=$(block agents.md '## Working with items' 1)
expect 'a desktop lists, shows and pushes' '"repeated":false' \
    bash -ec "$ask"$'\n'"$(block agents.md '### Follow-ups' 1)"
expect 'a desktop starts follow-ups' '"reference":"cb-17","state":"inWorkflow"' \
    bash -ec "$ask"$'\n'"$(block agents.md '### Follow-ups' 2)"
expect 'a desktop has the picture' '^<svg ' cat graph.svg

commands=$(grep -E '^anteroom (item start-workflow|follow-up)' "$root/docs/operations.md" |
    sed "s|^anteroom |anteroom --data $data |; s|01a1fc12-…|$ITEM|; s|01a1fd02-…|$(follow_up alert)|")
expect 'operations.md names four commands' '^4$' grep -c . <<<"$commands"
expect 'the operator lists, acknowledges and starts' 'Came in after hours: closed' \
    bash -ec "$commands"
[ "$faults" -eq 0 ]
