#!/bin/bash
# Prove a backup, or bring one back. On the server, as root.
#
#   restore.sh --list
#   restore.sh --test [NAME] [--key FILE]     restore into a scratch database, compare every row, drop it again
#   restore.sh NAME --key FILE                put the server back to it: stops Lotok, keeps the present database beside
#
# --key is age's secret key; without it the server's own is used, /etc/lotok/backup.key. The present database is renamed,
# not dropped, so a restore can be taken back: the last line says how.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
mode=restore name="" key="$LOTOK_ETC/backup.key"
[ $# -gt 0 ] || usage 2
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --list) mode=list ;;
        --test) mode=prove ;;
        --key) need_value "$@"; key=$2; shift ;;
        --dry-run) DRY_RUN=1 ;;
        -*) die "there is no option $1; see --help" ;;
        *) [ -z "$name" ] || die "one backup at a time"; name=$1 ;;
    esac
    shift
done
need_root
[ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
case $mode in
    list) ops backup list; exit ;;
    prove) ops backup test ${name:+"$name"} --key "$key"; exit ;;
esac
[ -n "$name" ] || die "name the backup; restore.sh --list shows them"
[ -d "$LOTOK_HOME/backups/$name" ] || die "there is no backup $name; restore.sh --list shows them"
[[ $(setting DATABASE_URL_UNPOOLED) == *@127.0.0.1:5432/lotok ]] || die "the database is not on this server: python -m ops backup restore --into an empty one"

step "1/4 prove it first"
act ops backup test "$name" --key "$key"
step "2/4 stop"
mapfile -t all < <(web_units; render_units)
for unit_name in "${all[@]}" lotok-drain; do unit stop "$unit_name"; done
step "3/4 restore"
aside="lotok_before_$(date +%Y%m%d%H%M%S)"
as_postgres() { quietly runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d postgres "$@"; }
back() {
    say "not restored; the database is put back as it was"
    as_postgres -c "drop database if exists lotok (force)" -c "alter database $aside rename to lotok" || true
    restart_all
}
as_postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lotok'"
as_postgres -c "alter database lotok rename to $aside"
trap back ERR
as_postgres -c "create database lotok owner lotok template template0"
act ops backup restore "$name" --into "$(setting DATABASE_URL_UNPOOLED)" --files "$(setting STORAGE_PATH)" --key "$key"
act ops migrate
trap - ERR
step "4/4 start"
restart_all
end_if_dry
say "back to $name. The database of before is $aside: drop it when you are sure, or rename it back."
