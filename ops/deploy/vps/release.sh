#!/bin/bash
# Unpack one version beside the others, migrate, and let `current` point at it. install.sh and update.sh call it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

package="" version="" python=""
while [ $# -gt 0 ]; do
    case $1 in
        --package) package=$2; shift ;;
        --version) version=$2; shift ;;
        --python) python=$2; shift ;;
        --dry-run) DRY_RUN=1 ;;
        *) die "there is no option $1" ;;
    esac
    shift
done
if [ -z "$package" ] || [ -z "$version" ]; then die "deploy.sh and update.sh run this; see their --help"; fi
release="$LOTOK_HOME/releases/$version"
if [ -n "$DRY_RUN" ]; then
    say "   would unpack $version into $release, install its packages, migrate, and switch to it"
    exit 0
fi
if [ ! -e "$release/.ready" ]; then
    rm -rf "$release"
    mkdir -p "$release"
    tar -xzf "$package/lotok-$version.tar.gz" -C "$release"
    [ -n "$python" ] || python=$(readlink -f "$LOTOK_HOME/current/.venv/bin/python")
    "$python" -m venv "$release/.venv"
    "$release/.venv/bin/pip" install -q --disable-pip-version-check --no-deps -r "$release/requirements.txt"
    "$release/.venv/bin/pip" install -q --disable-pip-version-check --no-deps -r "$release/ops/deploy/requirements.txt"
    "$release/.venv/bin/python" -m compileall -q "$release/lib" "$release/api" "$release/ops"
    echo "VERCEL_GIT_COMMIT_SHA=$version" > "$release/.version" # what Vercel would say
    chown -R root:lotok "$release"
    chmod -R u=rwX,g=rX,o= "$release"
    touch "$release/.ready"
fi
# Before anything runs it: the settings are read, all of it is imported.
in_release "$release" python -m ops serve --check > /dev/null || die "version $version does not start with these settings"
in_release "$release" python -m ops migrate
password=$(setting DATABASE_URL | sed -n 's,^postgresql://lotok_app:\([^@]*\)@127\.0\.0\.1:5432/lotok$,\1,p')
[ -z "$password" ] || as_postgres -f - <<< "alter role lotok_app login password '$password'"
ln -sfn "$release" "$LOTOK_HOME/current.new" && mv -T "$LOTOK_HOME/current.new" "$LOTOK_HOME/current"
say "   current is $version"
# The oldest go, never one that is in use.
find "$LOTOK_HOME/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n "+$((LOTOK_KEPT + 1))" \
    | cut -d' ' -f2- | { grep -vxF "$(readlink -f "$LOTOK_HOME/current")" || true; } | xargs -r rm -rf
