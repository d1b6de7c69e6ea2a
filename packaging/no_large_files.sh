#!/usr/bin/env bash
# Refuse files above 2 MiB: data and models stay out of the repository.
set -euo pipefail
status=0
for file in "$@"; do
  if [ "$(stat -c %s "$file")" -gt 2097152 ]; then
    echo "$file is larger than 2 MiB"
    status=1
  fi
done
exit "$status"
