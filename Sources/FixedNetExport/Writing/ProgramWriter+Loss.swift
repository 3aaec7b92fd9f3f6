import CSupport
import FixedNetCompute
import FixedNetCore

/// The loss and its gradient.
extension ProgramWriter {
  /// Sets the memory's loss.
  mutating func loss(_ operation: Operation) throws {
    let scale = CText.literal(network.gradientScale)
    switch operation {
    case .crossEntropy(let o):
      guard let gradient = o.pointee.gradient else { return }
      write(
        "memory.loss = softmax_cross_entropy(\(o.pointee.classCount), \(at(o.pointee.logits)), "
          + "\(labelExpression), \(scale), \(at(gradient)));")
    case .squaredError(let o):
      guard let gradient = o.pointee.gradient else { return }
      let target = target(o.pointee.targets)
      write(
        "memory.loss = squared_error(\(o.pointee.outputCount), \(at(o.pointee.outputs)), \(target), "
          + "\(CText.literal(o.pointee.weight)), \(scale), \(at(gradient)));")
    case .logisticLoss(let o):
      guard let gradient = o.pointee.gradient else { return }
      let target = target(o.pointee.targets)
      write(
        "memory.loss = logistic_loss(\(o.pointee.outputCount), \(at(o.pointee.logits)), \(target), "
          + "\(CText.literal(o.pointee.slope)), \(CText.literal(o.pointee.weight)), \(scale), "
          + "\(at(gradient)));")
    case .outputLoss(let o): outputLoss(o.pointee, scale)
    case .convolution, .transposedConvolution, .depthwise, .dense, .pooling, .activation,
      .rectifier, .rescaling, .normalization, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .batchNormalization,
      .batchNormalizationInference, .function, .gradientSum, .merge, .gather, .copy, .input:
      break
    }
  }

  /// The label in the order of the engine's outputs, which are [channel][pixel].
  private var labelExpression: String {
    guard let target = network.plan.training?.targets, target.pixels > 1, target.channels > 1 else {
      return "label"
    }
    return "label % \(target.channels) * \(target.pixels) + label / \(target.channels)"
  }

  /// The targets in the order of the outputs.
  private mutating func target(_ slot: BlockSlot) -> String {
    guard let target = network.plan.training?.targets, target.pixels > 1, target.channels > 1 else {
      return "target"
    }
    write("channels_first(\(target.channels), \(target.pixels), target, \(at(slot)));")
    return at(slot)
  }

  private mutating func outputLoss(_ o: OutputLossOperation, _ scale: String) {
    guard let gradient = o.gradient else { return }
    let target = target(o.targets)
    let l = o.loss
    let fields = [
      l.weight, l.targetScale, l.targetOffset, l.delta, l.alpha, l.gamma, l.slope,
    ].map { CText.literal($0) }
    var numbers = structure("loss_numbers", "numbers", fields + ["\(l.balances)"])
    if o.convertsBinaryTargets {
      // Targets that are all 0 or 1 stand for -1 and 1.
      var converted = fields
      (converted[1], converted[2]) = (CText.literal(Float(2)), CText.literal(Float(-1)))
      let other = structure("loss_numbers", "binary_numbers", converted + ["\(l.balances)"])
      numbers = "are_binary(\(o.outputCount), \(target)) ? \(other) : \(numbers)"
    }
    write(
      "memory.loss = \(l.kind.cName)_loss(\(numbers), \(o.outputCount), \(at(o.outputs)), "
        + "\(target), \(scale), \(at(gradient)));")
  }
}

extension cs_loss_kind {
  /// What its function begins with.
  var cName: String {
    let names = [
      "absolute_error", "percentage_error", "logarithmic_error", "huber", "log_cosh", "hinge",
      "squared_hinge", "poisson", "divergence", "binary_cross_entropy", "binary_focal",
      "smooth_logistic",
      "softmax_target", "categorical_cross_entropy", "categorical_focal", "categorical_hinge",
    ]
    return names[Int(rawValue)]
  }
}
