#!/bin/sh
# Proves what is here: ruff, mypy, deno for the simulator's page, pytest. `make check` calls it.
# Beside each other, as each waits now and then: mypy, the conversations, which each want a whole stack, and all other
# tests, of which no worker then builds a stack. What those two found is told last.
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

# A folder that is named gets its long tests, too.
chosen="${LOTOK_LONG:+long or }not long"
tests() {
    exec $python -m pytest -p tests.forks --forks 3 -m "$chosen" "$@"
}

mkdir -p .dev
$python -m mypy > .dev/mypy.log 2>&1 &
types=$!
tests tests --ignore tests/flows --ignore tests/tasks > .dev/tests.log 2>&1 &
others=$!
trap 'kill "$types" "$others" 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM

status=0
echo "pytest, the conversations and the tasks"
(tests tests/flows tests/tasks) || status=1
echo "mypy"
wait "$types" || status=1
cat .dev/mypy.log
echo "pytest, all other tests"
wait "$others" || status=1
cat .dev/tests.log
exit "$status"
