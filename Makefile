# FixedNet's common tasks; `make` lists them. Everything can be called from anywhere: make -C FOLDER.

DEMO = .build/demo/lenet.h5
PACKAGES = libhdf5-dev libmatio-dev zlib1g-dev libssl-dev pkg-config gnuplot-nox
PYTHON = .venv/bin/python
SOURCES = Package.swift Sources Tools Tests

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | \
	  while IFS='|' read -r name text; do printf 'make %-8s %s\n' "$$name" "$$text"; done

demo: setup ## install what is missing, train the default model, evaluate the checkpoint
	swift build -c release
	@mkdir -p .build/demo
	swift run -c release --skip-build train --output $(DEMO)
	swift run -c release --skip-build eval $(DEMO)

test: setup venv ## the same set-up, then every check and test
	swift build
	swift build -c release
	Tools/check-embedded
	@if $(HAS_KERAS); then \
	  FIXEDNET_PYTHON="$$PWD/$(PYTHON)"; KERAS_BACKEND=jax; export FIXEDNET_PYTHON KERAS_BACKEND; \
	fi; echo swift test; swift test

build: compiler ## everything, debug
	swift build

release: compiler ## everything, optimised
	swift build -c release

lint: compiler ## style, without changing anything
	swift format lint --strict -r $(SOURCES)

format: compiler ## style, in place
	swift format -i -r $(SOURCES)

clean: ## remove what was built
	rm -rf .build .venv

# -- set-up ----------------------------------------------------------------------------------------------------

setup: compiler
	@tools="$(PACKAGES)"; $(INSTALL)

compiler:
	@version=$$(swift --version 2>/dev/null | \
	  sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1); \
	major=$${version%.*}; minor=$${version#*.}; \
	if [ "$${major:-0}" -lt 6 ] || { [ "$$major" -eq 6 ] && [ "$$minor" -lt 2 ]; }; then \
	  echo "make: Swift 6.2 or later is needed (see swift.org/install), found: $${version:-none}" >&2; \
	  exit 1; \
	fi

# The cross-checks against Keras and JAX skip themselves where this cannot be set up.
venv:
	@python3 -c 'import ensurepip' 2>/dev/null || { tools="python3 python3-venv"; $(INSTALL); } || true
	@$(HAS_KERAS) || \
	  { python3 -m venv .venv && \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check keras jax h5py numpy; } || \
	  { rm -rf .venv; \
	    echo "make: no Keras and JAX from PyPI (see above); the cross-checks with them are skipped"; }

HAS_KERAS = $(PYTHON) -c 'import importlib.util as i; \
  exit(not all(map(i.find_spec, ("keras", "jax", "h5py", "numpy"))))' 2>/dev/null

# Installs those of $$tools that are missing; asks for administrator's rights only then.
define INSTALL
if ! command -v apt-get >/dev/null 2>&1; then \
  echo "make: no apt-get here; what is needed: HDF5, matio, zlib, OpenSSL (libcrypto), pkg-config, gnuplot, Python 3"; \
else \
  missing=; \
  for tool in $$tools; do dpkg -s "$$tool" >/dev/null 2>&1 || missing="$$missing $$tool"; done; \
  if [ -n "$$missing" ]; then \
    root=; [ "$$(id -u)" -eq 0 ] || root=sudo; \
    install="$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing"; \
    echo "make: installing$$missing"; \
    $$install >/dev/null 2>&1 || { $$root apt-get update -qq && $$install >/dev/null; }; \
  fi; \
fi
endef

.PHONY: help demo test build release lint format clean setup compiler venv
