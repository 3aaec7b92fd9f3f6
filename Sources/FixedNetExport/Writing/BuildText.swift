import FixedNetCompute

/// What builds and tests the library.
struct BuildText {
  private let name: String

  init(_ name: String) { self.name = name }

  var makefile: String {
    """
    # \(name): make test compiles the library for this machine and compares it with what the host computed.
    # Written by fixednet export.
    CC ?= cc
    CFLAGS ?= -O2
    # The bits depend on these; \(name).c refuses -ffast-math.
    OWN = -std=c11 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion

    test: \(name)_test
    \t./\(name)_test

    \(name)_test: \(name)_test.c \(name).c \(name).h
    \t$(CC) $(OWN) $(CFLAGS) \(name)_test.c \(name).c -o $@

    clean:
    \trm -f \(name)_test

    .PHONY: test clean

    """
  }

  var cmake: String {
    """
    # \(name), written by fixednet export.
    cmake_minimum_required(VERSION 3.13)
    project(\(name) C)

    add_library(\(name) STATIC \(name).c)
    target_include_directories(\(name) PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    # Another library's source would have the same static names.
    set_target_properties(\(name) PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF UNITY_BUILD OFF)
    # The bits depend on the first; \(name).c refuses -ffast-math. Clang's -O3 unrolls loops to four times the code.
    target_compile_options(\(name) PRIVATE -ffp-contract=off
      $<$<C_COMPILER_ID:Clang,AppleClang,ARMClang>:-fno-unroll-loops>)

    enable_testing()
    add_executable(\(name)_test \(name)_test.c)
    target_link_libraries(\(name)_test \(name))
    add_test(NAME \(name) COMMAND \(name)_test)

    """
  }

  /// Of Arduino and PlatformIO.
  var properties: String {
    """
    name=\(name)
    version=1.0.0
    author=fixednet export
    maintainer=fixednet export
    sentence=A neural network that was trained elsewhere.
    paragraph=Plain C without allocation; see \(name).h.
    category=Data Processing
    url=https://docs.arduino.cc/arduino-cli/library-specification
    architectures=*
    includes=\(name).h

    """
  }
}
