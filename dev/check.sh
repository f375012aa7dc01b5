#!/bin/sh
# Proves what is here: ruff, mypy, deno for the simulator's page, pytest. `make check` calls it.
# mypy takes one core for more than a minute, so it runs beside all that follows; what it found is told last.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
export DENO_DIR=.dev/deno DENO_NO_UPDATE_CHECK=1 # it checks only what is here: no network, no files outside

echo "ruff check"
$python -m ruff check --quiet .
echo "ruff format --check"
$python -m ruff format --check --quiet .

echo "mypy beside deno and pytest"
mkdir -p .dev
$python -m mypy > .dev/mypy.log 2>&1 &
types=$!
trap 'kill "$types" 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM
for verb in lint "fmt --check" check; do
    # shellcheck disable=SC2086 # a verb and its option
    .venv/bin/deno $verb --quiet --config dev/deno.json dev/simulator/*.js
done
$python -m pytest --collect-only -n 0 > /dev/null || true # compiles the tests once, which else each worker would do
status=0
$python -m pytest -n 4 --dist loadfile --no-loadscope-reorder || status=$?
wait "$types" || {
    cat .dev/mypy.log
    status=1
}
exit "$status"
