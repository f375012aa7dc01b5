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

# Who holds it restores; what it says is the database of before, of a restore that was killed in its middle.
mark="$LOTOK_HOME/restoring"
if [ -z "$DRY_RUN" ]; then
    exec 9>> "$mark"
    flock -n 9 || die "another restore is under way"
fi
in_cluster() { quietly as_postgres -d postgres "$@"; }
is_aside() { [ -n "$(as_postgres -d postgres -At -c "select 1 from pg_database where datname = '$aside'")" ]; }
# However it ends before its end, by Ctrl-C too, the server goes on as it was. Not by ERR: functions know no such trap.
back() {
    [ -n "$stopped" ] || return 0
    stopped=""
    if is_aside; then
        in_cluster -c "drop database if exists lotok (force)" -c "alter database $aside rename to lotok"
        say "not restored; the database is put back as it was"
    else
        say "not restored; the database is as it was"
    fi
    : > "$mark"
    restart_all 9>&-
}
if [ -s "$mark" ] && [ -z "$DRY_RUN" ]; then
    aside=$(cat "$mark") stopped=yes
    say "a restore was killed in its middle: the database goes back first"
    back
fi
aside="lotok_before_$(date +%Y%m%d%H%M%S)" stopped=""
step "1/4 prove it first"
act ops backup test "$name" --key "$key"
trap back EXIT
step "2/4 stop"
stopped=yes
[ -n "$DRY_RUN" ] || printf '%s\n' "$aside" > "$mark"
mapfile -t all < <(web_units; render_units)
for unit_name in "${all[@]}" lotok-drain; do unit stop "$unit_name"; done
step "3/4 restore"
in_cluster -c "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lotok'"
in_cluster -c "alter database lotok rename to $aside"
in_cluster -c "create database lotok owner lotok template template0"
# shellcheck disable=SC2016 # ops reads it: an address has a password, which everybody would see in the list of processes
act ops backup restore "$name" --into '$DATABASE_URL_UNPOOLED' --files "$(setting STORAGE_PATH)" --key "$key"
act ops migrate
stopped=""
[ -n "$DRY_RUN" ] || : > "$mark"
step "4/4 start"
restart_all 9>&-
end_if_dry
say "back to $name. The database of before is $aside: drop it when you are sure, or rename it back."
