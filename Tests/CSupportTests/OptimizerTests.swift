import CSupport
import FixedNet
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
        kernels.adam_update(count, 0.01, 0.9, 0.999, 1e-7, dw.values, out[1], out[2], out[0])
      }
    }
  }
}
