#!/usr/bin/env bash
# Prepare everything EmoStudio needs beside this checkout: Debian libraries, .venv, Python packages.
# Usage: packaging/setup.sh [run|dev]
set -euo pipefail
cd "$(dirname "$0")/.."
mode="${1:-run}"

say() { printf '%s\n' "$*" >&2; }

# Libraries that Qt's platform plugins load (offscreen and X11), and those of the OpenCV wheel.
libraries=(libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 libx11-6 libx11-xcb1
  libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
  libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-util1 libxcb-xfixes0
  libxcb-xkb1 fonts-dejavu-core)

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

system_packages() {
  command -v dpkg-query >/dev/null || return 0
  local missing=() package
  for package in "$@"; do
    # Debian 13 renames libglib2.0-0 to libglib2.0-0t64 and keeps the old name as virtual.
    installed "$package" || installed "${package}t64" || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  if [ "$(id -u)" -eq 0 ]; then
    say "Installing system libraries: ${missing[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
  else
    say "Missing system libraries, please run: sudo apt-get install ${missing[*]}"
  fi
}

find_python() {
  local candidate
  for candidate in "${EMOSTUDIO_PYTHON:-}" python3.11 python3 python3.12 python3.13; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo "$candidate"; return; }
  done
  say "EmoStudio needs Python 3.11 or newer; none was found. Install it with: sudo apt-get install python3 python3-venv"
  exit 1
}

can_make_venv() { "$python" -c 'import venv, ensurepip' 2>/dev/null; }

new_environment() {
  can_make_venv || system_packages python3-venv
  can_make_venv || { say "$python cannot make a virtual environment yet; run this again then"; exit 1; }
  "$python" -m venv --clear .venv
}

system_packages "${libraries[@]}"
python="$(find_python)"
versions="$(cat pyproject.toml packaging/constraints.txt | sha256sum | cut -c1-16)"
stamp=".venv/.ready-$mode-$versions"
# What developers install holds all that running needs.
if [ ! -e "$stamp" ] && [ ! -e ".venv/.ready-dev-$versions" ]; then
  say "Setting up .venv (once; a few minutes)"
  # A set-up that was cut short leaves a Python without pip: such a folder is made anew.
  .venv/bin/python -m pip --version >/dev/null 2>&1 || new_environment
  rm -f .venv/.ready-*
  extras=""
  [ "$mode" = dev ] && extras="[dev]"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --constraint packaging/constraints.txt --editable ".$extras" >&2
  touch "$stamp"
fi
