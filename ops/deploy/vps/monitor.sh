#!/bin/bash
# Say how a server is: processes, health, queue, disk, memory, backups. Exit code 1 when something needs a hand.
#
#   ops/deploy/vps/monitor.sh root@bots.example.ru
#   ops/deploy/vps/monitor.sh --here
#
# It changes nothing. Alerts come to the administrators' chat by themselves; this is for a look by hand or a cron of yours.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

host=""
[ $# -gt 0 ] || usage 2
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --here) host=here ;;
        --dry-run) ;; # it changes nothing anyway
        -*) die "there is no option $1; see --help" ;;
        *) [ -z "$host" ] || die "one server at a time"; host=$1 ;;
    esac
    shift
done
[ -n "$host" ] || die "name the server, or --here"
if [ "$host" != here ]; then
    there "$host" monitor.sh --here
    exit
fi

need_root
[ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
bad=0
line() { # line good|bad NAME TEXT
    if [ "$1" = bad ]; then bad=1; fi
    printf '%-4s  %-20s %s\n' "$([ "$1" = good ] && echo ok || echo BAD)" "$2" "$3"
}

line good version "$(basename "$(readlink -f "$LOTOK_HOME/current")")"
units=(lotok-drain)
mapfile -t -O 1 units < <(web_units; render_units)
[[ $(setting UPSTASH_REDIS_REST_URL) != http://127.0.0.1:8079 ]] || units+=(lotok-bridge)
for name in "${units[@]}"; do
    if runs "$name"; then line good "$name" "runs"; else line bad "$name" "does not run: journalctl -u $name -n 50"; fi
done

health=$(curl -sS -m 10 -H "Authorization: Bearer $(setting ADMIN_API_TOKEN)" http://127.0.0.1:8001/api/health 2>&1) || true
judge='
import json, sys
word = {True: "good", False: "bad"}.get
try:
    found = json.loads(sys.argv[1])
except ValueError:
    print("bad|health|" + sys.argv[1][:100].replace("\n", " "))
    sys.exit()
for name in ("redis", "database"):
    one = found.get(name, {})
    state = one.get("state", "not told")
    print(f"{word(state == "available")}|{name}|{state}, {one.get("ms", "?")} ms")
queue = found.get("queue", {})
late = queue.get("lag_seconds", 0)
print(f"{word(late < 120)}|queue|{late} s late")
for bot, hook in found.get("webhooks", {}).items():
    wrong = "not set: sudo lotok webhooks" if not hook.get("is_set") else hook.get("error") if hook.get("pending") else ""
    print(f"{word(not wrong)}|webhook {bot}|{wrong or "set"}, {hook.get("pending", "?")} pending")
'
while IFS='|' read -r state name text; do line "$state" "$name" "$text"; done \
    < <("$LOTOK_HOME/current/.venv/bin/python" -c "$judge" "$health")

used=$(df --output=pcent "$LOTOK_HOME" | tail -1 | tr -dc 0-9)
if [ "$used" -lt 85 ]; then line good disk "$used % used"; else line bad disk "$used % used"; fi
free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
if [ "$free" -gt 200 ]; then line good memory "$free MB free"; else line bad memory "$free MB free"; fi

age() { [ -e "$1" ] && echo $((($(date +%s) - $(stat -c %Y "$1")) / 86400)) || echo 999; }
last=$(age "$LOTOK_HOME/backups/last-good")
if [ "$last" -le 1 ]; then line good backup "of the last day"; else line bad backup "$([ "$last" = 999 ] && echo none yet || echo "$last days old"): sudo lotok backup make"; fi
tested=$(age "$LOTOK_HOME/backups/last-restored")
if [ "$tested" -le 8 ]; then line good "restored backup" "$tested days ago"; else line bad "restored backup" "$([ "$tested" = 999 ] && echo never || echo "$tested days ago"): sudo lotok backup test"; fi
if ! has_systemd; then line good systemd "is not here: a supervisor runs the processes"; fi
exit "$bad"
