#!/bin/sh
# Proves what is here: ruff, mypy, deno for the simulator's page, pytest. `make check` calls it.
# Six workers run the tests on two cores, as each waits now and then. mypy runs beside them and tells its findings last.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
export DENO_DIR=.dev/deno DENO_NO_UPDATE_CHECK=1 # it checks only what is here: no network, no files outside

echo "ruff check"
$python -m ruff check --quiet .
echo "ruff format --check"
$python -m ruff format --check --quiet .

echo "deno"
for verb in lint "fmt --check" check; do
    # shellcheck disable=SC2086 # a verb and its option
    .venv/bin/deno $verb --quiet --config dev/deno.json dev/simulator/*.js
done

mkdir -p .dev
$python -m mypy > .dev/mypy.log 2>&1 &
types=$!
trap 'kill "$types" 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM

status=0
echo "pytest"
$python -m pytest -p tests.forks --forks 6 --stacks 3 || status=1
echo "mypy"
wait "$types" || status=1
cat .dev/mypy.log
exit "$status"
