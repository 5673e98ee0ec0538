#!/bin/sh
# Run by the Postgres image when it makes a new cluster: the role that Parley serves from. Parley grants it what it needs (docs/audit.md).
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$POSTGRES_APPLICATION_PASSWORD" <<'SQL'
CREATE ROLE parley_app LOGIN PASSWORD :'password';
SQL
