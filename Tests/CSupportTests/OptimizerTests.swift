import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

@Suite("Optimiser kernels")
struct OptimizerTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let count = trial.random.count(0...100)
      let (dw, w, m) = (trial.input(count), trial.input(count), trial.input(count))
      // Means of squares; non-finite numbers come from the gradients.
      let v = trial.input(count, KC_POSITIVE)
      let average = trial.input(count, KC_PLAIN)
      let isNesterov = trial.random.integer(0...1)
      var rule = trial.random.rmsprop()
      var adam = cs_adam(rate: 0.01, gradientShare: 0.1, squareShare: 0.001, epsilon: 1e-7)
      let (isCentered, hasMomentum) = (trial.random.once(in: 2), rule.momentum > 0)
      trial.shape = "count \(count) nesterov \(isNesterov) centred \(isCentered) \(rule)"
      trial.compare(["w": count], from: [w]) { $0.sgd_update(count, 0.1, dw.values, $1[0]) }
      trial.compare(["w": count, "m": count], from: [w, m]) { kernels, out in
        kernels.momentum_update(count, 0.1, 0.9, isNesterov, dw.values, out[1], out[0])
      }
      let slots = ["w": count, "v": count, "average": count, "velocity": count] as KeyValuePairs
      trial.compare(slots, from: [w, v, average, m]) { kernels, out in
        kernels.rmsprop_update(
          count, &rule, dw.values, out[1], isCentered ? out[2] : nil, hasMomentum ? out[3] : nil,
          out[0])
      }
      trial.compare(["w": count, "m": count, "v": count], from: [w, m, v]) { kernels, out in
        kernels.adam_update(count, &adam, dw.values, out[1], out[2], out[0])
      }
      var nadam = cs_nadam(
        momentumRate: 0.01, gradientRate: 0.02, gradientShare: 0.1, squareShare: 0.001,
        squareScale: 3, epsilon: 1e-7)
      trial.compare(["w": count, "m": count, "v": count], from: [w, m, v]) { kernels, out in
        kernels.nadam_update(count, &nadam, dw.values, out[1], out[2], out[0])
      }
      trial.compare(["w": count, "sum": count], from: [w, v]) { kernels, out in
        kernels.adagrad_update(count, 0.1, 1e-7, dw.values, out[1], out[0])
      }
      trial.compare(["w": count], from: [w]) { $0.decay(count, 4e-3, $1[0]) }
    }
  }

  @Test("momentum follows the textbook over eight steps", arguments: [false, true])
  func momentum(isNesterov: Bool) {
    let rate = 0.1
    let momentum = 0.9
    OptimizerTests.compare(slots: 1) { weight, step, gradient in
      // Nesterov's step is the look-ahead of Sutskever et al., 2013, in Keras' variables.
      weight.slots[0] = momentum * weight.slots[0] - rate * gradient
      weight.value += isNesterov ? momentum * weight.slots[0] - rate * gradient : weight.slots[0]
    } run: { kernels, count, step, dw, slots, w in
      kernels.momentum_update(count, 0.1, 0.9, isNesterov ? 1 : 0, dw, slots[0], w)
    }
  }

  @Test(
    "RMSprop follows the textbook over eight steps", arguments: [false, true], [false, true])
  func rmsprop(isCentered: Bool, hasMomentum: Bool) {
    for isLegacy in [false, true] {
      let rate = 0.01
      let rho = 0.9
      let momentum = hasMomentum ? 0.8 : 0
      let epsilon = 1e-3
      var rule = cs_rmsprop(
        learningRate: 0.01, rho: 0.9, gradientShare: 0.1, momentum: Float(momentum), epsilon: 1e-3,
        isLegacy: isLegacy ? 1 : 0)
      OptimizerTests.compare(slots: 3) { weight, step, gradient in
        weight.slots[0] = rho * weight.slots[0] + (1 - rho) * gradient * gradient
        weight.slots[1] = rho * weight.slots[1] + (1 - rho) * gradient
        let mean = isCentered ? weight.slots[1] : 0
        let variance = weight.slots[0] - mean * mean
        let deviation =
          isLegacy ? variance.squareRoot() + epsilon : (variance + epsilon).squareRoot()
        weight.slots[2] = momentum * weight.slots[2] + rate * gradient / deviation
        weight.value -= weight.slots[2]
        if !isCentered { weight.slots[1] = 0 }  // not kept
        if !hasMomentum { weight.slots[2] = 0 }
      } run: { kernels, count, step, dw, slots, w in
        kernels.rmsprop_update(
          count, &rule, dw, slots[0], isCentered ? slots[1] : nil, hasMomentum ? slots[2] : nil, w)
      }
    }
  }

  /// Kingma and Ba, "Adam", 2015, algorithm 1 in the form of the end of its section 2.
  @Test("Adam follows the paper over eight steps")
  func adam() {
    let rate = 0.01
    let beta1 = 0.9
    let beta2 = 0.999
    let epsilon = 1e-7
    OptimizerTests.compare(slots: 2) { weight, step, gradient in
      weight.slots[0] = beta1 * weight.slots[0] + (1 - beta1) * gradient
      weight.slots[1] = beta2 * weight.slots[1] + (1 - beta2) * gradient * gradient
      let mean = weight.slots[0] / (1 - pow(beta1, Double(step)))
      let correction = 1 - pow(beta2, Double(step))
      let deviation = (weight.slots[1] / correction).squareRoot()
      weight.value -= rate * mean / (deviation + epsilon / correction.squareRoot())
    } run: { kernels, count, step, dw, slots, w in
      let corrected =
        rate * (1 - pow(beta2, Double(step))).squareRoot() / (1 - pow(beta1, Double(step)))
      var rule = cs_adam(
        rate: Float(corrected), gradientShare: 0.1, squareShare: 0.001, epsilon: 1e-7)
      kernels.adam_update(count, &rule, dw, slots[0], slots[1], w)
    }
  }

  /// Dozat, "Incorporating Nesterov momentum into Adam", 2016, algorithm 2 with the decay of mu that Keras has.
  @Test("Nadam follows the paper over eight steps")
  func nadam() {
    let rate = 0.01
    let beta1 = 0.9
    let beta2 = 0.999
    let epsilon = 1e-7
    func mu(_ step: Int) -> Double { beta1 * (1 - 0.5 * pow(0.96, Double(step))) }
    func product(_ steps: Int) -> Double { (1...steps).reduce(1) { $0 * mu($1) } }
    OptimizerTests.compare(slots: 2) { weight, step, gradient in
      weight.slots[0] = beta1 * weight.slots[0] + (1 - beta1) * gradient
      weight.slots[1] = beta2 * weight.slots[1] + (1 - beta2) * gradient * gradient
      let mean =
        mu(step + 1) * weight.slots[0] / (1 - product(step + 1))
        + (1 - mu(step)) * gradient / (1 - product(step))
      let deviation = (weight.slots[1] / (1 - pow(beta2, Double(step)))).squareRoot()
      weight.value -= rate * mean / (deviation + epsilon)
    } run: { kernels, count, step, dw, slots, w in
      let momentumRate = rate * mu(step + 1) / (1 - product(step + 1))
      let gradientRate = rate * (1 - mu(step)) / (1 - product(step))
      let squareScale = 1 / (1 - pow(beta2, Double(step)))
      var rule = cs_nadam(
        momentumRate: Float(momentumRate), gradientRate: Float(gradientRate), gradientShare: 0.1,
        squareShare: 0.001, squareScale: Float(squareScale), epsilon: 1e-7)
      kernels.nadam_update(count, &rule, dw, slots[0], slots[1], w)
    }
  }

  /// Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011, with Keras' epsilon below the root.
  @Test("Adagrad follows the paper over eight steps")
  func adagrad() {
    OptimizerTests.compare(slots: 1) { weight, step, gradient in
      weight.slots[0] += gradient * gradient
      weight.value -= 0.1 * gradient / (weight.slots[0] + 1e-7).squareRoot()
    } run: { kernels, count, step, dw, slots, w in
      kernels.adagrad_update(count, 0.1, 1e-7, dw, slots[0], w)
    }
  }

  /// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; before the step, as in Keras.
  @Test("weights decay over eight steps, whatever the gradient is")
  func decay() {
    OptimizerTests.compare(slots: 0) { weight, step, gradient in
      weight.value -= 0.05 * weight.value
      weight.value -= 0.1 * gradient
    } run: { kernels, count, step, dw, slots, w in
      kernels.decay(count, 0.05, w)
      kernels.sgd_update(count, 0.1, dw, w)
    }
  }

  // MARK: Textbook

  private struct Weight {
    var value: Double
    var slots: [Double]
  }

  /// Eight steps of `update` on every weight in double, and of `run` on all of them in each
  /// instruction set: weights and slots agree to 5e-6 of the largest. `step` counts from 1.
  private static func compare(
    slots: Int, _ update: (inout Weight, _ step: Int, _ gradient: Double) -> Void,
    run: (
      cs_kernels, Int, _ step: Int, UnsafePointer<Float>, Trial.Outputs,
      UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    for set in InstructionSet.available {
      Trial.run(set, draws: 20) { trial in
        let count = trial.random.count(1...100)
        trial.shape = "count \(count)"
        let w = trial.input(count, KC_PLAIN)
        let state = (0..<slots).map { _ in trial.output(count) }
        for slot in state { slot.values.update(repeating: 0, count: count) }
        var weights = (0..<count).map {
          Weight(value: Double(w.values[$0]), slots: [Double](repeating: 0, count: slots))
        }
        for step in 1...8 {
          let dw = trial.input(count, KC_PLAIN)
          run(set.kernels.pointee, count, step, dw.values, state.map(\.values), w.values)
          for i in 0..<count { update(&weights[i], step, Double(dw.values[i])) }
        }
        for (place, found) in ([w] + state).enumerated() {
          let exact = weights.map { place == 0 ? $0.value : $0.slots[place - 1] }
          let bound = 5e-6 * exact.reduce(0) { max($0, abs($1)) }
          let wrong = (0..<count).first { !(abs(Double(found.values[$0]) - exact[$0]) <= bound) }
          trial.expect(place == 0 ? "w" : "slot \(place)", at: wrong)
        }
      }
    }
  }
}
