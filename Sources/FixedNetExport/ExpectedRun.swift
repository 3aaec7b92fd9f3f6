import FixedNetCompute
import FixedNetCore
import FixedNetFiles

/// Samples and what the host makes of them: what a library is compared with.
package struct ExpectedRun: Sendable {
  /// Samples, channels last, with labels or targets as the loss takes them.
  package var samples: ImageSet
  /// Before any training, one after the other.
  package var outputs: [Float]
  /// Of each step; of a mini-batch the mean.
  package var losses: [Float] = []
  /// The learning rate of the steps.
  package var rate: Float
  /// Of the weights after the steps; the start's without any.
  package var digest: String
  /// After the steps.
  let weights: [LayerWeights]
  /// After the steps.
  package var outputsAfter: [Float] = []

  /// Runs the host's engine: predictions, then as many steps as there are mini-batches among the samples, `rounds` times.
  /// Throws: `ModelError`, `NetworkError`, `ExportError`.
  package init(
    _ model: Model, weights: [LayerWeights], options: ExportOptions, samples: ImageSet,
    rate: Float, rounds: Int = 1
  ) throws {
    self.samples = samples
    self.rate = rate
    let batch = options.training?.batch ?? 1
    var planned = PlanOptions(
      batch: batch, isTraining: options.training != nil, threads: 1, blockSize: 1)
    if let training = options.training {
      (planned.loss, planned.optimizer, planned.clipping) = (
        training.loss, training.optimizer, training.clipping
      )
    }
    planned.subnormals = options.subnormals
    let network = try Network(NetworkPlan(model, options: planned), instructionSet: .best)
    try network.load(weights)
    outputs = try network.predict(samples).outputs.values
    if let training = options.training {
      let count = samples.count / batch
      let factor = training.lossFactor(network.plan.loss)
      for step in 0..<count * rounds {
        let first = step % count * batch
        let part = try samples.samples(at: Array(first..<first + batch))
        let penalty = network.penalty
        let rule = training.optimizer.rule(at: step, learningRate: rate)
        let sums = try network.step(part, update: rule, step: step, seed: training.seed)
        losses.append(Float((sums.meanLoss - penalty) / factor))
      }
      outputsAfter = try network.predict(samples).outputs.values
    }
    self.weights = network.weights
    digest = WeightsDigest.sha256(self.weights, of: model)
  }
}

extension ExportOptions.Training {
  /// What the host multiplies a sample's loss by.
  fileprivate func lossFactor(_ loss: Loss?) -> Double {
    guard let loss else { return 1 }
    return loss.weight * (loss.reduction == .sum ? Double(batch) : 1)
  }
}

extension ExpectedRun {
  /// Samples between 0 and 1 with answers, drawn from a seed: for a library whose data are not at hand.
  package static func drawnSamples(
    for model: Model, loss: Loss?, count: Int, seed: UInt64 = 0
  ) throws -> ImageSet {
    let outputs = try model.shapes().output.elementCount
    let philox = Philox(seed: seed, stream: 0x6578_706F)
    func number(_ index: Int, _ kind: UInt32) -> Float {
      let words = philox.words(
        at: Philox.join(low: UInt32(truncatingIfNeeded: index), high: kind))
      return Philox.unit(words.0)
    }
    let values = (0..<count * model.input.elementCount).map { number($0, 0) }
    let takesLabels = loss?.takesClassNumbers ?? false
    if takesLabels {
      let labels = (0..<count).map { UInt16(min(65_535, Int(number($0, 1) * Float(outputs)))) }
      return ImageSet(shape: model.input, pixels: .floats(values), labels: labels)
    }
    // One output in two is asked for where classes are told apart, else any number.
    let isOfClasses = loss?.isForClasses ?? false
    let targets = (0..<count * outputs).map { index -> Float in
      let value = number(index, 2)
      guard isOfClasses else { return value }
      let isJoint =
        loss?.function == .categoricalCrossEntropy || loss?.function == .klDivergence
        || loss?.function == .categoricalFocalCrossEntropy || loss?.function == .categoricalHinge
      guard isJoint else { return value < 0.5 ? 0 : 1 }
      let wanted = Int(number(index / outputs, 3) * Float(outputs))
      return index % outputs == min(wanted, outputs - 1) ? 1 : 0
    }
    return ImageSet(
      shape: model.input, pixels: .floats(values), labels: [], targets: targets,
      targetWidth: outputs)
  }
}
