#!/bin/bash
# What a server's owner types on it: `sudo lotok VERB`. It needs no folder, no user and no settings to be named.
#
#   sudo lotok monitor           how everything is
#   sudo lotok doctor            what is wrong, each with the command that mends it; --lang ru
#   sudo lotok restart           take over what was changed in /etc/lotok/env
#   sudo lotok backup make       any verb of `python -m ops`, with this server's settings; `sudo lotok --help` lists them
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

case ${1:-} in
    "") usage 2 ;;
    -h | --help) (usage); [ -e "$LOTOK_HOME/current" ] || exit 0 ;;
esac
need_root
[ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
case $1 in
    monitor) exec bash "$here/monitor.sh" --here ;;
    restart) exec bash "$here/update.sh" --here --restart ;;
    *) ops "$@" ;;
esac
