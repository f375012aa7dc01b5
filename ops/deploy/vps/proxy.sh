#!/bin/bash
# Write nginx's lotok.conf for a domain and load it, when nginx finds no fault with it. Usage: proxy.sh [--dry-run] DOMAIN
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
if [ "${1:-}" = --dry-run ]; then DRY_RUN=1; shift; fi
domain=${1:-}
is_domain "$domain" || die "'$domain' is no domain; usage: proxy.sh [--dry-run] DOMAIN"
[ -n "$DRY_RUN" ] || need_root

template=$(find "$here/nginx" "$here/../nginx" -name vps.conf 2> /dev/null | head -1 || true)
certificate=/etc/letsencrypt/live/$domain/fullchain.pem
servers() { seq -f "    server 127.0.0.1:$1%g max_fails=0;" 1 "$2"; }
made=$(mktemp)
trap 'rm -f "$made"' EXIT
renderers=$(render_workers)
while IFS= read -r line; do
    case $line in
        *@WEB@*) servers 800 "$(web_processes)" ;;
        *@RENDER@*) servers 802 "$renderers" ;;
        *@TLS_BEGIN@*) [ -e "$certificate" ] || skip=1 ;;
        *@TLS_END@*) skip="" ;;
        *) [ -n "${skip:-}" ] || printf '%s\n' "${line//@DOMAIN@/$domain}" ;;
    esac
done < "$template" > "$made"
act mkdir -p /var/www/lotok
# A reload drops connections that clients keep open, and a request that is just being sent on one: only when it must be.
is_new=yes
if cmp -s "$made" /etc/nginx/conf.d/lotok.conf && kill -0 "$(cat /run/nginx.pid 2> /dev/null)" 2> /dev/null; then is_new=""; fi
put /etc/nginx/conf.d/lotok.conf 644 < "$made"
[ -n "$DRY_RUN" ] || nginx -t -q || die "nginx finds a fault in /etc/nginx/conf.d/lotok.conf"
if [ -n "$is_new" ]; then
    if has_systemd; then act systemctl reload-or-restart nginx; else act nginx -s reload 2> /dev/null || act nginx; fi
fi
stop_surplus # now that nobody is sent to them
