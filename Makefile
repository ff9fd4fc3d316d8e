# `make demo` and `make test` do all their own set-up: a virtual environment in .venv with pinned packages, the build in
# build/release, the package installed editable. A second call does only what has changed.

PYTHON ?= python3
BUILD := build/release
BIN := $(CURDIR)/.venv/bin
DEPENDENCIES := .venv/.installed
PACKAGE := $(BUILD)/.installed
# ON turns warnings into errors; continuous integration does.
WERROR ?= OFF

export PATH := $(BIN):$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

CXX_SOURCES := $(shell find include src python/bindings cmake -type f) CMakeLists.txt src/CMakeLists.txt

.PHONY: help demo test test-cpp test-python lint build format clean distclean

help:
	@echo "make demo    build millpond and run examples/demo.py"
	@echo "make test    run the tests and checks (tests/*/run_short.sh: the long ones)"
	@echo "make build   build and install into .venv"
	@echo "make format  lay the Python code out"
	@echo "make clean   remove what was built (distclean: .venv too)"

demo: $(PACKAGE)
	$(BIN)/python examples/demo.py

test: test-cpp test-python lint

test-cpp: $(PACKAGE)
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure --parallel $(CMAKE_BUILD_PARALLEL_LEVEL)

test-python: $(PACKAGE)
	$(BIN)/python -m pytest -m "not long"

lint: $(PACKAGE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEPENDENCIES)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(PACKAGE)

$(DEPENDENCIES): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "millpond needs Python 3.11 or later; $(PYTHON) is older or missing. Choose one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || \
	  { echo "$(PYTHON) has no Python.h, which the build needs. On Debian: apt-get install python3-dev"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "$(PYTHON) can't make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

# The tests' targets are declared here but not built: the C++ tests share this build's objects.
$(PACKAGE): $(DEPENDENCIES) pyproject.toml $(CXX_SOURCES)
	$(BIN)/python -m pip install --verbose --no-deps --no-build-isolation --editable . \
	  --config-settings=build-dir=$(BUILD) --config-settings=build.targets="_core;millpond_stub" \
	  --config-settings=cmake.define.MILLPOND_TESTS=ON --config-settings=cmake.define.MILLPOND_INSTALL=ON \
	  --config-settings=cmake.define.MILLPOND_WERROR=$(WERROR)
	@cp $(BUILD)/python/_core.pyi python/millpond/_core.pyi
	@touch $@

clean:
	rm -rf build python/millpond/_core.pyi

distclean: clean
	rm -rf .venv
