#!/bin/bash
# Bring a server to the version of this checkout, without a failed request; or restart it, or go back.
#
#   ops/deploy/vps/update.sh root@bots.example.ru              the commit that is checked out here
#   ops/deploy/vps/update.sh root@bots.example.ru --restart    the same version with changed settings, RENDER_WORKERS too
#   ops/deploy/vps/update.sh root@bots.example.ru --back       the version that ran before this one
#   ops/deploy/vps/update.sh --here ...                        on the server itself; --dry-run says what would be done
#
# The new version is unpacked, imported and migrated beside the old one. Then the processes restart one after the other,
# each when the one before answers. When one does not, the old version is put back. Migrations stay: each must suit the
# version before it, too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

host="" mode=update
[ $# -gt 0 ] || usage 2
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --here) host=here ;;
        --restart) mode=restart ;;
        --back) mode=back ;;
        --dry-run) DRY_RUN=1 ;;
        -*) die "there is no option $1; see --help" ;;
        *) [ -z "$host" ] || die "one server at a time"; host=$1 ;;
    esac
    shift
done
[ -n "$host" ] || die "name the server, or --here"

if [ "$host" != here ]; then
    if [ "$mode" = update ]; then
        root=$(cd "$here/../../.." && pwd)
        version=$(git -C "$root" rev-parse --short=12 HEAD 2> /dev/null) || die "this must be a git checkout"
        target=$(ssh "$host" mktemp -d /tmp/lotok-XXXXXX)
        # shellcheck disable=SC2029 # it is filled in here, not there
        git -C "$root" archive --format=tar.gz HEAD | ssh "$host" "cat > $target/lotok-$version.tar.gz"
        ssh -t "$host" "cd $target && tar -xzf lotok-$version.tar.gz ops/deploy && $AS_ROOT env LOTOK_PACKAGE=$target LOTOK_VERSION=$version bash ops/deploy/vps/update.sh --here ${DRY_RUN:+--dry-run}; code=\$?; rm -rf $target; exit \$code"
    else
        there "$host" update.sh --here "--$mode" ${DRY_RUN:+--dry-run}
    fi
    exit
fi

need_root
[ -e "$LOTOK_HOME/current" ] || die "Lotok is not installed here; run deploy.sh"
before=$(readlink -f "$LOTOK_HOME/current")

case $mode in
    restart)
        put_units
        restart_all
        "$here/proxy.sh" ${DRY_RUN:+--dry-run} "$(served_domain)"
        end_if_dry
        say "restarted: $(basename "$before")"
        exit
        ;;
    back)
        after=$(find "$LOTOK_HOME/releases" -mindepth 2 -maxdepth 2 -name .ready -printf '%T@ %h\n' | sort -rn | cut -d' ' -f2- \
            | awk -v now="$before" 'found { print; exit } $0 == now { found = 1 }')
        [ -n "$after" ] || die "there is no version before $(basename "$before")"
        say "back to $(basename "$after")"
        ;;
    update)
        version=${LOTOK_VERSION:-$(git -C "$here" rev-parse --short=12 HEAD 2> /dev/null)} || die "this must be a git checkout"
        package=${LOTOK_PACKAGE:-}
        if [ -z "$package" ]; then
            package=$(mktemp -d)
            trap 'rm -rf "$package"' EXIT
            git -C "$here/../../.." archive --format=tar.gz -o "$package/lotok-$version.tar.gz" HEAD
        fi
        after="$LOTOK_HOME/releases/$version"
        "$here/release.sh" ${DRY_RUN:+--dry-run} --package "$package" --version "$version"
        ;;
esac

# `.ready` tells when a version was last put to work: --back takes the one before.
point_at() {
    act ln -sfn "$1" "$LOTOK_HOME/current.new" && act mv -T "$LOTOK_HOME/current.new" "$LOTOK_HOME/current"
    act touch "$1" "$1/.ready"
}
point_at "$after"
[ "$mode" != update ] || put_units
if ! (restart_all); then
    point_at "$before"
    [ "$mode" != update ] || [ "$after" = "$before" ] || act rm -f "$after/.ready"
    (restart_all) || die "neither $(basename "$after") nor $(basename "$before") answers"
    die "$(basename "$after") does not answer; $(basename "$before") serves again"
fi
[ "$mode" != update ] || "$here/proxy.sh" ${DRY_RUN:+--dry-run} "$(served_domain)"
end_if_dry
ops webhooks > /dev/null
say "now: $(basename "$after"), before: $(basename "$before") (update.sh --back)"
