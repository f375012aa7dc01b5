#!/bin/bash
# The part of deploy.sh that runs on the server, as root. Each step looks first and does only what is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

package="" version="" domain="" email="" workers="" tls=yes firewall=yes
while [ $# -gt 0 ]; do
    case $1 in
        --package) package=$2; shift ;;
        --version) version=$2; shift ;;
        --domain) domain=$2; shift ;;
        --email) email=$2; shift ;;
        --workers) workers=$2; shift ;;
        --no-tls) tls="" ;;
        --no-firewall) firewall="" ;;
        --dry-run) DRY_RUN=1 ;;
        *) die "there is no option $1" ;;
    esac
    shift
done
name_what_stops
need_root
if [ -z "$package" ] || [ -z "$version" ]; then die "deploy.sh runs this; see deploy.sh --help"; fi
[ -z "$workers" ] || [[ $workers =~ ^[1-9]$ ]] || die "--workers is a number from 1 to 9"
known_domain=$(setting PUBLIC_URL | sed 's,^https\?://,,')
domain=${domain:-$known_domain}
is_domain "$domain" || die "--domain is missing: the name that points at this server, such as bots.example.ru"

# shellcheck source=/dev/null
. /etc/os-release
case "$ID $VERSION_ID" in
    "ubuntu 22.04" | "ubuntu 24.04" | "debian 12" | "debian 13") ;;
    *) die "$PRETTY_NAME is not one of Ubuntu 22.04, 24.04, Debian 12, 13" ;;
esac

# What the server has, else what was handed over. Usage: given NAME
given() {
    local value
    value=$(setting "$1")
    printf '%s' "${value:-$(setting "$1" "$package/env")}"
}
has_own_database() { [ -z "$(given DATABASE_URL)" ] || [[ $(given DATABASE_URL) == *@127.0.0.1:* ]]; }
has_own_redis() { [ -z "$(given UPSTASH_REDIS_REST_URL)" ] || [[ $(given UPSTASH_REDIS_REST_URL) == http://127.0.0.1:* ]]; }

apt_install() {
    local missing=() name
    for name in "$@"; do
        [[ $(dpkg-query -W -f '${Status}' "$name" 2> /dev/null) == *" installed" ]] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "   ${missing[*]}"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}"
}

offers() { [[ $(apt-cache policy "$1" 2> /dev/null) =~ Candidate:\ [^\(] ]]; }

step "1/9 packages of $PRETTY_NAME"
act apt-get -qq update
apt_install ca-certificates curl nginx age zstd rsync
has_systemd && apt_install ufw unattended-upgrades
[ -z "$tls" ] || apt_install certbot
if has_own_database; then
    # Ubuntu 22.04 has 14; Lotok needs 15 or newer.
    if [ "$VERSION_ID" = 22.04 ] && ! offers postgresql-17; then
        apt_install postgresql-common
        act /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y
    fi
    if [ "$VERSION_ID" = 22.04 ]; then apt_install postgresql-17; else apt_install postgresql; fi
fi
if has_own_redis; then
    if offers valkey-server; then
        apt_install valkey-server
    else
        if [ "$VERSION_ID" = 22.04 ] && [ ! -e /etc/apt/sources.list.d/redis.list ]; then # its own is 6, and our scripts need 7
            say "   Redis 7 from packages.redis.io"
            if [ -z "$DRY_RUN" ]; then
                curl -fsSL https://packages.redis.io/gpg | gpg --dearmor -o /usr/share/keyrings/redis.gpg
                echo "deb [signed-by=/usr/share/keyrings/redis.gpg] https://packages.redis.io/deb jammy main" > /etc/apt/sources.list.d/redis.list
                apt-get -qq update
            fi
        fi
        apt_install redis-server
    fi
fi

step "2/9 Python 3.12 or 3.13"
find_python() {
    local one
    for one in "$LOTOK_HOME/python/bin/python3.12" python3.12 python3.13; do
        if "$one" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))' 2> /dev/null; then
            command -v "$one"
            return 0
        fi
    done
    return 1
}
if ! python=$(find_python); then
    for one in python3.12 python3.13; do
        if offers "$one-venv"; then apt_install "$one" "$one-venv"; break; fi
    done
    if ! python=$(find_python); then # Debian 12 and Ubuntu 22.04 have an older one: uv, a package of PyPI, brings ours
        apt_install python3-venv
        act python3 -m venv "$LOTOK_HOME/uv"
        act "$LOTOK_HOME/uv/bin/pip" install -q uv
        act env UV_PYTHON_INSTALL_DIR="$LOTOK_HOME/pythons" "$LOTOK_HOME/uv/bin/uv" python install --no-progress 3.12
        [ -n "$DRY_RUN" ] || ln -sfn "$(find "$LOTOK_HOME/pythons" -maxdepth 1 -name 'cpython-3.12*' | head -1)" "$LOTOK_HOME/python"
        python=$(find_python) || [ -n "$DRY_RUN" ] || die "no Python 3.12: install one, then run this again"
    fi
fi
say "   ${python:-python3.12}"

step "3/9 the user lotok and its folders"
id lotok > /dev/null 2>&1 || act useradd --system --home-dir "$LOTOK_HOME" --shell /usr/sbin/nologin lotok
act install -d -m 755 "$LOTOK_HOME" "$LOTOK_HOME/releases"
act install -d -m 750 -o lotok -g lotok "$LOTOK_HOME/files" "$LOTOK_HOME/backups"
act install -d -m 750 -o root -g lotok "$LOTOK_ETC"

step "4/9 settings: $LOTOK_ETC/env"
# The server's own key, by which it proves its backups each week. Add your own public key to BACKUP_RECIPIENTS, too.
if [ ! -e "$LOTOK_ETC/backup.key" ] && [ -z "$DRY_RUN" ]; then
    (umask 077 && age-keygen -o "$LOTOK_ETC/backup.key" 2> /dev/null)
    chown root:lotok "$LOTOK_ETC/backup.key" && chmod 640 "$LOTOK_ETC/backup.key"
    say "   made $LOTOK_ETC/backup.key"
fi
secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
# Keep what is there, else take it from the file that was handed over, else the value given. Usage: keep NAME VALUE
keep() {
    local value
    value=$(given "$1")
    printf '%s=%s\n' "$1" "${value:-$2}"
}
ask() {
    local value
    value=$(given "$1")
    if [ -z "$value" ] && [ -t 0 ] && [ -z "$DRY_RUN" ]; then read -rp "   $1 ($2; empty: none): " value; fi
    printf '%s=%s\n' "$1" "$value"
}
local_database="postgresql://lotok_app:$(secret)@127.0.0.1:5432/lotok"
env_new=$(mktemp)
{
    echo "# Settings of this server; .env.example says what each is for. After a change: update.sh --restart"
    echo "LOTOK_ENV=production"
    if [ -n "$tls" ]; then echo "PUBLIC_URL=https://$domain"; else keep PUBLIC_URL "https://$domain"; fi
    keep WORKER_URL "http://127.0.0.1:8080"
    keep DATABASE_URL "$local_database"
    keep DATABASE_URL_UNPOOLED ""
    keep UPSTASH_REDIS_REST_URL "http://127.0.0.1:8079"
    keep UPSTASH_REDIS_REST_TOKEN "$(secret)"
    keep REDIS_URL "redis://127.0.0.1:6379/0"
    keep STORAGE_TYPE local
    keep STORAGE_PATH "$LOTOK_HOME/files"
    keep DRAIN_SECONDS 55
    keep BACKUP_PATH "$LOTOK_HOME/backups"
    keep BACKUP_KEY "$LOTOK_ETC/backup.key"
    keep BACKUP_RECIPIENTS "$(age-keygen -y "$LOTOK_ETC/backup.key" 2> /dev/null || true)"
    for name in WEBHOOK_SECRET CRON_SECRET APP_SECRET ADMIN_API_TOKEN METRICS_TOKEN; do keep "$name" "$(secret)"; done
    for bot in STUDIO CLIENT PARTNER ADMIN; do ask "${bot}_BOT_TOKEN" "from @BotFather"; done
    ask ADMIN_IDS "Telegram ids of the administrators"
    if [ -n "$workers" ]; then echo "RENDER_WORKERS=$workers"; else keep RENDER_WORKERS 1; fi
    # Whatever else was set stays.
    cat "$LOTOK_ETC/env" "$package/env" 2> /dev/null || true
} | awk -F= '/^#/ { if (NR == 1) print; next } NF > 1 && !seen[$1]++' > "$env_new"
chmod 640 "$env_new"
if grep -Eq '^(STUDIO|CLIENT|PARTNER|ADMIN)_BOT_TOKEN=.+' "$env_new"; then :; else
    [ -n "$DRY_RUN" ] || { mv "$env_new" "$LOTOK_ETC/env"; chown root:lotok "$LOTOK_ETC/env"; die "no bot has a token: write one into $LOTOK_ETC/env and run this again"; }
fi
put "$LOTOK_ETC/env" 640 < "$env_new"
rm -f "$env_new"
[ -n "$DRY_RUN" ] || chown root:lotok "$LOTOK_ETC/env"

step "5/9 Postgres and Redis"
if [ -n "$DRY_RUN" ]; then
    if has_own_database; then say "   would make the database lotok and its owner, where they are missing"; fi
    if has_own_redis; then say "   would set Redis or Valkey: this machine alone, 256 MB, kept on the disk"; fi
fi
if has_systemd; then quietly systemctl enable --now postgresql 2> /dev/null || true; fi
if [[ $(setting DATABASE_URL) == *@127.0.0.1:5432/lotok ]] && [ -z "$DRY_RUN" ]; then
    has_systemd || service postgresql start > /dev/null 2>&1 || pg_ctlcluster "$(pg_lsclusters -h | awk 'NR == 1 { print $1 }')" main start || true
    for _ in $(seq 30); do as_postgres -c 'select 1' > /dev/null 2>&1 && break; sleep 1; done
    if [ -z "$(as_postgres -At -c "select 1 from pg_roles where rolname = 'lotok'")" ]; then
        owner=$(secret)
        as_postgres <<< "create role lotok login createrole createdb bypassrls password '$owner'"
        as_postgres -c "create database lotok owner lotok"
        sed -i "s,^DATABASE_URL_UNPOOLED=.*,DATABASE_URL_UNPOOLED=postgresql://lotok:$owner@127.0.0.1:5432/lotok," "$LOTOK_ETC/env"
        say "   made the database lotok and its owner"
    fi
fi
for name in valkey redis; do
    if [ -d "/etc/$name" ] && ! grep -qs '^# lotok' "/etc/$name/$name.conf" && [[ $(setting REDIS_URL) == redis://127.0.0.1* ]] && [ -z "$DRY_RUN" ]; then
        # Nothing is dropped that has no end of its own, and what users are doing outlives a restart.
        printf '# lotok\nbind 127.0.0.1\nmaxmemory 256mb\nmaxmemory-policy volatile-ttl\nappendonly yes\n' >> "/etc/$name/$name.conf"
        if has_systemd; then systemctl restart "$name-server"; else service "$name-server" restart > /dev/null 2>&1 || true; fi
        say "   set $name: 256 MB, kept on the disk"
    fi
done

step "6/9 version $version"
"$here/release.sh" ${DRY_RUN:+--dry-run} --package "$package" --version "$version" --python "${python:-python3.12}"

step "7/9 units"
put_units
[[ $(setting UPSTASH_REDIS_REST_URL) != http://127.0.0.1:8079 ]] || unit start lotok-bridge
restart_all

step "8/9 nginx, certificate, firewall"
"$here/proxy.sh" ${DRY_RUN:+--dry-run} "$domain"
if [ -n "$tls" ] && [ ! -e "/etc/letsencrypt/live/$domain/fullchain.pem" ]; then
    who=(--register-unsafely-without-email)
    [ -z "$email" ] || who=(--email "$email")
    act certbot certonly --webroot -w /var/www/lotok -d "$domain" --agree-tos --non-interactive "${who[@]}" \
        --deploy-hook 'nginx -s reload' \
        || die "no certificate: does $domain point at this server, and is port 80 open? Run this again then"
    "$here/proxy.sh" ${DRY_RUN:+--dry-run} "$domain"
fi
if has_systemd && [ -n "$firewall" ]; then
    # Where ssh really listens: a firewall that shuts the operator out is worse than none.
    mapfile -t ports < <(sshd -T 2> /dev/null | awk '$1 == "port" { print $2 "/tcp" }')
    for port in "${ports[@]:-22/tcp}" 80/tcp 443/tcp; do quietly ufw allow "$port"; done
    quietly ufw --force enable
fi
if has_systemd; then
    put /etc/apt/apt.conf.d/52lotok 644 <<< 'APT::Periodic::Unattended-Upgrade "1";'
fi

step "9/9 Telegram"
if [ -n "$DRY_RUN" ]; then say "   would run: python -m ops webhooks"; else ops webhooks; fi
say ""
end_if_dry
say "Lotok runs at $(setting PUBLIC_URL). Look after it with: sudo lotok monitor, or from your computer monitor.sh root@$domain"
say "Backups are made each night, for this server's key alone: add yours, docs/deploy-vps.md, \"Backups\"."
