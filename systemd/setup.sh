#!/bin/sh
# What `make install-user`, `uninstall-user`, `install` and `uninstall` do; docs/installation.md.
#
# PYTHON makes the virtual environment. OWNER, PREFIX and DESTDIR are for the system's.
set -eu
umask 022
cd "$(dirname "$0")/.."

OWNER=${OWNER:-}
PREFIX=${PREFIX:-/usr/local}
DESTDIR=${DESTDIR:+$(realpath -ms "$DESTDIR")}

USER_DATA=$HOME/.local/share/twind
USER_UNIT=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/twind.service

SYSTEM_VENV=$DESTDIR/opt/twind
SYSTEM_UNIT=$DESTDIR$PREFIX/lib/systemd/system/twind.service
SYSTEM_USERS=$DESTDIR$PREFIX/lib/sysusers.d/twind.conf
DROP_INS=$DESTDIR/etc/systemd/system/twind.service.d
CONFIG=$DESTDIR/etc/twind/twind.toml

fail() {
    echo "$1" >&2
    exit 1
}

# manager [--user]: from here on `ctl` talks to that systemd, or does nothing where there is none.
manager() {
    scope=${1:-}
    # shellcheck disable=SC2086
    if [ -z "$DESTDIR" ] && systemctl $scope show-environment > /dev/null 2>&1; then
        ctl() { systemctl $scope "$@"; }
    else
        ctl() { return 0; }
    fi
}

# A worker must not start while half of its code is there. The daemon that was stopped for it is
# started again, whatever becomes of the installation.
stop_for_now() {
    case $(ctl show --property ActiveState --value twind) in
    active | activating | reloading)
        trap 'ctl start twind' EXIT
        ctl stop twind
        ;;
    esac
}

# fill_venv FOLDER: twind and what it needs, at the versions that it is tested with.
fill_venv() {
    echo "Installing twind and what it needs into $1 …"
    test -x "$1/bin/python" || "$PYTHON" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --constraint constraints.txt .
}

# link_command VENV FOLDER
link_command() {
    install -d "$2"
    ln -sf "$1/bin/twind" "$2/twind"
}

# unlink_command VENV FOLDER: unless somebody else has put another twind there.
unlink_command() {
    test "$(readlink "$2/twind")" != "$1/bin/twind" || rm "$2/twind"
}

install_user() {
    test "$(id -u)" != 0 || fail "make install-user is for a person; root's is make install"
    manager --user
    stop_for_now
    fill_venv "$USER_DATA/venv"
    link_command "$USER_DATA/venv" "$HOME/.local/bin"
    install -D -m 644 systemd/twind-user.service "$USER_UNIT"
    # The unit may write there and nowhere else, so it cannot make the folder.
    install -d -m 700 "${XDG_STATE_HOME:-$HOME/.local/state}/twind"
    config=${XDG_CONFIG_HOME:-$HOME/.config}/twind/twind.toml
    test -e "$config" || "$USER_DATA/venv/bin/twind" init > /dev/null
    ctl daemon-reload
    ctl enable --now twind
    echo "Done. Name your files in $config; it is read as you save it. Then: twind ctl status"
    case :$PATH: in
    *:"$HOME/.local/bin":*) ;;
    *) echo "twind is in $HOME/.local/bin, which is not on your PATH." ;;
    esac
}

uninstall_user() {
    manager --user
    ctl disable --now twind || true
    rm -rf "$USER_UNIT" "$USER_DATA/venv" "${XDG_CACHE_HOME:-$HOME/.cache}/twind"
    unlink_command "$USER_DATA/venv" "$HOME/.local/bin"
    ctl daemon-reload
    echo "twind is gone. What it knows is still in ~/.local/state/twind and ~/.config/twind."
}

# Print whom the unit runs as: OWNER, else as before, else twind.
owner() {
    before=$(test ! -e "$DROP_INS/owner.conf" || sed -n 's/^User=//p' "$DROP_INS/owner.conf")
    echo "${OWNER:-${before:-twind}}"
}

write_drop_ins() {
    install -d "$DROP_INS"
    rm -f "$DROP_INS/owner.conf"
    if [ "$1" != twind ]; then
        # RemoveIPC= would take from a person what their desktop shares.
        printf '[Service]\nUser=%s\nRemoveIPC=no\n' "$1" > "$DROP_INS/owner.conf"
    fi
    test -e "$DROP_INS/folders.conf" || install -m 644 systemd/folders.conf "$DROP_INS"
}

# Make what belongs to the unit's user: the user itself, the state, the configuration's group.
settle() {
    test "$1" != twind || systemd-sysusers "$SYSTEM_USERS"
    group=$(id -gn "$1")
    for folder in /var/lib/twind /var/cache/twind; do
        # One that is there is given to another user by systemd, with all that is in it.
        test -e "$folder" || install -d -m 700 -o "$1" -g "$group" "$folder"
    done
    chgrp "$group" "$CONFIG"
}

install_system() {
    test -n "$DESTDIR" || test "$(id -u)" = 0 || fail "make install is root's; yours is make install-user"
    user=$(owner)
    test "$user" != root || fail "twind does not run as root"
    test -n "$DESTDIR" || test "$user" = twind || id "$user" > /dev/null
    manager
    stop_for_now
    fill_venv "$SYSTEM_VENV"
    if [ -n "$DESTDIR" ]; then
        grep -rlIF "$SYSTEM_VENV" "$SYSTEM_VENV/bin" | xargs sed -i "s|$DESTDIR/opt/twind|/opt/twind|g"
    fi
    link_command /opt/twind "$DESTDIR$PREFIX/bin"
    install -D -m 644 systemd/twind.service "$SYSTEM_UNIT"
    install -D -m 644 systemd/sysusers.conf "$SYSTEM_USERS"
    write_drop_ins "$user"
    install -d "${CONFIG%/*}/plugins"
    if [ ! -e "$CONFIG" ]; then
        "$SYSTEM_VENV/bin/python" -c "from twind.cli.setup import TEMPLATE; print(TEMPLATE, end='')" > "$CONFIG"
        chmod 640 "$CONFIG"
    fi
    test -n "$DESTDIR" || settle "$user"
    ctl daemon-reload
    echo "Done. Name the folders that twind may read in $DROP_INS/folders.conf"
    echo "and your files in $CONFIG. Then: systemctl enable --now twind"
}

uninstall_system() {
    manager
    ctl disable --now twind || true
    rm -rf "$SYSTEM_UNIT" "$SYSTEM_USERS" "$SYSTEM_VENV" "$DESTDIR/var/cache/twind"
    unlink_command /opt/twind "$DESTDIR$PREFIX/bin"
    ctl daemon-reload
    echo "twind is gone. What it knows is still in /var/lib/twind, and belongs to its user;"
    echo "the configuration is in /etc/twind and $DROP_INS."
}

case $1 in
install-user) install_user ;;
uninstall-user) uninstall_user ;;
install) install_system ;;
uninstall) uninstall_system ;;
*) fail "usage: setup.sh install-user|uninstall-user|install|uninstall" ;;
esac
