import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

@Suite("Functions of the input")
struct NamedFunctionTests {
  /// Every kind, with the parameters that layers give it.
  private static let functions: [cs_function] =
    NamedFunctionValues.keras.map(\.function) + [
      cs_function(kind: CS_HARD_SIGMOID_2, parameter: 0, otherwise: 0),
      cs_function(kind: CS_SQUAREPLUS, parameter: 0.01, otherwise: 0),
      cs_function(kind: CS_THRESHOLD, parameter: -1.5, otherwise: 0.25),
      cs_function(kind: CS_HARD_SHRINK, parameter: 0, otherwise: 0),
    ]

  @Test("every kind is tested")
  func kinds() {
    let kinds = Set(Self.functions.map(\.kind.rawValue))
    #expect(kinds == Set(CS_ELU.rawValue...CS_SPARSE_SIGMOID.rawValue))
  }

  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 120) { trial in
      let count = trial.random.count(0...100)
      let x =
        trial.random.once(in: 3)
        ? trial.input(count, KC_PLAIN, scale: 8) : trial.input(count, KC_ARGUMENTS)
      let dy = trial.input(count)
      for function in Self.functions {
        var function = function
        trial.shape = "count \(count) \(function)"
        let y = trial.compare(["y": count]) {
          $0.function_forward(count, &function, x.values, $1[0])
        }[0]
        trial.expect("y in place", y, from: x) { $0.function_forward(count, &function, $1, $1) }
        let dx = trial.compare(["dx": count]) {
          $0.function_backward(count, &function, x.values, dy.values, $1[0])
        }[0]
        trial.expect("dx in place", dx, from: dy) {
          $0.function_backward(count, &function, x.values, $1, $1)
        }
      }
    }
  }

  /// Floats up to 100 of both signs: each 4,001st, or each 61st where FIXEDNET_EXHAUSTIVE is 1.
  @Test("values and derivatives are near the formulas and their central differences")
  func accuracy() {
    let isExhaustive = ProcessInfo.processInfo.environment["FIXEDNET_EXHAUSTIVE"] == "1"
    for var function in Self.functions {
      for sign in [UInt64(0), 1 << 31] {
        let end = UInt64(Float(100).bitPattern) + 1
        let worst = kc_worst_of_function(
          InstructionSet.best.kernels, &function, sign, sign + end, isExhaustive ? 61 : 4_001)
        for (what, error) in [("f", worst.value), ("f'", worst.slope)] {
          #expect(error.ulps <= 0.8, "\(what)(\(error.x)) of \(function) is \(error.y)")
          if isExhaustive { print(function, what, error) }
        }
      }
    }
  }

  @Test("values and derivatives are Keras'", arguments: InstructionSet.available)
  func keras(set: InstructionSet) {
    let kernels = set.kernels.pointee
    let x = NamedFunctionValues.arguments
    let dy = [Float](repeating: 1, count: x.count)
    for expected in NamedFunctionValues.keras {
      var function = expected.function
      var (y, dx) = (x, x)
      kernels.function_forward(x.count, &function, x, &y)
      kernels.function_backward(x.count, &function, x, dy, &dx)
      for i in x.indices {
        let bound = 1e-6 * max(abs(x[i]), 1)
        #expect(abs(y[i] - expected.values[i]) <= bound, "f(\(x[i])) of \(function)")
        #expect(abs(dx[i] - expected.slopes[i]) <= bound, "f'(\(x[i])) of \(function)")
      }
    }
  }

  /// As Keras' backends have them where JAX and TensorFlow agree.
  @Test("slopes at the kinks", arguments: InstructionSet.available)
  func kinks(set: InstructionSet) {
    for (kind, parameter, x, slopes) in [
      (CS_ELU, 0.4, [-0.0, 0], [0.4, 0.4]), (CS_CELU, 0.4, [0], [1]),
      (CS_HARD_SIGMOID, 0, [-3, 3], [0, 0]), (CS_HARD_SIGMOID_2, 0, [-2.5, 2.5], [0.2, 0.2]),
      (CS_HARD_SILU, 0, [-3, 3], [0, 1]), (CS_HARD_TANH, 0, [-1, 1], [1, 1]),
      (CS_HARD_SHRINK, 0.5, [-0.5, 0.5], [0, 0]), (CS_SOFT_SHRINK, 0.5, [-0.5, 0.5], [0, 0]),
      (CS_THRESHOLD, 0.5, [0.5], [0]), (CS_SPARSE_PLUS, 0, [-1, 1], [0, 1]),
      (CS_SPARSE_SIGMOID, 0, [-1, 1], [0, 0]),
    ] as [(cs_function_kind, Float, [Float], [Float])] {
      var function = cs_function(kind: kind, parameter: parameter, otherwise: -1)
      let ones = [Float](repeating: 1, count: x.count)
      var dx = ones
      set.kernels.pointee.function_backward(x.count, &function, x, ones, &dx)
      #expect(dx == slopes, "kind \(kind.rawValue)")
    }
  }

  /// As in Keras on JAX, but for squareplus of -infinity, which is NaN there.
  @Test("numbers that are not finite", arguments: InstructionSet.available)
  func limits(set: InstructionSet) {
    let infinity = Float.infinity
    let nan = Float.nan
    for (kind, low, high, notANumber) in [
      (CS_ELU, -1, infinity, nan), (CS_CELU, -1, infinity, nan),
      (CS_SELU, -1.7580993, infinity, nan), (CS_GELU, nan, infinity, nan),
      (CS_GELU_TANH, nan, infinity, nan), (CS_SILU, nan, infinity, nan),
      (CS_MISH, nan, infinity, nan), (CS_SOFTPLUS, 0, infinity, nan),
      (CS_LOG_SIGMOID, -infinity, 0, nan), (CS_SOFTSIGN, nan, nan, nan),
      (CS_SQUAREPLUS, 0, infinity, nan), (CS_EXPONENTIAL, 0, infinity, nan),
      (CS_TANH_SHRINK, -infinity, infinity, nan), (CS_HARD_SIGMOID, 0, 1, nan),
      (CS_HARD_SIGMOID_2, 0, 1, nan), (CS_HARD_SILU, nan, infinity, nan),
      (CS_HARD_TANH, -1, 1, nan), (CS_HARD_SHRINK, -infinity, infinity, 0),
      (CS_SOFT_SHRINK, -infinity, infinity, 0), (CS_THRESHOLD, -2, infinity, -2),
      (CS_SPARSE_PLUS, 0, infinity, nan), (CS_SPARSE_SIGMOID, 0, 1, nan),
    ] as [(cs_function_kind, Float, Float, Float)] {
      var function = cs_function(kind: kind, parameter: 1, otherwise: -2)
      var y: [Float] = [-infinity, infinity, nan]
      set.kernels.pointee.function_forward(3, &function, y, &y)
      for (found, expected) in zip(y, [low, high, notANumber]) {
        #expect(found == expected || (found.isNaN && expected.isNaN), "kind \(kind.rawValue)")
      }
      // Every finite number has a finite slope, unless the slope itself overflows.
      let x: [Float] = [-3e38, -1e30, -1e19, -100, 100, 1e19, 1e30, 3e38]
      let ones = [Float](repeating: 1, count: x.count)
      var dx = ones
      set.kernels.pointee.function_backward(x.count, &function, x, ones, &dx)
      #expect(dx.allSatisfy { kind == CS_EXPONENTIAL ? $0 >= 0 : $0.isFinite }, "\(kind.rawValue)")
    }
  }
}
