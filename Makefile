# Everything a person or the CI does with this tree starts here; bare `make` lists it.
# Needs python3 (3.11 or later) and GNU make. PYTHON=/path/to/python3 chooses the interpreter.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON_CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3)
VENV := .venv/bin
RUN_COMMAND := $(VENV)/settlement story --data-dir var/demo
BENCH_COMMAND := $(VENV)/python -m loadtest.bench
DRILL_COMMAND := $(VENV)/python -m loadtest.drill_faults --form $(or $(FORM),ten) --seed $(or $(SEED),1)
DRILL_CHANNELS_COMMAND := $(VENV)/python -m loadtest.drill_channels --payments $(or $(PAYMENTS),6000)
DRILL_REGIONS_COMMAND := $(VENV)/python -m loadtest.drill_regions --cases $(or $(CASES),2000)
DRILL_MONTH_COMMAND := $(VENV)/python -m loadtest.drills.month_close \
  --settlements $(or $(SETTLEMENTS),100000) --bill-rows $(or $(BILL_ROWS),50000)
DRILL_UPGRADE_COMMAND := $(VENV)/python -m loadtest.drills.upgrade --seconds $(or $(SECONDS),10) \
  $(if $(OLD),--old $(OLD))
DRILL_RESTORE_COMMAND := $(VENV)/python -m loadtest.drills.restore --seconds $(or $(SECONDS),20)
DRILL_OVERLOAD_COMMAND := $(VENV)/python -m loadtest.drills.overload --seconds $(or $(SECONDS),10)
DRILL_TAMPER_COMMAND := $(VENV)/python -m tests.tamper_run --rows $(or $(ROWS),2)
LOAD_COMMAND := $(VENV)/python -m loadtest.load --preset $(or $(PRESET),dongguan) \
  --hours $(or $(HOURS),0.5) --scale $(or $(SCALE),1) --seed $(or $(SEED),1) \
  --season $(or $(SEASON),ordinary) --pace $(or $(PACE),life) --runner $(or $(RUNNER),lean) \
  $(if $(PERIOD),--period $(PERIOD)) $(if $(PUBLISH),--publish)
SIMULATE_COMMAND := $(VENV)/python -m tests.simulation.whole --seeds $(or $(SEEDS),500) \
  $(if $(FROM),--from $(FROM)) $(if $(STORY),--story)
# Three processes on two processors, as each often waits for a server of its own; whole files, handed
# out in the order of the tiers. Servers that the caller names are not shared by two.
SPLIT := $(if $(SETTLEMENT_DATABASE_URL)$(SETTLEMENT_REDIS_URL),,-n 3 --dist loadfile --no-loadscope-reorder)
PACKAGES := settlement protocol ledger loadtest tools tests

# Chinese text is printed whatever the machine's locale says.
export PYTHONUTF8 := 1
# A server is six processes: without compiled modules each of them starts in twice the time.
unexport PYTHONDONTWRITEBYTECODE

# Runs tools/environment.py with the interpreter that the environment has, else the fastest one here.
define environment
@if [ -x $(VENV)/python ] && [ -z "$(PYTHON)" ]; then \
  chosen=$$(readlink -f $(VENV)/python); \
else \
  chosen=$$(sh tools/interpreter.sh $(PYTHON_CANDIDATES)); \
fi && exec "$$chosen" -I tools/environment.py $(1)
endef

.PHONY: help run test test-external bench capacity load drill drill-channels drill-regions drill-month drill-ha \
  drill-restore drill-upgrade drill-tamper drill-overload simulate fuzz sbom check setup setup-dev lock clean

help: ## list what can be made
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
	  | while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done

run: setup ## play the demo story on embedded services, print the books, serve until Ctrl-C
	@exec $(RUN_COMMAND)

test: setup-dev ## everything the CI runs: lint, types, every tier of tests
	$(VENV)/ruff check $(PACKAGES)
	$(VENV)/python -m tools.chromium
	$(VENV)/python -m tools.failover
	$(VENV)/python -m tools.promtool
	$(VENV)/python -m tools.beside --into build/test-beside.log \
	  "$(VENV)/mypy" "$(VENV)/python -m tools.weaknesses" \
	  "$(VENV)/python -m tests.debian --brief --if-installed" -- \
	  $(VENV)/python -m pytest $(SPLIT)

test-external: setup-dev ## all tests that touch servers, on the distribution's PostgreSQL and Redis
	$(VENV)/python -m tests.debian

bench: setup ## measure; figures to build/bench.json and a printed table
	@mkdir -p build
	@exec $(BENCH_COMMAND)

capacity: setup ## what one machine carries: processes, journals, connections, the knee, age; STORED=1000000
	@exec $(VENV)/python -m loadtest.drills.capacity --stored $(or $(STORED),1000000)

load: $(if $(filter locust,$(RUNNER)),setup-dev,setup) ## a city, a province or the country at work; PRESET=dongguan HOURS=0.5 PERIOD=day RUNNER=locust
	@exec $(LOAD_COMMAND)

drill: setup ## let one part after another fail under load, then compare all books; FORM=minute|ten|long SEED=7
	@exec $(DRILL_COMMAND)

drill-channels: setup ## scan-to-pay over failing channels, then compare all books; PAYMENTS=200000
	@mkdir -p build
	@exec $(DRILL_CHANNELS_COMMAND)

drill-regions: setup ## care in another region over a failing hub, then compare all books; CASES=100000
	@mkdir -p build
	@exec $(DRILL_REGIONS_COMMAND)

simulate: setup-dev ## the whole in one process from seeds, faults and all; SEEDS=10000 FROM=1 STORY=1
	@exec $(SIMULATE_COMMAND)

drill-month: setup ## reconcile, close and seal a month, step by step; SETTLEMENTS=1530000 BILL_ROWS=1000000
	@exec $(DRILL_MONTH_COMMAND)

drill-ha: setup ## failovers of three PostgreSQL nodes under load; needs patroni, etcd, haproxy
	@exec $(VENV)/python -m loadtest.drills.ha_drill

drill-restore: setup ## lose a database, restore it to a second, name what is missing; SECONDS=60
	@exec $(DRILL_RESTORE_COMMAND)

drill-upgrade: setup ## one server takes the place of another under load; OLD=HEAD~1 SECONDS=60
	@exec $(DRILL_UPGRADE_COMMAND)

drill-tamper: setup-dev ## change every value that verify guards, and show that each is found; ROWS=5
	@exec $(DRILL_TAMPER_COMMAND)

drill-overload: setup ## send more than goes through: goodput, ranks, one that loops, connections that dawdle; SECONDS=20
	@exec $(DRILL_OVERLOAD_COMMAND)

check: setup-dev ## the quick part of test: lint, types, bandit, secrets, licences, house rules
	$(VENV)/ruff check $(PACKAGES)
	$(VENV)/mypy
	$(VENV)/python -m tools.weaknesses
	$(VENV)/python -m pytest -q tests/tidy

setup: ## build .venv from the pinned, hashed requirements
	$(call environment,runtime)

setup-dev: ## the same, and the tools for tests and checks
	$(call environment,dev)

lock: setup-dev ## pin requirements*.in anew into requirements*.txt
	@exec $(VENV)/python tools/lock.py

fuzz: setup-dev ## try every parser on broken input; what is found goes to build/fuzz; SECONDS=600
	@exec $(VENV)/python -m tests.fuzz_run --seconds $(or $(SECONDS),60)

sbom: setup-dev ## write what is installed, with hashes and licences, to build/sbom.json (CycloneDX)
	@exec $(VENV)/python -m tools.sbom

clean: ## remove what can be built again; data under var/ stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
