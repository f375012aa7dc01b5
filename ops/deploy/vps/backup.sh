#!/bin/bash
# Make a backup now, beside the nightly one: database and files, encrypted; see python -m ops backup --help.
#
#   ops/deploy/vps/backup.sh root@bots.example.ru            on the server; it stays there, in /opt/lotok/backups
#   ops/deploy/vps/backup.sh root@bots.example.ru --fetch DIR    and copy all of them here, where they are safe from it
#   ops/deploy/vps/backup.sh --here                          on the server itself; --dry-run says what would be done
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

host="" folder=""
[ $# -gt 0 ] || usage 2
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --here) host=here ;;
        --fetch) need_value "$@"; folder=$2; shift ;;
        --dry-run) DRY_RUN=1 ;;
        -*) die "there is no option $1; see --help" ;;
        *) [ -z "$host" ] || die "one server at a time"; host=$1 ;;
    esac
    shift
done
[ -n "$host" ] || die "name the server, or --here"

if [ "$host" = here ]; then
    need_root
    [ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
    act ops backup make
    end_if_dry
    exit
fi
there "$host" backup.sh --here ${DRY_RUN:+--dry-run}
if [ -n "$folder" ]; then
    act rsync -a --rsync-path="$AS_ROOT rsync" "$host:$LOTOK_HOME/backups/" "$folder/"
    [ -n "$DRY_RUN" ] || say "copied to $folder"
fi
