#!/bin/sh
# Puts one file of PostgreSQL's WAL into the archive, compressed. PostgreSQL keeps a file and asks
# again until this says 0, and may then throw it away, so 0 means: it is on the disk, whole.
#
#   archive_wal.sh PATH NAME FOLDER
#
# The name appears in one step (a link, which fails where the name is taken), after the content is
# on the disk. A name that is taken with the same content is a file that was sent before a crash;
# with other content it is another server's, and is never overwritten.
set -eu
path=$1
name=$2
folder=$3
kept=$folder/$name.gz
if [ -e "$kept" ]; then
    if gzip -cd "$kept" | cmp -s - "$path"; then
        exit 0
    fi
    echo "archive_wal: $kept holds other content; nothing was overwritten" >&2
    exit 1
fi
partial=$folder/.$name.$$.partial
trap 'rm -f "$partial"' EXIT
gzip -1 -n <"$path" >"$partial"
sync "$partial"
ln "$partial" "$kept"
sync "$folder"
