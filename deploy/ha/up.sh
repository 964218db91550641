#!/bin/sh
# Three PostgreSQL nodes, etcd and HAProxy on this machine, with the configuration beside this file, to
# be looked at and played with. It says how; Ctrl-C ends everything and keeps nothing. Needs `make setup`.
set -eu
cd "$(dirname "$0")/../.."
exec .venv/bin/python -m loadtest.drills.ha_up
