# What the scripts of this folder share; read by `.`, never run. POSIX tools, bash, root on the server.
# shellcheck shell=bash
set -euo pipefail

: "${LOTOK_HOME:=/opt/lotok}"     # releases/, current -> a release, files/, backups/
: "${LOTOK_ETC:=/etc/lotok}"      # env: the settings, 0640 root:lotok
: "${LOTOK_KEPT:=3}"              # releases that stay for a way back
DRY_RUN=${DRY_RUN:-}

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; died=yes; exit 1; }

# The head of a script is its help. Usage: usage [EXIT_CODE]
usage() { sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit "${1:-0}"; }

# Refuse an option whose value is left out. Usage: need_value "$@"
need_value() { case ${2:-} in "" | -*) die "$1 needs a value; see --help" ;; esac; }

# Do it, or with DRY_RUN say it.
act() {
    if [ -n "$DRY_RUN" ]; then
        printf '   would run:'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

# Do it without what it prints, or with DRY_RUN say it.
quietly() { if [ -n "$DRY_RUN" ]; then act "$@"; else "$@" > /dev/null; fi; }

# The end of a dry run: what follows would tell of things that were not done.
end_if_dry() {
    [ -n "$DRY_RUN" ] || return 0
    say "nothing was changed"
    exit 0
}

# Run psql as the owner of the cluster, in a folder that he may enter. Usage: as_postgres ARGUMENT ...
as_postgres() { (cd / && runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 "$@"); }

# Say at its end that a script has failed and how to go on: some commands say nothing. `die` has said it.
# Usage: name_what_stops
name_what_stops() {
    # shellcheck disable=SC2154 # the trap sets it
    trap 'code=$?; [ "$code" = 0 ] || [ -n "${died:-}" ] || printf "%s: stopped here, exit code %s; mend it and run this again\n" "$(basename "$0")" "$code" >&2' EXIT
}

# Write standard input to a file, whole or not at all; say so only when it changes something. Usage: put FILE MODE
put() {
    local file=$1 mode=$2 made
    made=$(mktemp)
    cat > "$made"
    if [ -f "$file" ] && cmp -s "$made" "$file"; then
        rm -f "$made"
        return 0
    fi
    if [ -n "$DRY_RUN" ]; then
        say "   would write $file"
        rm -f "$made"
        return 0
    fi
    install -D -m "$mode" "$made" "$file.new" && mv "$file.new" "$file"
    rm -f "$made"
    say "   wrote $file"
}

is_domain() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}$ ]]; }

# The domain that nginx serves: the one deploy.sh was given, whatever PUBLIC_URL says since then.
served_domain() {
    local domain
    domain=$(sed -n 's/^ *server_name \(.*\);$/\1/p' "${1:-/etc/nginx/conf.d/lotok.conf}" 2> /dev/null | head -1 || true)
    [ -n "$domain" ] || domain=$(setting PUBLIC_URL | sed 's,^https\?://,,; s,[:/].*,,')
    printf '%s\n' "$domain"
}

need_root() { [ "$(id -u)" = 0 ] || die "run it as root, by sudo"; }

# A setting of the server or of another file, empty when unset. Usage: setting NAME [FILE]
setting() {
    local file=${2:-$LOTOK_ETC/env}
    [ ! -r "$file" ] || sed -n "s/^$1=//p" "$file" | tail -1 | sed 's/^"\(.*\)"$/\1/'
}

# Run a verb of ops with the server's settings, as the bots' user. Usage: ops VERB ...
ops() { in_release "$LOTOK_HOME/current" python -m ops "$@"; }

# The settings are read as systemd reads them, a name and its value a line: a shell would run what stands behind a space.
# Usage: in_release FOLDER PROGRAM ...
in_release() {
    local folder=$1
    shift
    # shellcheck disable=SC2016 # the inner shell shall read the file
    (cd "$folder" && runuser -u lotok -- env -i HOME="$LOTOK_HOME" PATH="$folder/.venv/bin:/usr/bin:/bin" LANG=C.UTF-8 \
        bash -c 'while IFS="=" read -r name value || [ -n "$name" ]; do
            [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
            if [[ $value == \"*\" ]]; then value=${value#\"} value=${value%\"}; fi
            export "$name=$value"
        done < "$0"; exec "$@"' "$LOTOK_ETC/env" "$@")
}

# As root there, also where root has no sudo; for the shell on the other side.
# shellcheck disable=SC2016,SC2034 # it is filled in there; the others use it
AS_ROOT='$([ "$(id -u)" = 0 ] || echo sudo)'

# Run a script of this folder on a server that has Lotok; sudo can ask for a password where there is a terminal.
# Usage: there HOST SCRIPT ...
there() {
    local host=$1 script=$2 terminal=()
    shift 2
    if [ -t 0 ] && [ -t 1 ]; then terminal=(-t); fi
    # shellcheck disable=SC2029 # it is filled in here, not there
    ssh "${terminal[@]}" "$host" "[ -e $LOTOK_HOME/current ] || { echo 'Lotok is not installed on $host; run deploy.sh' >&2; exit 1; }
$AS_ROOT bash $LOTOK_HOME/current/ops/deploy/vps/$script ${*@Q}"
}

has_systemd() { [ -d /run/systemd/system ]; }

# Start, stop or restart a unit: by systemd, or without it (a container, a chroot) by the supervisor beside this file.
# Usage: unit VERB NAME
unit() {
    if has_systemd; then
        act systemctl "$1" "$2"
    else
        act python3 "$(dirname "${BASH_SOURCE[0]}")/supervisor.py" "$1" "$2"
    fi
}

# Wait until a process of ours answers. Usage: ready PORT
ready() {
    [ -z "$DRY_RUN" ] || return 0
    local tries=0
    until curl -fsS -o /dev/null -m 3 "http://127.0.0.1:$1/api/health" 2> /dev/null \
        || [ "$(curl -s -o /dev/null -m 3 -w '%{http_code}' "http://127.0.0.1:$1/")" = 200 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || return 1
        sleep 1
    done
}

render_workers() { setting RENDER_WORKERS | grep -E '^[1-9]$' || echo 1; }
web_processes() { setting WEB_PROCESSES | grep -E '^[2-9]$' || echo 2; } # with one, a restart would leave nobody
web_units() { seq -f 'lotok-web@%g' 1 "$(web_processes)"; }
render_units() { seq -f 'lotok-render@%g' 1 "$(render_workers)"; }

runs() {
    if has_systemd; then
        systemctl is-active -q "$1"
    else
        [ -e "/run/lotok/$1.pid" ] && python3 "$(dirname "${BASH_SOURCE[0]}")/supervisor.py" status "$1"
    fi
}

# Processes of a time when RENDER_WORKERS or WEB_PROCESSES was more.
stop_surplus() {
    local name
    for name in $(seq -f 'lotok-render@%g' $(($(render_workers) + 1)) 9; seq -f 'lotok-web@%g' $(($(web_processes) + 1)) 9); do
        if runs "$name"; then unit stop "$name"; fi
        if has_systemd && systemctl is-enabled -q "$name" 2> /dev/null; then act systemctl disable -q "$name"; fi
    done
}

put_units() {
    local file name
    for file in "$(dirname "${BASH_SOURCE[0]}")"/units/*; do
        name=$(basename "$file")
        put "/etc/systemd/system/$name" 644 < "$file"
    done
    put /usr/local/bin/lotok 755 <<< "#!/bin/sh
exec bash $LOTOK_HOME/current/ops/deploy/vps/lotok.sh \"\$@\""
    has_systemd || return 0
    mapfile -t all < <(web_units; render_units)
    act systemctl daemon-reload
    act systemctl enable -q lotok.target lotok-bridge lotok-drain "${all[@]}"
    act systemctl enable -q --now lotok-backup.timer lotok-restore-test.timer
}

# One after the other, each only when the one before answers again: the proxy sends requests to the other meanwhile.
restart_all() {
    local name
    for name in $(web_units); do
        unit restart "$name"
        ready "800${name##*@}" || die "$name does not answer; look at: journalctl -u $name -n 50"
    done
    for name in lotok-drain $(render_units); do
        unit restart "$name"
    done
    ready 8011 || die "lotok-drain does not answer; look at: journalctl -u lotok-drain -n 50"
}
