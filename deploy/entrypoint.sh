#!/bin/sh
# Secrets come as files. Those that are variables of this project or connections become the variable of their name; others (Airflow's keys,
# passwords of databases) stay files, read where they are needed. No secret stands in an image, a compose file or a list of processes.
# Then the command takes this script's place, and gets its signals.
set -eu
for file in "${SECRETS_DIR:-/run/secrets}"/PERSONA_* "${CONNECTIONS_DIR:-/run/connections}"/*; do
    if [ -f "$file" ]; then
        export "$(basename "$file")=$(cat "$file")"
    fi
done
exec "$@"
