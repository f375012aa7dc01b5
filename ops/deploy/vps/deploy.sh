#!/bin/bash
# Install Lotok on a server: Ubuntu 22.04 or 24.04, Debian 12 or 13. Run again, it goes on where it stopped.
#
#   ops/deploy/vps/deploy.sh root@203.0.113.7 --domain bots.example.ru --email you@example.ru
#   ops/deploy/vps/deploy.sh --here --domain bots.example.ru --email you@example.ru     on the server itself
#
#   203.0.113.7 stands for the server's address.
#
#   --env FILE     settings to take over (tokens, ADMIN_IDS, keys), NAME=value a line as in .env.example; what it leaves
#                  out is asked for on the server's terminal or made: secrets, the local database, the local Redis
#   --workers N    how many processes draw (1 to 9; one a core is enough)
#   --no-tls       no certificate: a proxy or tunnel of yours stands in front
#   --no-firewall  leave ufw as it is; without this only ssh, 80 and 443 stay open to others
#   --dry-run      say what would be done, and do nothing
#
# It asks nothing that it can find out. It writes under /etc/lotok and /opt/lotok, nginx's lotok.conf, the units lotok-*,
# /usr/local/bin/lotok and apt's 52lotok, adds five lines to the settings of Valkey or Redis, and opens the firewall's ports.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

host="" env_file="" options=()
[ $# -gt 0 ] || usage 2
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --here) host=here ;;
        --env) need_value "$@"; env_file=$2; shift ;;
        --domain) need_value "$@"; is_domain "$2" || die "$2 is no domain; one is bots.example.ru"; options+=("$1" "$2"); shift ;;
        --workers) need_value "$@"; [[ $2 =~ ^[1-9]$ ]] || die "--workers is a number from 1 to 9"; options+=("$1" "$2"); shift ;;
        --email) need_value "$@"; options+=("$1" "$2"); shift ;;
        --no-tls | --no-firewall) options+=("$1") ;;
        --dry-run) DRY_RUN=1; options+=("$1") ;;
        -*) die "there is no option $1; see --help" ;;
        *) [ -z "$host" ] || die "one server at a time"; host=$1 ;;
    esac
    shift
done
[ -n "$host" ] || die "name the server, or --here"
[ -z "$env_file" ] || [ -r "$env_file" ] || die "cannot read $env_file"

root=$(cd "$here/../../.." && pwd)
# A release is what git knows, so that two servers of one commit are the same.
version=$(git -C "$root" rev-parse --short=12 HEAD 2> /dev/null) || die "this must be a git checkout"
[ -z "$(git -C "$root" status --porcelain --untracked-files=no)" ] || say "note: what is not committed is not deployed"
packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
git -C "$root" archive --format=tar.gz -o "$packed/lotok-$version.tar.gz" HEAD
[ -z "$env_file" ] || install -m 600 "$env_file" "$packed/env"

if [ "$host" = here ]; then
    bash "$here/install.sh" --package "$packed" --version "$version" "${options[@]}"
    exit
fi
step "to $host: version $version"
target=$(ssh "$host" mktemp -d /tmp/lotok-XXXXXX)
scp -q "$packed"/* "$here"/*.sh "$here"/*.py "$host:$target/"
scp -q -r "$here/units" "$here/../nginx" "$host:$target/"
# The settings that were handed over lie there: they go, however it ends.
# shellcheck disable=SC2029 # it is filled in here, not there
ssh -t "$host" "$AS_ROOT bash $target/install.sh --package $target --version $version ${options[*]@Q}; code=\$?; rm -rf $target; exit \$code"
