#!/bin/sh
# Brings one file of WAL back from the archive, for a PostgreSQL that recovers. 1 says that it is
# not there, which ends a recovery; what is damaged ends it with a signal's status, which PostgreSQL
# takes for a failure and not for the end of the archive.
#
#   fetch_wal.sh NAME PATH FOLDER
set -eu
kept=$3/$1.gz
[ -e "$kept" ] || exit 1
gzip -cd "$kept" >"$2" || exit 255
