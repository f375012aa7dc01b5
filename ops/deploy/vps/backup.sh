#!/bin/bash
# Make a backup now, beside the nightly one: database and files, encrypted; see python -m ops backup --help.
#
#   ops/deploy/vps/backup.sh root@bots.example.ru            on the server; it stays there, in /opt/lotok/backups
#   ops/deploy/vps/backup.sh root@bots.example.ru --fetch DIR    and copy all of them here, where they are safe from it
#   ops/deploy/vps/backup.sh --here
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
case ${1:-} in
    -h | --help) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
    "") sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
    --here)
        need_root
        [ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
        ops backup make
        ;;
    -*) die "there is no option $1; see --help" ;;
    *)
        # shellcheck disable=SC2029 # it is filled in here, not there
        ssh "$1" "$AS_ROOT bash $LOTOK_HOME/current/ops/deploy/vps/backup.sh --here"
        if [ "${2:-}" = --fetch ]; then
            rsync -a --rsync-path="$AS_ROOT rsync" "$1:$LOTOK_HOME/backups/" "${3:?--fetch needs a folder}/"
            say "copied to $3"
        fi
        ;;
esac
