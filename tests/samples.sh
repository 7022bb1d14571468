#!/usr/bin/env bash
# Runs the samples of README.md and docs/protocol.md as printed against a running demo daemon; only
# the address is put in. Usage: tests/samples.sh DATA-FOLDER
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "$1" && pwd)
intake=$(sed -n 's/^intake = "\(.*\)"/\1/p' "$data/demo-credentials.toml")
ANTEROOM_KEY=$(sed -n '/^\[sender.demo\]/,/^\[/s/^key = "\(.*\)"/\1/p' "$data/demo-credentials.toml")
export ANTEROOM_KEY
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
faults=0

# block FILE LANGUAGE N: the Nth code block of that language.
block() {
    awk -v language="$2" -v wanted="$3" '
        $0 == "```" language { count++; inside = (count == wanted); next }
        /^```/ { inside = 0 }
        inside' "$root/$1" | sed "s|http://127.0.0.1:8480|$intake|g; s|anteroom-data/|$data/|g"
}

# expect NAME TEXT COMMAND...: the command succeeds and its answer has the text.
expect() {
    local name=$1 text=$2 answer
    shift 2
    answer=$("$@" 2>&1)
    local result=$?
    if [ $result -eq 0 ] && grep -q "$text" <<<"$answer"; then printf 'ok       %s\n' "$name"; else
        printf 'FAULT    %s: exit code %s, expected %s in:\n%s\n' "$name" "$result" "$text" "$answer"
        faults=$((faults + 1))
    fi
}

readme_blocks() {
    local number=1 text
    while text=$(block README.md sh "$number") && [ -n "$text" ]; do
        grep -q 'KEY=\|curl' <<<"$text" && grep -v '^target/release' <<<"$text"
        number=$((number + 1))
    done
}

awk '/^```xml$/ { inside = 1; next } /^```/ { if (inside) exit } inside' \
    "$root/docs/protocol.md" >message.xml
expect 'README: first message and closed entrance' 'state="buffered"' bash -c "$(readme_blocks)"
expect 'curl' '<receipt' bash -c "$(block docs/protocol.md sh 1)"
block docs/protocol.md python 1 >send.py
expect 'Python' 'duplicate="true"' python3 send.py
if command -v java >/dev/null; then
    block docs/protocol.md java 1 >Send.java
    expect 'Java' 'duplicate="true"' java Send.java
else
    echo 'SKIPPED  Java: no JDK'
fi
[ "$faults" -eq 0 ]
