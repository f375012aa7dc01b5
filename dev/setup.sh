#!/bin/sh
# Makes .venv hold what the requirements files say. Does nothing, in a few milliseconds, when it already does.
set -eu
cd "$(dirname "$0")/.."

stamp=$(cat requirements.txt dev/requirements.txt dev/setup.py | cksum | tr ' ' '-')
if [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

# A name on the PATH proves nothing (version managers leave stand-ins there), so each is asked.
for python in python3.12 python3 python .venv/bin/python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
        exec "$python" dev/setup.py "$stamp"
    fi
done
echo "Lotok needs Python 3.12 and found none. Debian, Ubuntu: apt install python3.12-venv · macOS: brew install python@3.12 · others: https://www.python.org/downloads/" >&2
exit 1
