import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

/// exp, log, tanh, the logistic function and the fused multiply-add, against libm.
@Suite("Functions")
struct FunctionTests {
  /// Every 251st float; all instruction sets have the same bits (see ElementWiseTests).
  @Test("within 5 ulp", arguments: [KC_EXP, KC_LOG, KC_TANH, KC_SIGMOID])
  func accuracy(function: kc_function) {
    let worst = kc_largest_error(InstructionSet.best.kernels, function, 251)
    #expect(worst.ulps > 0 && worst.ulps <= 5, "f(\(worst.x)) is \(worst.y)")
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
