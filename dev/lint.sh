#!/bin/sh
# Checks the files that others read, each with the tool of its kind; make lint installs those of packages into .dev/lint.
# nginx and systemd-analyze are the machine's own: without them their files are skipped, and said to be.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.dev/lint/bin:$PATH"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

echo "GitHub"
check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
zizmor --quiet --offline --persona pedantic .github

echo "shell"
(cd ops/deploy/vps && shellcheck -x ./*.sh)
shellcheck dev/*.sh .ci/run

echo "Docker"
hadolint ops/deploy/Dockerfile
check-jsonschema --quiet --builtin-schema vendor.compose-spec ops/deploy/compose.yaml

echo "Kubernetes"
# Of a kind that it does not know it only warns; these two are KEDA's.
find ops/deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml -exec kubernetes-validate --strict -k 1.33 {} + > "$made/said" 2>&1 \
    || { cat "$made/said"; exit 1; }
if grep -v INFO "$made/said" | grep -vE 'kind (ScaledObject|TriggerAuthentication) with api version keda.sh/v1alpha1'; then
    exit 1
fi

nginx=$(command -v nginx || ls /usr/sbin/nginx 2> /dev/null || true)
if [ -n "$nginx" ]; then
    echo "nginx"
    for file in ops/deploy/nginx/*.conf; do
        # As proxy.sh fills it in; `resolve` and the names of containers are for nginx 1.27.3 and newer, in a network.
        sed -e 's/# @WEB@/server 127.0.0.1:8001;/; s/# @RENDER@/server 127.0.0.1:8021;/; s/@DOMAIN@/bots.example.ru/' \
            -e '/# @TLS_BEGIN@/,/# @TLS_END@/d' -e 's/ resolve / /; s/server web:8000/server 127.0.0.1:8000/' "$file" > "$made/site.conf"
        printf 'pid %s/pid; error_log stderr; events {}\nhttp { access_log off; include %s/site.conf; }\n' "$made" "$made" > "$made/nginx.conf"
        "$nginx" -t -q -p "$made" -c "$made/nginx.conf" 2> "$made/said" || { cat "$made/said"; exit 1; }
    done
else
    echo "nginx: not here, skipped"
fi

if command -v systemd-analyze > /dev/null; then
    echo "systemd"
    for file in ops/deploy/vps/units/*; do
        # A unit of this machine would need Lotok installed on it; a template needs a name.
        sed -e 's,/opt/lotok/current/.venv/bin/python,/bin/true,; s/^User=.*/User=root/; s/^Group=.*/Group=root/' \
            -e 's,^WorkingDirectory=.*,WorkingDirectory=/,; s,^EnvironmentFile=-\?,EnvironmentFile=-,; s,^Documentation=.*,,' "$file" > "$made/$(basename "$file" | sed 's/@/@1/')"
    done
    # It ends with 0 even for a word that it does not know: whatever it says of ours is a failure.
    if systemd-analyze verify "$made"/lotok* 2>&1 | grep lotok; then exit 1; fi
else
    echo "systemd: not here, skipped"
fi
