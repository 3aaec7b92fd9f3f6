import CSupport
import FixedNet
import Foundation
import Testing

/// Three steps of Keras 3.15 (JAX) on one variable, `keras.optimizers.X(0.01).apply([gradient], [variable])`.
@Suite("Updates as in Keras")
struct KerasUpdateTests {
  private static let start: [Float] = [0.5, -1.25, 0, 3]
  private static let gradients: [[Float]] = [
    [0.5, -2, 0.01, 1], [-0.25, -1, 0.02, 0], [0.125, 3, -0.04, 1e-3],
  ]

  private static func expect(
    _ expected: [Float], _ set: InstructionSet, sourceLocation: SourceLocation = #_sourceLocation,
    _ update: (cs_kernels, _ step: Int, [Float], inout [Float]) -> Void
  ) {
    var w = start
    for (step, gradient) in gradients.enumerated() {
      update(set.kernels.pointee, step + 1, gradient, &w)
    }
    for (found, expected) in zip(w, expected) {
      #expect(abs(found - expected) <= 2.5e-7, "\(set)", sourceLocation: sourceLocation)
    }
  }

  @Test("Nadam", arguments: InstructionSet.available)
  func nadam(set: InstructionSet) {
    var (m, v) = ([Float](repeating: 0, count: 4), [Float](repeating: 0, count: 4))
    let (beta1, beta2) = (Double(Float(0.9)), Double(Float(0.999)))
    func mu(_ step: Int) -> Double { beta1 * (1 - 0.5 * pow(0.96, Double(step))) }
    func product(_ steps: Int) -> Double { (1...steps).reduce(1) { $0 * mu($1) } }
    Self.expect([0.4906647, -1.2420849, -0.011303278, 2.9878676], set) { kernels, step, dw, w in
      var rule = cs_nadam(
        momentumRate: Float(0.01 * mu(step + 1) / (1 - product(step + 1))),
        gradientRate: Float(0.01 * (1 - mu(step)) / (1 - product(step))),
        gradientShare: Float(1 - beta1), squareShare: Float(1 - beta2),
        squareScale: Float(1 / (1 - pow(beta2, Double(step)))), epsilon: 1e-7)
      kernels.nadam_update(4, &rule, dw, &m, &v, &w)
    }
  }

  @Test("Adagrad", arguments: InstructionSet.available)
  func adagrad(set: InstructionSet) {
    var sum = [Float](repeating: 0.1, count: 4)
    Self.expect([0.49353054, -1.243684, 0.00030488486, 2.9904559], set) { kernels, _, dw, w in
      kernels.adagrad_update(4, 0.01, 1e-7, dw, &sum, &w)
    }
  }

  @Test("AdamW with a weight decay of 0.1", arguments: InstructionSet.available)
  func adamW(set: InstructionSet) {
    var (m, v) = ([Float](repeating: 0, count: 4), [Float](repeating: 0, count: 4))
    let (beta1, beta2) = (Double(Float(0.9)), Double(Float(0.999)))
    Self.expect([0.4824567, -1.2277813, -0.017679693, 2.9691494], set) { kernels, step, dw, w in
      let correction = (1 - pow(beta2, Double(step))).squareRoot() / (1 - pow(beta1, Double(step)))
      var rule = cs_adam(
        rate: Float(0.01 * correction), gradientShare: 0.1, squareShare: 0.001, epsilon: 1e-7)
      kernels.decay(4, 0.01 * 0.1, &w)
      kernels.adam_update(4, &rule, dw, &m, &v, &w)
    }
  }
}
