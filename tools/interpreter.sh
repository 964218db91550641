#!/bin/sh
# Prints the fastest usable Python among its arguments: 3.11 or later, able to make an environment.
# Builds differ by half (profile-guided or not), and everything this project measures runs on it,
# so the candidates run one short loop each. Tells what is missing where none is usable.
best_time=''
best=''
cannot=''
seen=' '
for candidate in "$@"; do
  path=$(command -v "$candidate" 2>/dev/null) || continue
  real=$("$path" -c 'import sys; print(sys.executable) if sys.version_info >= (3, 11) else sys.exit(1)' 2>/dev/null) || continue
  case $seen in *" $real "*) continue ;; esac
  seen="$seen$real "
  if ! "$path" -c 'import ensurepip, venv' 2>/dev/null; then
    cannot=$path
    continue
  fi
  time=$("$path" -c '
import time
def work():
    found = {}
    for number in range(60_000):
        found[number & 255] = str(number) + "x"
def once():
    began = time.perf_counter_ns(); work(); return time.perf_counter_ns() - began
print(min(once() for _ in range(7)) // 1000)' 2>/dev/null) || continue
  if [ -z "$best" ] || [ $((time * 10)) -lt $((best_time * 9)) ]; then
    best=$path
    best_time=$time
  fi
done
if [ -n "$best" ]; then
  echo "$best"
  exit 0
fi
if [ -n "$cannot" ]; then
  echo "make: $cannot cannot create virtual environments; install its venv module" \
    "(on Debian and Ubuntu: apt-get install python3-venv)." >&2
else
  echo "make: Python 3.11 or later is needed, and none was found;" \
    "install it or say make PYTHON=/path/to/python3." >&2
fi
exit 2
