# FixedNet's common tasks; `make` lists them. Everything can be called from anywhere: make -C FOLDER.

DEMO = .build/demo/lenet.h5
PACKAGES = libhdf5-dev libmatio-dev libpng-dev libjpeg-dev zlib1g-dev libisal-dev libssl-dev pkg-config gnuplot-nox
READERS = hdf5-tools octave r-bioc-rhdf5 strace python3-jsonschema gcc libc6-dev
PYTHON = .venv/bin/python
# What is installed from PyPI, to the last package that another one needs. All but PyTorch with the hashes of its files for
# every system: what has another one is not installed. Python 3.11 or later.
REQUIREMENTS = Tests/Python/requirements
# The second: C in headers too, which the Swift compiler translates. UndefinedBehaviorSanitizer is for C alone: Swift
# traps by itself where a number overflows or an index is out of bounds.
ASAN = --sanitize=address -Xcc -fsanitize=address,undefined --scratch-path .build-asan
TSAN = --sanitize=thread -Xcc -fsanitize=thread --scratch-path .build-tsan
# Left out: ToolTests but HostileFileTests, and StudyTests, which start programs and Python and would test those;
# TeamTests/impossible, which asks for more threads than there is memory; FuzzTests, which `make fuzz` runs for longer.
# ThreadSanitizer gets what runs on several threads; kernels and plans have one.
ASAN_FILTER = CSupportTests|FixedNetTests|FixedNetFilesTests|HostileFileTests
TSAN_FILTER = TeamTests|DeterminismTests|NetworkTests|LaneNetwork|FullBatch|FixedNetFilesTests
# Seconds that `make fuzz` searches for each parser.
SECONDS ?= 60
# Files of `make storm`.
COUNT ?= 2000
# Random networks of `make properties`.
NETWORKS = 1000
# Other traits than the default ones, in folders of their own: nothing is built twice when going back and forth.
BARE = --disable-default-traits --scratch-path .build-bare
TRAITS = --traits default,TensorBoard --scratch-path .build-traits
SOURCES = Package.swift Sources Tools Tests

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | \
	  while IFS='|' read -r name text; do printf 'make %-11s %s\n' "$$name" "$$text"; done

demo: setup ## install what is missing, train the default model, evaluate the checkpoint
	swift build -c release
	@mkdir -p .build/demo
	swift run -c release --skip-build train --output $(DEMO)
	swift run -c release --skip-build eval $(DEMO)

# -- installing ------------------------------------------------------------------------------------------------

# DESTDIR stands in front of every path, for whoever makes a package of it.
PREFIX ?= /usr/local
PLACE = $(DESTDIR)$(PREFIX)
# The plugin would build everything once more to write the manual; asked for help it only builds its own tool, which is then
# given the installed program. Swift's own libraries come into the program, so that it runs where there is no toolchain.
INSTALLED = -c release --static-swift-stdlib --scratch-path .build-install
COMMANDS = train eval predict plan export study bench help

install: setup ## one program, fixednet, with manual and completions, into PREFIX=/usr/local
	swift build $(INSTALLED) --product fixednet
	swift package --scratch-path .build-install plugin generate-manual --help >/dev/null
	install -d $(PLACE)/bin $(PLACE)/libexec/fixednet $(PLACE)/share/man/man1 \
	  $(PLACE)/share/bash-completion/completions $(PLACE)/share/zsh/site-functions \
	  $(PLACE)/share/fish/vendor_completions.d
	@built=$$(swift build $(INSTALLED) --show-bin-path); set -x; \
	install -s -m 755 $$built/fixednet $(PLACE)/bin/fixednet; \
	install -s -m 755 $$built/fixednet-reader $$built/fixednet-unpacker $(PLACE)/libexec/fixednet
	rm -rf .build-install/manual && mkdir .build-install/manual
	$$(find .build-install -type f -name 'generate-manual-tool') $(PLACE)/bin/fixednet --multi-page --section 1 \
	  --output-directory .build-install/manual
	install -m 644 .build-install/manual/*.1 $(PLACE)/share/man/man1
	$(PLACE)/bin/fixednet --generate-completion-script bash >$(PLACE)/share/bash-completion/completions/fixednet
	$(PLACE)/bin/fixednet --generate-completion-script zsh >$(PLACE)/share/zsh/site-functions/_fixednet
	$(PLACE)/bin/fixednet --generate-completion-script fish >$(PLACE)/share/fish/vendor_completions.d/fixednet.fish

uninstall: ## remove what install put there, from the same PREFIX
	rm -f $(PLACE)/bin/fixednet $(PLACE)/share/bash-completion/completions/fixednet \
	  $(PLACE)/share/zsh/site-functions/_fixednet $(PLACE)/share/fish/vendor_completions.d/fixednet.fish \
	  $(PLACE)/share/man/man1/fixednet.1 $(COMMANDS:%=$(PLACE)/share/man/man1/fixednet.%.1)
	rm -rf $(PLACE)/libexec/fixednet

# -- testing ---------------------------------------------------------------------------------------------------

check: compiler ## what a developer runs all day: build, style, the tests that start no programs
	swift build --build-tests
	swift format lint --strict -r $(SOURCES)
	swift test --skip-build --disable-xctest --filter 'CSupportTests|FixedNetTests' \
	  --skip 'TeamTests/impossible'

# Pages of both modules, with the tutorials, for a web server: python3 -m http.server --directory .build-docs/site
DOCS = --scratch-path .build-docs
docs: setup ## the library's documentation as a static site in .build-docs/site
	FIXEDNET_DOCS=1 swift package $(DOCS) --allow-writing-to-directory .build-docs generate-documentation \
	  --target FixedNetCore --target FixedNetCompute --target FixedNetFiles \
	  --enable-experimental-combined-documentation --transform-for-static-hosting \
	  --output-path .build-docs/site --warnings-as-errors
	@python3 --version >/dev/null 2>&1 || { tools=python3; $(INSTALL); }
	python3 Tests/undocumented.py .build-docs

example: setup ## build and run a package that depends on this one by its version
	Tests/Example/run.sh

test: setup readers venv ## the same set-up, then every check and test
	swift build
	swift build -c release
	swift build --product study $(BARE)
	@if swift package resolve $(TRAITS); then echo swift build --product train $(TRAITS); \
	  swift build --product train $(TRAITS); \
	else echo "make: no swift-protobuf (see above); the tests with TensorBoard are skipped"; fi
	Tools/check-embedded
	Tests/Example/run.sh
	@if $(HAS_KERAS); then \
	  FIXEDNET_PYTHON="$$PWD/$(PYTHON)"; KERAS_BACKEND=jax; export FIXEDNET_PYTHON KERAS_BACKEND; \
	fi; echo swift test; swift test

times: setup venv ## how long each suite takes: all tests, one after the other
	swift build --build-tests
	@if $(HAS_KERAS); then \
	  FIXEDNET_PYTHON="$$PWD/$(PYTHON)"; KERAS_BACKEND=jax; export FIXEDNET_PYTHON KERAS_BACKEND; \
	fi; swift test --skip-build --disable-xctest --no-parallel --xunit-output .build/tests.xml
	@python3 Tests/times.py .build/tests.xml

interop: setup readers more-readers venv ## our files in Octave, R, h5dump, every Keras (3 GB of disk)
	swift build
	swift test --filter 'InteropTests|RoundTrip'

faults: setup ## kill 200 training runs, fill disks, take folders away: nothing may be lost (a minute)
	swift build -c release
	swift run -c release --skip-build faults

injections: setup readers ## make every kind of system call fail in turn, in every tool (15 minutes)
	swift build -c release
	python3 Tests/Fuzz/inject.py .build/release --places 10

tasks: setup ## ten tasks that people come with, from the shell, beside scikit-learn on the same samples (a minute)
	swift build -c release --product fixednet
	@$(call ENVIRONMENT,.venv-tasks,sklearn,--require-hashes -r $(REQUIREMENTS)/tasks.txt)
	.venv-tasks/bin/python -W ignore Tests/Tasks/tasks.py .build/release/fixednet

conformance: setup ## ONNX' cases, Keras' own unit tests, functions over all floats, random streams in dieharder
	swift build -c release
	@tools=dieharder; options=--no-install-recommends; { $(INSTALL); } || true
	@$(call ENVIRONMENT,.venv-conformance,onnx,--require-hashes -r $(REQUIREMENTS)/conformance.txt)
	@rm -rf .build/conformance; mkdir -p .build/conformance; \
	if [ -x .venv-conformance/bin/python ]; then \
	  .venv-conformance/bin/python Tests/Conformance/make_cases.py .build/conformance; \
	else \
	  echo "make: the cases of Tests/Fixtures/conformance.tar.gz"; \
	  tar -xzf Tests/Fixtures/conformance.tar.gz -C .build/conformance; \
	fi
	swift run -c release --skip-build conformance --cases .build/conformance \
	  --minimum Tests/Conformance/minimum.tsv

peers: compiler ## the other frameworks for bench --peers, in .venv-peers (3 GB of disk)
	@$(call ENVIRONMENT,.venv-peers,ai_edge_litert,-r $(REQUIREMENTS)/peers.txt)

mca: setup ## what the kernels' inner loops reach in LLVM's models of processors that are not here
	@python3 --version >/dev/null 2>&1 || { tools=python3; $(INSTALL); }
	@tools=llvm-19; options=--no-install-recommends; $(INSTALL)
	python3 Tools/mca/mca.py "$$(dirname "$$(readlink -f "$$(command -v swiftc)")")/clang" llvm-mca-19

asan: setup ## readers, kernels and engine under AddressSanitizer and UndefinedBehaviorSanitizer
	swift build --build-tests $(ASAN)
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  swift test --skip-build --disable-xctest $(ASAN) --filter '$(ASAN_FILTER)' \
	  --skip 'TeamTests/impossible|FuzzTests'

tsan: setup ## thread team, engine and readers under ThreadSanitizer
	swift build --build-tests $(TSAN)
	TSAN_OPTIONS=die_after_fork=0:halt_on_error=1 \
	  swift test --skip-build --disable-xctest $(TSAN) --filter '$(TSAN_FILTER)' \
	  --skip 'TeamTests/impossible|FuzzTests|Downloader'

sanitize: asan tsan ## all three sanitizers, one after the other

# On TensorFlow: its steps are not compiled anew for every case, as JAX's would be.
sweep: setup ## every config key of layers, losses, optimisers and schedules with every value, beside Keras
	swift build -c release --product eval
	swift build -c release --product train
	@$(call ENVIRONMENT,.venv-tf,tf_keras,--require-hashes -r $(REQUIREMENTS)/tensorflow.txt)
	.venv-tf/bin/python Tests/Python/sweep

fuzz: setup ## search for files and options that break a parser, SECONDS=60 each; prints a table
	Tests/Fuzz/fuzz.sh run $(SECONDS)

storm: setup ## run the tools on COUNT mutated files: no signal, one line, two seconds, 256 MiB
	@python3 --version >/dev/null 2>&1 || { tools=python3; $(INSTALL); }
	swift build -c release
	python3 Tests/Fuzz/storm.py .build/release --count $(COUNT)

calls: setup readers ## trace the tools on every fixture: files and system calls that they ask for
	@python3 --version >/dev/null 2>&1 || { tools=python3; $(INSTALL); }
	swift build -c release
	python3 Tests/Fuzz/calls.py .build/release

properties: setup venv ## plan, bits, gradients, files and Keras over NETWORKS random networks
	swift build --build-tests
	FIXEDNET_NETWORKS=$(NETWORKS) swift test --skip-build --filter PropertyTests

# GCC for 64-bit and 32-bit Arm, 32-bit x86, RISC-V and a MIPS with the other order of bytes, and what runs their programs.
PROCESSORS = cmake qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
  gcc-i686-linux-gnu libc6-dev-i386-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-mips-linux-gnu \
  libc6-dev-mips-cross
exports: setup readers ## every layer and 200 random networks as C libraries, by GCC and clang, with the engine's bits; other processors
	@tools="$(PROCESSORS)"; options=--no-install-recommends; { $(INSTALL); } || \
	  echo "make: not all of $(PROCESSORS) (see above); the tests with what is missing are skipped"
	swift build --build-tests
	FIXEDNET_EXPORTS=200 swift test --skip-build --disable-xctest --filter ExportTests

# An M4, an M7 and an M55 with a floating-point unit, and an M3 and an M0 without one, as QEMU emulates them.
BOARDS = .build/boards
boards: setup readers ## exported libraries on emulated Cortex-M boards: the host's bits, instructions, code and stack
	@tools="qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi"; options=--no-install-recommends; $(INSTALL)
	Tools/check-embedded
	swift build -c release --product export
	swift run -c release --skip-build export lenet-plain --name net --c $(BOARDS)/predict
	swift run -c release --skip-build export lenet-plain --name net --c $(BOARDS)/train --train sgd --samples 50
	for board in m4 m7 m55; do \
	  $(MAKE) --no-print-directory -B -C Tools/export/boards BOARD=$$board FOLDER=$(CURDIR)/$(BOARDS)/predict && \
	  $(MAKE) --no-print-directory -B -C Tools/export/boards BOARD=$$board FOLDER=$(CURDIR)/$(BOARDS)/train TRAINS=1 || exit 1; \
	done
	swift run -c release --skip-build export lenet-plain --name net --c $(BOARDS)/keep --train sgd --samples 10 --subnormals keep
	$(MAKE) --no-print-directory -B -C Tools/export/boards BOARD=m3 FOLDER=$(CURDIR)/$(BOARDS)/keep TRAINS=1
	swift build --build-tests
	FIXEDNET_BOARDS=1 swift test --skip-build --disable-xctest --filter BoardTests

mutants: setup ## plant every fault of Tests/Mutants in turn; each must be caught by the tests
	@python3 --version >/dev/null 2>&1 || { tools=python3; $(INSTALL); }
	python3 Tests/Mutants/mutants.py

build: compiler ## everything, debug
	swift build

release: compiler ## everything, optimised
	swift build -c release

lint: compiler ## style, without changing anything
	swift format lint --strict -r $(SOURCES)

format: compiler ## style, in place
	swift format -i -r $(SOURCES)

# Needs protoc (Debian: protobuf-compiler) and protoc-gen-swift, which `swift build --product protoc-gen-swift` makes in a
# checkout of github.com/apple/swift-protobuf, on the path.
proto: ## TensorBoard's messages in Swift, from their .proto
	cd Sources/FixedNetFiles/TensorBoard && protoc --swift_out=. event.proto && \
	  sed -i -e '/^import SwiftProtobuf/i #if TensorBoard\n' -e '$$a \\n#endif' event.pb.swift

# Versions of what is named in the .in files change there; what PyTorch's build for CUDA needs is left to pip.
requirements: ## pin the Python packages anew, with uv (PyPI: uv)
	@for name in keras tensorflow conformance tasks; do \
	  uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	    --generate-hashes $(REQUIREMENTS)/$$name.in -o $(REQUIREMENTS)/$$name.txt; \
	done; \
	for name in torch peers; do \
	  uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	    $(REQUIREMENTS)/$$name.in -o $(REQUIREMENTS)/$$name.txt && \
	  sed -i '/^nvidia\|^cuda\|^triton/d' $(REQUIREMENTS)/$$name.txt; \
	done

clean: ## remove what was built
	rm -rf .build .build-asan .build-bare .build-docs .build-example .build-fuzz .build-install .build-mutants .build-traits .build-tsan .venv .venv-tf .venv-torch .venv-peers \
	  .venv-conformance .venv-tasks

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

# Programs that read our files, watch ours doing it, or compile what we write; the tests with those that cannot be installed skip themselves.
readers:
	@tools="$(READERS)"; options=--no-install-recommends; { $(INSTALL); } || \
	  echo "make: not all of $(READERS) (see above); the tests with what is missing are skipped"

# torch is 0.2 GB where pip finds its build without CUDA (PIP_EXTRA_INDEX_URL), and several GB from PyPI itself.
more-readers:
	@tools=r-cran-hdf5r; options=--no-install-recommends; { $(INSTALL); } || true
	@$(call ENVIRONMENT,.venv-tf,tf_keras,--require-hashes -r $(REQUIREMENTS)/tensorflow.txt)
	@$(call ENVIRONMENT,.venv-torch,torch,-r $(REQUIREMENTS)/torch.txt)

# The cross-checks against Keras, JAX and TensorBoard skip themselves where this cannot be set up.
venv:
	@python3 -c 'import ensurepip' 2>/dev/null || { tools="python3 python3-venv"; $(INSTALL); } || true
	@$(HAS_KERAS) || \
	  { python3 -m venv .venv && \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes \
	      -r $(REQUIREMENTS)/keras.txt; } || \
	  { rm -rf .venv; \
	    echo "make: no Keras, JAX and TensorBoard from PyPI (see above); the cross-checks are skipped"; }

# A virtual environment (1) for a module (2), made from packages of PyPI (3: pip's options).
ENVIRONMENT = $(1)/bin/python -c 'import importlib.util as i; exit(i.find_spec("$(2)") is None)' 2>/dev/null || \
  { python3 -m venv $(1) && $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(3); } || \
  { rm -rf $(1); echo "make: no $(2) from PyPI (see above); the tests with it are skipped"; }

HAS_KERAS = $(PYTHON) -c 'import importlib.util as i; \
  exit(not all(map(i.find_spec, ("keras", "jax", "h5py", "numpy", "tensorboard"))))' 2>/dev/null

# Installs those of $$tools that are missing, with apt-get's $$options; asks for administrator's rights only then.
define INSTALL
if ! command -v apt-get >/dev/null 2>&1; then \
  echo "make: no apt-get here; needed is what Debian calls $$tools"; \
else \
  missing=; \
  for tool in $$tools; do dpkg -s "$$tool" >/dev/null 2>&1 || missing="$$missing $$tool"; done; \
  if [ -n "$$missing" ]; then \
    root=; [ "$$(id -u)" -eq 0 ] || root=sudo; \
    install="$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$options $$missing"; \
    echo "make: installing$$missing"; \
    $$install >/dev/null 2>&1 || { $$root apt-get update -qq && $$install >/dev/null; }; \
  fi; \
fi
endef

.PHONY: help demo install uninstall check test times example docs interop faults injections tasks conformance sweep peers asan tsan sanitize fuzz storm calls properties exports boards mutants build release lint format proto clean
.PHONY: setup compiler readers more-readers venv requirements
