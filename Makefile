# SPDX-License-Identifier: GPL-2.0-or-later
#
# The two commands are "make demo" and "make check"; "make help" lists all.
# Everything is done by scripts; this file only names them.
#
#   BUILD=dir   where all outputs go (default: build)
#   SAN=1       the same target with address and undefined-behaviour sanitizers
#   CLANG=1     the same target with clang
#   TSAN=1      make qemu with a thread sanitizer
#   QEMU_SRC=   a QEMU tree or tarball to use instead of the pinned release
#   JOBS=n      how many compilers run at once

BUILD ?= build
SAN ?=
CLANG ?=
TSAN ?=
PREFIX ?= /usr/local
DESTDIR ?=
QEMU_SRC ?=
FUZZ_TIME ?= 60
TORTURE_TIME ?= 1200
THREADS_TIME ?= 60
JOBS ?=
export BUILD QEMU_SRC JOBS

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# Parts share build folders and the machine's two cores.
.NOTPARALLEL:

OUT := $(abspath $(BUILD))
VARIANT := $(if $(SAN),asan,$(if $(CLANG),clang,$(if $(TSAN),tsan,plain)))
SUFFIX := $(if $(filter-out plain,$(VARIANT)),-$(VARIANT))
MESON := $(OUT)/host/bin/meson
TOOLS_DIR = $(OUT)/tools$(SUFFIX)
QEMU_DIR = $(OUT)/qemu$(SUFFIX)

# Stock QEMU leaks in some machines at exit: LEAKS=1 is for those of qtests and
# of guests.
SAN_ENV := ASAN_OPTIONS=detect_leaks=$(if $(LEAKS),1,0):abort_on_error=1 \
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
TOOLS_SAN_ENV := UBSAN_OPTIONS=print_stacktrace=1

# QEMU's own tests start it a hundred times: once is enough.
# A qtest waits for its QEMU and is waited for: one alone wakes up processors.
QTEST_JOBS ?= $(shell nproc)
GUEST_TESTS ?= $(wildcard tests/guest/*-test)
GUEST_TIMEOUT ?= 1800
QMP_TESTS = $(filter-out $(if $(SAN),%/tree-test),$(wildcard tests/qmp/*-test))
CHECK_PARTS := check-build check-docs check-unit "check-unit SAN=1" \
	check-qtest "check-qtest SAN=1" check-qmp "check-qmp SAN=1" check-cli \
	"check-cli SAN=1" check-bench check-tui "check-tui SAN=1" check-gdb \
	check-guest \
	"fuzz FUZZ_TIME=3"
CHECK_LONG_PARTS := "check-docs ALL=1" check-mutants check-threads check-tsan \
	check-gdb-current "check-unit CLANG=1" "check-qtest CLANG=1" \
	"check-qtest SAN=1 LEAKS=1" check-guest-leaks \
	check-guest-long check-deb "qemu-series COMPILE=1" \
	check-static check-valgrind check-tui-valgrind \
	"check-tui-long SAN=1" \
	"fuzz FUZZ_TIME=600"

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	    while IFS='|' read -r name text; do \
	        printf '  %-16s %s\n' "$$name" "$$text"; done

.PHONY: deps
deps: ## install the packages the build needs and the machine lacks
	@scripts/deps

.PHONY: demo
demo: deps qemu tools ## boot a guest, look at its IOMMU (HEADLESS=1: no terminal)
	@scripts/demo

.PHONY: vm
vm: qemu ## boot the demonstration guest and leave it running
	@scripts/vm start

.PHONY: vm-stop
vm-stop: ## shut the demonstration guest down
	@scripts/vm stop

.PHONY: qemu qemu-asan qemu-clang qemu-fuzz qemu-tsan qemu-stock
qemu: ## fetch, patch and build QEMU with the SVM engine
	@qemu/build emulator $(VARIANT)
qemu-asan: ## the same with sanitizers (also: make qemu SAN=1)
	@qemu/build emulator asan
qemu-clang: ## the same with clang (also: make qemu CLANG=1)
	@qemu/build emulator clang
qemu-fuzz: ## the program that fuzzes engine and endpoints (clang)
	@qemu/build emulator fuzz
qemu-tsan: ## QEMU with a thread sanitizer (also: make qemu TSAN=1)
	@qemu/build emulator tsan
qemu-stock: ## QEMU without our changes
	@qemu/build emulator stock

.PHONY: qemu-patches
qemu-patches: ## write qemu/patches from the edited tree (MSG=: a new one)
	@MSG="$(MSG)" qemu/build patches

.PHONY: qemu-series
qemu-series: $(if $(COMPILE),qemu-stock) ## export as a patch series (COMPILE=1: build and test each step)
	@qemu/build series $(if $(COMPILE),--compile)

.PHONY: tools
tools: ## build libamdvi, amdvi-inspect and their tests (SAN=1, CLANG=1)
	@scripts/tools $(VARIANT)

.PHONY: inspect
inspect: ## build amdvi-inspect and nothing else, for a first look at examples/
	@scripts/deps --inspect
	@scripts/tools inspect

.PHONY: check
check: ## all tests a change must pass, plain and with sanitizers
	@scripts/check $(CHECK_PARTS)

.PHONY: check-long
check-long: ## what takes longer: other compilers, the series, packages, fuzzing
	@scripts/check $(CHECK_LONG_PARTS)

.PHONY: check-unit
check-unit: tools ## unit tests of libamdvi and the tools
	@$(TOOLS_SAN_ENV) MESON=$(MESON) scripts/tap-summary \
	    --meson $(TOOLS_DIR)

.PHONY: check-threads
check-threads: tools ## caches under a thread sanitizer (THREADS_TIME=60)
	@AMDVI_CACHE_SECONDS=$(THREADS_TIME) CMOCKA_MESSAGE_OUTPUT=tap \
	    scripts/tap-summary \
	    --timeout $$((10 * $(THREADS_TIME) + 600)) \
	    $(OUT)/tools/tests/unit/test-cache-threads-tsan

.PHONY: check-tsan
check-tsan: qemu-tsan ## I/O threads and invalidations under a thread sanitizer
	@QTEST_QEMU_BINARY=$(OUT)/qemu-tsan/qemu-system-x86_64 \
	    scripts/tap-summary --timeout 3600 tests/tsan/*-test

.PHONY: check-qtest
check-qtest: qemu qemu-stock ## tests of the device model through qtest (SAN=1 LEAKS=1)
	@$(SAN_ENV) QTEST_QEMU_BINARY=$(QEMU_DIR)/qemu-system-x86_64 \
	    AMDVI_STOCK_QEMU=$(OUT)/qemu-stock/qemu-system-x86_64 \
	    scripts/tap-summary --args "--tap -k" --jobs $(QTEST_JOBS) \
	    $(QEMU_DIR)/tests/qtest/amdvi/*-test

.PHONY: check-qmp
check-qmp: qemu ## tests of the QMP commands through the package qemu.qmp
	@AMDVI_QEMU=$(QEMU_DIR)/qemu-system-x86_64 $(SAN_ENV) \
	    scripts/tap-summary $(QMP_TESTS)

.PHONY: check-cli
check-cli: qemu tools ## tests of amdvi-inspect
	@$(TOOLS_SAN_ENV) AMDVI_INSPECT=$(TOOLS_DIR)/amdvi-inspect/amdvi-inspect \
	    AMDVI_QEMU=$(QEMU_DIR)/qemu-system-x86_64 \
	    scripts/tap-summary tests/cli/*-test

.PHONY: check-tui
check-tui: tools ## tests of the curses inspector
	@$(TOOLS_SAN_ENV) AMDVI_INSPECT=$(TOOLS_DIR)/amdvi-inspect/amdvi-inspect \
	    scripts/tap-summary --timeout 900 tests/tui/*-test

.PHONY: check-tui-valgrind
check-tui-valgrind: tools ## the same under valgrind
	@AMDVI_INSPECT=$(TOOLS_DIR)/amdvi-inspect/amdvi-inspect \
	    scripts/tap-summary --timeout 1800 tests/tui/valgrind-long

.PHONY: check-tui-long
check-tui-long: tools ## ten thousand random keys at a VM that changes
	@$(TOOLS_SAN_ENV) AMDVI_INSPECT=$(TOOLS_DIR)/amdvi-inspect/amdvi-inspect \
	    AMDVI_CASES=10000 scripts/tap-summary --timeout 1800 \
	    --args Monkey.test_random_keys_live tests/tui/monkey-test

.PHONY: check-gdb
check-gdb: qemu qemu-stock tools ## tests of the commands for GDB
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    scripts/tap-summary --timeout 900 tests/gdb/*-test

.PHONY: check-gdb-current
check-gdb-current: qemu qemu-stock tools ## the same with a newer GDB
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    AMDVI_GDB=$$(scripts/gdb-current) \
	    scripts/tap-summary --timeout 900 tests/gdb/*-test

.PHONY: check-guest
check-guest: qemu qemu-stock tools ## Debian's kernel behind the IOMMU
	@AMDVI_QEMU=$(QEMU_DIR)/qemu-system-x86_64 $(SAN_ENV) \
	    scripts/tap-summary --timeout $(GUEST_TIMEOUT) $(GUEST_TESTS)

.PHONY: check-guest-leaks
check-guest-leaks: ## what QEMU leaks while Linux runs, and shares its memory
	@$(MAKE) --no-print-directory check-guest SAN=1 LEAKS=1 \
	    GUEST_TIMEOUT=7200 \
	    GUEST_TESTS="tests/guest/boot-test tests/guest/sva-test"

.PHONY: check-guest-long
check-guest-long: qemu tools ## torture in the guest (TORTURE_TIME=, default 1200)
	@AMDVI_QEMU=$(QEMU_DIR)/qemu-system-x86_64 $(SAN_ENV) \
	    TORTURE_TIME=$(TORTURE_TIME) scripts/tap-summary \
	    --timeout $$((2 * $(TORTURE_TIME) + 7200)) tests/guest/sva-long

.PHONY: fuzz
fuzz: ## feed libamdvi and the tools hostile input (FUZZ_TIME=60 for each kind)
	@scripts/tools clang >/dev/null
	@scripts/tap-summary --timeout $$((8 * $(FUZZ_TIME) + 1200)) \
	    --args "--build $(OUT) --time $(FUZZ_TIME)" tests/fuzz/run
	@cat $(OUT)/fuzz/figures
	@$(if $(FUZZ_ENGINE),:,echo 'fuzz: the engine in QEMU was left out:' \
	    'its fuzzer is not built (make fuzz-engine)')

.PHONY: check-static
check-static: qemu tools ## analysers of C, shell and Python find nothing
	@scripts/deps --long
	@scripts/tap-summary --timeout 7200 --args "--build $(OUT)" \
	    tests/static/run

.PHONY: check-valgrind
check-valgrind: tools ## the tool's recorded outputs again, under valgrind
	@scripts/deps --long
	@mkdir -p $(OUT)/valgrind
	@ln -sf $(CURDIR)/tests/cli/under-valgrind $(OUT)/valgrind/amdvi-inspect
	@ln -sf $(TOOLS_DIR)/amdvi-inspect/amdvi-inspect $(OUT)/valgrind/real
	@AMDVI_INSPECT=$(OUT)/valgrind/amdvi-inspect scripts/tap-summary \
	    --timeout 7200 tests/cli/golden-test

.PHONY: fuzz-engine
fuzz-engine: qemu-fuzz ## the same for the engine in QEMU; part of fuzz once built
	@scripts/tap-summary --timeout $$((4 * $(FUZZ_TIME) + 1800)) \
	    --args "--build $(OUT) --time $(FUZZ_TIME) engine generic" \
	    tests/fuzz/run
	@cat $(OUT)/fuzz/figures-engine
FUZZ_ENGINE := $(wildcard $(OUT)/qemu-fuzz/qemu-fuzz-x86_64)
fuzz: $(if $(FUZZ_ENGINE),fuzz-engine)
CHECK_LONG_PARTS += "fuzz-engine FUZZ_TIME=600"

.PHONY: bench
bench: qemu tools ## DMA against the stock IOMMUs; the tools (build/bench.json)
	@rm -f $(OUT)/bench.json
	@QTEST_QEMU_BINARY=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/run --add $(OUT)/bench.json
	@QTEST_QEMU_BINARY=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/counting --add $(OUT)/bench.json
	@QTEST_QEMU_BINARY=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/curves $(if $(FULL),--full) --add $(OUT)/bench.json
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/gdb-load --add $(OUT)/bench.json
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/qmp-hold --add $(OUT)/bench.json
	@tests/bench/cold-start --build $(OUT) --add $(OUT)/bench.json
	@QTEST_QEMU_BINARY=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/dump-time --add $(OUT)/bench.json
	@[ ! -d $(OUT)/guest ] || $(MAKE) --no-print-directory bench-guest
	@echo 'tests/bench/report --write puts this into docs/performance.md'
	@tests/bench/report --targets --results $(OUT)/bench.json

.PHONY: bench-guest
bench-guest: qemu tools ## what Linux gets out of disks and a DSA behind each IOMMU
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/guest-load --add $(OUT)/bench.json
	@AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    tests/bench/tui-load --add $(OUT)/bench.json

.PHONY: check-bench
check-bench: qemu tools ## that the benchmarks run
	@QTEST_QEMU_BINARY=$(QEMU_DIR)/qemu-system-x86_64 $(SAN_ENV) \
	    scripts/tap-summary tests/bench/*-test

.PHONY: check-mutants
check-mutants: qemu-stock ## plant faults; the tests must notice each
	@scripts/host-meson >/dev/null
	@scripts/tap-summary --timeout 7200 tests/mutants/run

.PHONY: check-docs
check-docs: qemu tools ## links, commands and examples of the texts (ALL=1: with VMs)
	@AMDVI_DOCS="$(if $(ALL),tools vm qemu)" \
	    scripts/tap-summary --timeout 7200 tests/docs/*-test

# Whether tests pass is told by others: one that takes away the right to write
# files fails here, where each program writes its counts.
.PHONY: coverage
coverage: qemu ## what of the tools' C code their tests run (build/coverage)
	@scripts/tools coverage >/dev/null
	@find $(OUT)/tools-coverage -name '*.gcda' -delete
	@MESON=$(MESON) scripts/tap-summary --meson $(OUT)/tools-coverage
	@AMDVI_INSPECT=$(OUT)/tools-coverage/amdvi-inspect/amdvi-inspect \
	    AMDVI_QEMU=$(OUT)/qemu/qemu-system-x86_64 \
	    scripts/tap-summary --timeout 1800 tests/cli/*-test \
	    tests/tui/*-test || true
	@scripts/coverage --lines $(OUT)/tools-coverage >$(OUT)/coverage
	@tail -n 3 $(OUT)/coverage

.PHONY: check-build
check-build: ## tests of the build scripts
	@scripts/tap-summary tests/build/*-test

.PHONY: dist
dist: ## the release tarball, the same bytes each time (build/dist)
	@scripts/dist

.PHONY: deb
deb: ## Debian packages of libamdvi and the tools (build/deb)
	@scripts/deps --deb
	@scripts/deb

.PHONY: check-deb
check-deb: deb qemu ## the packages in a clean Debian (as root), the tarball
	@scripts/tap-summary --timeout 3600 tests/deb/*-test

.PHONY: install uninstall
install: tools ## install libamdvi and the tools (PREFIX=, DESTDIR=)
	@$(MESON) configure $(OUT)/tools -Dprefix=$(PREFIX)
	@$(MESON) install -C $(OUT)/tools \
	    $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	@$(if $(DESTDIR),,ldconfig)
uninstall: ## remove what the last install from this folder put in place
	@ninja -C $(OUT)/tools uninstall
