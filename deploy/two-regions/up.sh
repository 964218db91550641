#!/bin/sh
# Two regions and a hub side by side on this machine, set up step by step as their operators would.
#
#     deploy/two-regions/up.sh [DIRECTORY]          Ctrl-C stops everything; run again to go on
#
# 441900 serves at PORT (8441), 611000 at PORT+1, the hub at PORT+2. People (PERSONS of each region,
# 2000), institutions and the hub are made up. What a real region does instead: its own data
# (docs/operating/importing.md), its own `hub.toml`, and an authority that is somebody else's
# (docs/reference/hub.md).
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
directory=$(mkdir -p "${1:-var/two-regions}" && cd "${1:-var/two-regions}" && pwd)
cd "$here"
python=.venv/bin/python settlement=.venv/bin/settlement
ours=441900 theirs=611000
port=${PORT:-8441} persons=${PERSONS:-2000}
export SETTLEMENT_HUB_FILE="$directory/hub.toml"
authority() { "$python" -m loadtest.simulators.hub_authority "$directory/authority" "$@"; }

started=
# Whoever does not wait and says it again must not cut this short: servers would be left behind.
stop() { trap '' INT TERM; for pid in $started; do kill -TERM "$pid" 2>/dev/null || true; done; wait; }
trap stop EXIT
trap 'exit 0' INT TERM

# 1. The hub with its own certificate, and what every region pins of its authority.
authority hub > /dev/null
printf 'address = "http://127.0.0.1:%s"\nroot = "%s"\n' $((port + 2)) "$(authority root)" \
    > "$SETTLEMENT_HUB_FILE"
"$python" -m loadtest.simulators.hub_server --port $((port + 2)) --book "$directory/hub.jsonl" \
    --authority "$directory/authority" \
    --region "$ours=http://127.0.0.1:$port" --region "$theirs=http://127.0.0.1:$((port + 1))" \
    > "$directory/hub.log" 2>&1 &
started="$!"

# 2. A server each, with its own database. The second region is based on the national baseline. One
# gateway process each is enough for two regions that share a machine.
"$settlement" serve --demo --demo-persons "$persons" --workers 1 --port "$port" \
    --data-dir "$directory/$ours" > "$directory/$ours.ready" 2> "$directory/$ours.log" &
started="$started $!"
SETTLEMENT_REGION=$theirs SETTLEMENT_PROFILE=settlement/demo/neighbour.toml \
    "$settlement" serve --demo --demo-persons "$persons" --demo-first 500001 --workers 1 \
    --port $((port + 1)) --data-dir "$directory/$theirs" \
    > "$directory/$theirs.ready" 2> "$directory/$theirs.log" &
started="$started $!"
for region in $ours $theirs; do
    until grep -q ready "$directory/$region.ready"; do
        for pid in $started; do
            kill -0 "$pid" 2>/dev/null || { tail -n 3 "$directory"/*.log >&2; exit 1; }
        done
        sleep 1
    done
    echo "$region serves: $(sed 's/.*"url": "\([^"]*\)".*/\1/' "$directory/$region.ready")"
done

# 3. Keys and a certificate, once for each region; then everybody is told of everybody.
for region in $ours $theirs; do
    [ -e "$directory/$region.certificate" ] && continue
    "$settlement" hub new-identity --reason "deploy/two-regions" --data-dir "$directory/$region" \
        > "$directory/$region.request"
    authority issue "$directory/$region.request" > "$directory/$region.certificate"
    "$settlement" hub certificate "$directory/$region.certificate" --reason "deploy/two-regions" \
        --data-dir "$directory/$region"
done
for region in $ours $theirs; do
    authority counterparts "$region" > "$directory/$region-counterparts.toml"
    "$settlement" import counterparts "$directory/$region-counterparts.toml" \
        --reason "deploy/two-regions" --data-dir "$directory/$region"
    "$settlement" regions --data-dir "$directory/$region"
done
sleep 1 # what is imported is in force in every process within a second
echo "ready: name the other region in insuplc_admdvs. Ctrl-C stops."
wait
