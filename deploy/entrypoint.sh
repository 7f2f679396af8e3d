#!/bin/sh
# Secrets come as files: /run/secrets/PERSONA_HASH_KEY becomes the variable of that name. They stand in no image, no
# compose file and no list of processes. Then the command takes this script's place, and gets its signals.
set -eu
for file in "${SECRETS_DIR:-/run/secrets}"/*; do
    if [ -f "$file" ]; then
        export "$(basename "$file")=$(cat "$file")"
    fi
done
exec "$@"
