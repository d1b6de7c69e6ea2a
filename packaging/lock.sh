#!/usr/bin/env bash
# Write the versions of the working environment to packaging/constraints.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
{
  echo "# Versions EmoStudio was tested with; made by 'make lock'. Used as pip constraints."
  .venv/bin/python -m pip freeze --exclude-editable --exclude emostudio \
    | grep -v ' @ ' | sed -E 's/\+cpu$//' | sort -f
} > packaging/constraints.txt.new
mv packaging/constraints.txt.new packaging/constraints.txt
