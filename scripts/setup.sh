#!/bin/sh
# Installs what the tests need besides Go: servers, a browser, and the Python
# packages they are compared with. It does so from Debian's packages, as root
# on Debian; elsewhere it says what is missing. No system service is started or
# left running: the tests start servers of their own, on free ports. axe-core,
# which the browser test runs in pages, comes from npm, in the version that
# cmd/scarab/package.json names, into the ignored folder node_modules beside it.
#
# Running it again when everything is there takes a moment and changes nothing.
set -eu

cd "$(dirname "$0")/.."

axe_is_there() {
	version=$(sed -n 's/.*"axe-core": "\([^"]*\)".*/\1/p' cmd/scarab/package.json)
	grep -qs "\"version\": \"$version\"" cmd/scarab/node_modules/axe-core/package.json
}

install_axe() {
	axe_is_there && return
	command -v npm >/dev/null 2>&1 || {
		echo "setup: missing: npm, for axe-core" >&2
		return 1
	}
	echo "setup: installing axe-core"
	(cd cmd/scarab && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error) && axe_is_there
}

packages="redis-server postgresql mariadb-server memcached chromium"
if [ -f pyramid/testdata/debian-packages ]; then
	# One name a line; the rest of a line after # is a comment.
	packages="$packages $(sed 's/#.*//' pyramid/testdata/debian-packages)"
fi

# npm may have come in another way than as a package.
command -v npm >/dev/null 2>&1 || packages="$packages npm"

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "setup: this is not Debian. Install these, as they are called there, or start" >&2
	echo "the servers with 'docker compose up -d' and set the variables in compose.yaml:" >&2
	for p in $packages; do echo "  $p" >&2; done
	install_axe
	exit 1
fi

missing=""
for p in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $p"
done
if [ -z "$missing" ]; then
	install_axe
	echo "setup: everything is installed"
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "setup: missing:$missing" >&2
	echo "Install them as root: apt-get install$missing" >&2
	install_axe
	exit 1
fi

# Packages of servers start them at once, unless this says no (see invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
echo "setup: installing$missing"
# shellcheck disable=SC2086 # the list is words
apt-get install -y --no-install-recommends $missing || {
	# The lists of packages may be missing or too old.
	apt-get update
	apt-get install -y --no-install-recommends $missing
}
install_axe
