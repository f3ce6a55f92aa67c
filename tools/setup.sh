#!/usr/bin/env bash
# Installs what is missing, and only that. Usage: tools/setup.sh run|test
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-run}
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || fail "Reda needs Python 3.11 or newer as '$python'. Install it, or name another: make run PYTHON=python3.12"
command -v npm >/dev/null || fail "Reda needs Node with npm, for htmx. Install Node 18 or newer."

packages=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-core fonts-noto-cjk)
[ "$want" = test ] && packages+=(chromium poppler-utils)
missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' \
            || missing+=("$package")
    done
else
    say "This is no Debian system: see to it yourself that these are here: ${packages[*]}"
fi
if [ ${#missing[@]} -gt 0 ]; then
    run=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null \
            || fail "Missing: ${missing[*]}. Run this once, then try again: sudo apt-get install ${missing[*]}"
        run=(sudo)
    fi
    say "Installing ${missing[*]} ..."
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null
fi

[ -x .venv/bin/python ] || { rm -rf .venv; "$python" -m venv .venv; }
files=(-r requirements.txt)
[ "$want" = test ] && files+=(-r requirements-dev.txt)
mkdir -p var
# One stamp per kind of set-up: what it was made from. Unchanged means nothing to do.
stamp=var/.setup-$want
now=$(cat requirements*.txt package-lock.json tools/setup.sh | sha256sum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$now" ] || [ ! -e .venv/bin/flask ]; then
    say "Installing Python packages ..."
    # The lock names every package: a resolver would only look for newer ones that it then refuses.
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
        "${files[@]}"
    broken=$(.venv/bin/python -m pip check --disable-pip-version-check) || fail "$broken"
    say "Installing browser assets ..."
    npm ci --silent --no-fund --no-audit >/dev/null
    mkdir -p static/vendor
    cp node_modules/htmx.org/dist/htmx.min.js static/vendor/
    printf '%s\n' "$now" > "$stamp"
fi
[ -f static/vendor/htmx.min.js ] || { rm -f "$stamp"; fail "htmx is missing; run the command again."; }
.venv/bin/python -m tools.translations compile
