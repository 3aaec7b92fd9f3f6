import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Element-wise kernels")
struct ElementWiseTests {
  private static let activations = [
    CS_LINEAR, CS_TANH, CS_RELU, CS_SIGMOID, CS_SCALED_SIGMOID,
  ]

  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let count = trial.random.count(0...100)
      let x = trial.input(count, KC_ARGUMENTS)
      let dy = trial.input(count)
      for activation in ElementWiseTests.activations {
        trial.shape = "count \(count) activation \(activation.rawValue)"
        let y = trial.compare(["y": count]) { kernels, out in
          kernels.activation_forward(count, activation, x.values, out[0])
        }[0]
        trial.expect("y in place", y, from: x) { kernels, y in
          kernels.activation_forward(count, activation, y, y)
        }
        let dz = trial.compare(["dz": count]) { kernels, out in
          kernels.activation_backward(count, activation, y.values, dy.values, out[0])
        }[0]
        trial.expect("dz in place", dz, from: dy) { kernels, dz in
          kernels.activation_backward(count, activation, y.values, dz, dz)
        }
        trial.expect("dz in the place of y", dz, from: y) { kernels, dz in
          kernels.activation_backward(count, activation, dz, dy.values, dz)
        }
        let (rz, rdy) = (trial.input(count), trial.input(count))
        let rdz = trial.compare(["rdz": count]) { kernels, out in
          kernels.activation_backward_tangent(
            count, activation, y.values, dz.values, rz.values, rdy.values, out[0])
        }[0]
        trial.expect("rdz in place", rdz, from: rdy) { kernels, rdz in
          kernels.activation_backward_tangent(
            count, activation, y.values, dz.values, rz.values, rdz, rdz)
        }
      }
      trial.shape = "count \(count)"
      let exp = trial.compare(["exp": count]) { $0.vector_exp(count, x.values, $1[0]) }[0]
      trial.expect("exp in place", exp, from: x) { $0.vector_exp(count, $1, $1) }
      let positive = trial.input(count, KC_POSITIVE)
      let log = trial.compare(["log": count]) { $0.vector_log(count, positive.values, $1[0]) }[0]
      trial.expect("log in place", log, from: positive) { $0.vector_log(count, $1, $1) }
    }
  }

  @Test("rectifiers have the reference's bits", arguments: InstructionSet.available)
  func rectifierBits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let count = trial.random.count(0...100)
      let x = trial.input(count, trial.random.element([KC_ARGUMENTS, KC_INTEGERS, KC_NON_FINITE]))
      let dy = trial.input(count)
      var rectifier = trial.random.rectifier()
      trial.shape = "count \(count) \(rectifier)"
      let y = trial.compare(["y": count]) { kernels, out in
        kernels.rectifier_forward(count, &rectifier, x.values, out[0])
      }[0]
      trial.expect("y in place", y, from: x) { $0.rectifier_forward(count, &rectifier, $1, $1) }
      let dx = trial.compare(["dx": count]) { kernels, out in
        kernels.rectifier_backward(count, &rectifier, x.values, dy.values, out[0])
      }[0]
      trial.expect("dx in place", dx, from: dy) { kernels, dx in
        kernels.rectifier_backward(count, &rectifier, x.values, dx, dx)
      }
    }
  }

  @Test("linear maps have the reference's bits", arguments: InstructionSet.available)
  func linearBits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let count = trial.random.count(0...100)
      let (x, start) = (trial.input(count), trial.input(count))
      let (scale, offset) = (trial.number(), trial.number())
      trial.shape = "count \(count) scale \(scale) offset \(offset)"
      let y = trial.compare(["y": count]) { $0.affine(count, scale, offset, x.values, $1[0]) }[0]
      trial.expect("y in place", y, from: x) { $0.affine(count, scale, offset, $1, $1) }
      trial.compare(["sum": count], from: [start]) { $0.add_scaled(count, scale, x.values, $1[0]) }
      trial.compare(["signs": count], from: [start]) {
        $0.add_signs(count, scale, x.values, $1[0])
      }
      trial.compare(["clipped": count], from: [x]) { $0.clip(count, abs(scale), $1[0]) }
      var dots: [Double] = []
      for y in [start, x] {
        trial.compare(["dot": 1]) { kernels, out in
          dots.append(kernels.dot(count, x.values, y.values))
          out[0].pointee = 0
        }
      }
      trial.compare(["magnitudes": 1]) { kernels, out in
        dots.append(kernels.sum_magnitudes(count, x.values))
        out[0].pointee = 0
      }
      let differs = stride(from: 0, to: dots.count, by: 2).first {
        dots[$0] != dots[$0 + 1] && !(dots[$0].isNaN && dots[$0 + 1].isNaN)
      }
      trial.expect("dot", at: differs)
    }
  }

  /// Whole, and in two calls.
  @Test("sums of partials have the reference's bits", arguments: InstructionSet.available)
  func partials(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let count = trial.random.count(0...100)
      let partials = trial.random.integer(1...9)
      let stride = count + trial.random.count(0...5)
      let accumulates = trial.random.integer(0...1)
      let head = trial.random.integer(1...partials)
      trial.shape =
        "count \(count) partials \(partials) accumulates \(accumulates) cut at \(head)"
      let terms = trial.input(Int(partials) * stride).values
      let start = trial.input(count)
      let sum = trial.compare(["sum": count], from: [start]) { kernels, out in
        kernels.sum_partials(count, partials, terms, stride, accumulates, out[0])
      }[0]
      trial.expect("sum of two calls", sum, from: start) { kernels, sum in
        kernels.sum_partials(count, head, terms, stride, accumulates, sum)
        kernels.sum_partials(count, partials - head, terms + Int(head) * stride, stride, 1, sum)
      }
      guard accumulates == 0, trial.random.values == KC_PLAIN else { return }
      let wrong = (0..<count).first { i in
        sum.values[i] != (0..<Int(partials)).reduce(Float(0)) { $0 + terms[$1 * stride + i] }
      }
      trial.expect("sum in block order", at: wrong)
    }
  }

  @Test("the reference follows the formulas")
  func textbook() {
    Trial.run(nil, draws: 100) { trial in
      let count = trial.random.count(1...100)
      let x = trial.input(count, KC_PLAIN, scale: 8).values
      let dy = trial.input(count, KC_PLAIN).values
      for activation in ElementWiseTests.activations {
        trial.shape = "count \(count) activation \(activation.rawValue)"
        let (forward, backward) = (ExactSums(count), ExactSums(count))
        let found = trial.compare(["y": count, "dz": count]) { kernels, out in
          kernels.activation_forward(count, activation, x, out[0])
          kernels.activation_backward(count, activation, out[0], dy, out[1])
        }
        kc_activation(
          count, activation, x, found[0].values, dy, forward.values, backward.values)
        trial.expectNear("y", found[0], forward, terms: 0)
        trial.expectNear("dz", found[1], backward, terms: 0)
        let (rz, rdy) = (trial.input(count, KC_PLAIN).values, trial.input(count, KC_PLAIN).values)
        let tangent = ExactSums(count)
        let rdz = trial.compare(["rdz": count]) { kernels, out in
          kernels.activation_backward_tangent(
            count, activation, found[0].values, found[1].values, rz, rdy, out[0])
        }[0]
        kc_activation_tangent(count, activation, x, dy, rz, rdy, tangent.values)
        trial.expectNear("rdz", rdz, tangent, terms: 0)
      }
    }
  }

  @Test("rectifiers follow their formula")
  func rectifierTextbook() {
    Trial.run(nil, draws: 200) { trial in
      let count = trial.random.count(1...100)
      let x =
        trial.random.once(in: 2)
        ? trial.input(count, KC_INTEGERS).values : trial.input(count, KC_PLAIN, scale: 20).values
      let dy = trial.input(count, KC_PLAIN).values
      var rectifier = trial.random.rectifier()
      trial.shape = "count \(count) \(rectifier)"
      let (y, dx) = (ExactSums(count), ExactSums(count))
      kc_rectifier(count, &rectifier, x, dy, y.values, dx.values)
      let found = trial.compare(["y": count, "dx": count]) { kernels, out in
        kernels.rectifier_forward(count, &rectifier, x, out[0])
        kernels.rectifier_backward(count, &rectifier, x, dy, out[1])
      }
      trial.expectNear("y", found[0], y, terms: 0)
      trial.expectNear("dx", found[1], dx, terms: 0)
    }
  }

  @Test("rectifiers of numbers that are not finite", arguments: InstructionSet.available)
  func rectifierLimits(set: InstructionSet) {
    let kernels = set.kernels.pointee
    let x: [Float] = [-.infinity, .infinity, .nan, 7]
    for (slope, limit, expected) in [
      (0, .infinity, [0, .infinity, 7]), (0, 6, [0, 6, 6]),
      (0.5, .infinity, [-.infinity, .infinity, 7]), (0.5, 6, [-.infinity, 6, 6]),
    ] as [(Float, Float, [Float])] {
      var rectifier = cs_rectifier(negativeSlope: slope, threshold: 0, maxValue: limit)
      var y = x
      kernels.rectifier_forward(4, &rectifier, y, &y)
      #expect([y[0], y[1], y[3]] == expected && y[2].isNaN, "slope \(slope) limit \(limit)")
    }
  }

  /// `addingProduct` is libm's fma.
  @Test("linear maps follow their formulas")
  func linearTextbook() {
    Trial.run(nil, draws: 100) { trial in
      let count = trial.random.count(1...100)
      let (x, start) = (trial.input(count, KC_PLAIN), trial.input(count, KC_PLAIN))
      let (scale, offset) = (trial.number(), trial.number())
      trial.shape = "count \(count) scale \(scale) offset \(offset)"
      let limit = abs(scale)
      var (dot, magnitudes) = (0.0, 0.0)
      if count > 2 { (x.values[0], x.values[1]) = (0, -0.0) }
      let found = trial.compare(
        ["y": count, "sum": count, "clipped": count, "signs": count],
        from: [start, start, x, start]
      ) { kernels, out in
        kernels.affine(count, scale, offset, x.values, out[0])
        kernels.add_scaled(count, scale, x.values, out[1])
        kernels.clip(count, limit, out[2])
        kernels.add_signs(count, scale, x.values, out[3])
        dot = kernels.dot(count, x.values, start.values)
        magnitudes = kernels.sum_magnitudes(count, x.values)
      }
      let (v, s) = (x.values, start.values)
      let wrong = (0..<count).first { i in
        found[0].values[i] != offset.addingProduct(v[i], scale)
          || found[1].values[i] != s[i].addingProduct(scale, v[i])
          || found[2].values[i] != max(-limit, min(limit, v[i]))
          || found[3].values[i] != s[i] + (v[i] > 0 ? scale : v[i] < 0 ? -scale : 0)
      }
      trial.expect("a linear map", at: wrong)
      let exact = (0..<count).reduce(0.0) { $0 + Double(v[$1]) * Double(s[$1]) }
      trial.expect("dot", at: abs(dot - exact) <= 1e-14 * Double(count) ? nil : 0)
      let sum = (0..<count).reduce(0.0) { $0 + abs(Double(v[$1])) }
      trial.expect("magnitudes", at: abs(magnitudes - sum) <= 1e-14 * Double(count) ? nil : 0)
    }
  }

  @Test("the peak measurement reports its work", arguments: InstructionSet.available)
  func peak(set: InstructionSet) {
    var sink: Float = 0
    let kernels = set.kernels.pointee
    let few = kernels.peak_fma(10, &sink)
    #expect(few > 0 && kernels.peak_fma(1000, &sink) == 100 * few && sink.isFinite)
  }
}
