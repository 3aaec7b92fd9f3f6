import FixedNet
import FixedNetExport
import Foundation
import TestSupport
import Testing

extension Compilation {
  /// Whether the processor has what fused operations are compared with.
  static var hasFMA: Bool {
    #if arch(x86_64)
      InstructionSet.best != .portable
    #else
      false
    #endif
  }
}

/// a b + c with one rounding, as libraries compute it where the processor has no instruction for it.
@Suite("Fused operations in C", .enabled(if: Compilation.isPossible && Compilation.hasFMA))
struct FusedTests {
  @Test("from doubles and from integers they are the processor's, in both modes")
  func fused() throws {
    let model = Model(name: "m", input: .vector(2), layers: [Dense(name: "d", units: 1)])
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FusedTests.program.write(
      toFile: "\(folder)/user.c", atomically: false, encoding: .utf8)
    for subnormals in Subnormals.allCases {
      let library = try CLibrary(
        model, weights: model.initialWeights(seed: 0),
        options: ExportOptions(name: "net", subnormals: subnormals))
      for file in library.files {
        try file.text.write(toFile: "\(folder)/\(file.name)", atomically: false, encoding: .utf8)
      }
      for way in ["-DNET_FMA=2", "-DNET_FMA=3"] {
        let compiled = try Compilation(compiler: "gcc", flags: ["-O2", way])
          .compile(["user.c"], to: "user", in: folder)
        #expect(compiled.exitCode == 0, "\(compiled.errors)")
        let found = try Finished("\(folder)/user", [], in: folder)
        #expect(found.exitCode == 0, "\(subnormals) \(way): \(found.output)")
      }
    }
  }

  @Test("a library leaves the caller's mode as it was", arguments: Subnormals.allCases)
  func callersMode(_ subnormals: Subnormals) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var trial = try ExportTests.lenet(ExportOptions.Training(.sgd, batch: 2))
    trial.subnormals = subnormals
    try trial.write(to: folder)
    try """
    #include "net.h"
    #include <float.h>
    static float input[NET_INPUTS], output[NET_OUTPUTS];
    static int keeps(void) {
      const volatile float least = FLT_MIN;
      const volatile float half = least * 0.5f;
      return half * 16777216.0f > 0.0f;
    }
    static int is_left(void) {
      const int before = keeps();
      net_reset();
      net_self_test();
      net_predict(input, output);
      for (int i = 0; i < 3; i++) net_accumulate(input, i);
      net_accumulate(input, -1);
      net_update(0.1f);
      net_update(0.1f);
      return keeps() == before;
    }
    int main(void) {
      const int kept = keeps() && is_left();
      unsigned mode;
      __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory");
      mode |= 0x8040u;
      __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
      return kept && !keeps() && is_left() ? 0 : 1;
    }
    """.write(toFile: "\(folder)/user.c", atomically: false, encoding: .utf8)
    let compiled = try Compilation(compiler: "gcc", flags: ["-O2"])
      .compile(["net.c", "user.c"], to: "user", in: folder)
    #expect(compiled.exitCode == 0, "\(compiled.errors)")
    #expect(try Finished("\(folder)/user", [], in: folder).exitCode == 0)
  }

  private static let program = """
    #include "net.c"
    #include <stdio.h>

    __attribute__((target("fma"))) static float expected(float a, float b, float c) {
      return __builtin_fmaf(a, b, c);
    }

    static uint64_t state = 1;

    static uint32_t draw(void) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return (uint32_t)(state >> 32);
    }

    /// A float of that exponent; every other one with few bits, whose sums are often half-way between two floats.
    static float number(uint32_t exponent) {
      uint32_t bits = draw(), few = draw() % 24;
      if (draw() & 1) bits &= ~0u << few;
      return of_bits((bits & 0x807fffffu) | (exponent > 254 ? 254 : exponent) << 23);
    }

    static uint32_t exponent(void) { return draw() % 3 ? 60 + draw() % 130 : draw() % 70; }

    int main(void) {
      const mode_bits mode = enter_mode();
      uint32_t wrong = 0, small = 0;
      for (uint32_t i = 0; i < 4000000; i++) {
        // Results of all sizes, and below the smallest normal number.
        const uint32_t ea = exponent(), eb = exponent();
        // Every fourth product is half-way between two floats, and a little is added: less than a double sees.
        const int32_t distance = i % 4 ? (int32_t)(draw() % 60) - 30 : -24 - (int32_t)(draw() % 60);
        const int32_t ec = (int32_t)(ea + eb) - 127 + distance;
        const float a = number(ea), c = number(ec < 0 ? 0 : (uint32_t)ec);
        const float b = i % 4 ? number(eb) : of_bits(eb << 23 | 0x400000u);
        const float x = expected(a, b, c), y = fma1(a, b, c);
        small += (bits_of(x) & 0x7f800000u) == 0;
        if (bits_of(x) != bits_of(y) && !(x != x && y != y)) {
          if (!wrong++) printf("%08x %08x %08x: ", bits_of(a), bits_of(b), bits_of(c));
        }
      }
      leave_mode(mode);
      printf("%u wrong, %u small\\n", wrong, small);
      return wrong != 0;
    }
    """
}
