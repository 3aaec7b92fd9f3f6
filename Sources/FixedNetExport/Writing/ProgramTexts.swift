import CSupport
import FixedNetCompute
import FixedNetCore

/// The bodies of a library's functions, and the constants that they read.
struct ProgramTexts {
  private(set) var constants: [String] = []
  private(set) var predict = ""
  /// From the input to the loss.
  private(set) var forward = ""
  /// From the loss to the weights, or to the mini-batch's gradients.
  private(set) var backward = ""
  /// The optimiser's step behind a mini-batch.
  private(set) var update = ""
  /// Bytes of weights and constants in flash.
  private(set) var constantByteCount = 0

  init(_ network: DeviceNetwork) throws {
    var writer = ProgramWriter(network)
    try writer.write(network.plan.inference, forward: true)
    predict = writer.take()
    if let program = network.plan.training {
      try writer.write(program, forward: true)
      forward = writer.take()
      if network.options.training?.updatesInBackward == true { writer.rule() }
      try writer.write(program, forward: false)
      backward = writer.take()
      if network.options.training?.updatesInBackward == false {
        writer.rule()
        writer.stepAll(program.parameters)
        update = writer.take()
      }
    }
    constants = writer.constants
    constantByteCount = 4 * (writer.constantCount + network.tensors.reduce(0) { $0 + $1.count })
  }
}

extension ProgramWriter {
  /// `forward`: else the backward pass, with what follows from each gradient.
  fileprivate mutating func write(_ program: PlannedProgram, forward: Bool) throws {
    let steps =
      forward
      ? (0..<program.forwardCount).map { BackwardStep(operation: $0, isAgain: true) }
      : program.backwardSteps
    var last = ""
    for step in steps {
      layer = program.origins[step.operation].layer
      let start = lines.count
      try program.operations[step.operation].withOperation { operation in
        if step.isAgain {
          if forward || !operation.isLoss { try self.forward(operation) }
        } else {
          try backward(operation)
          update(operation)
        }
      }
      if lines.count > start, layer != last {
        insert(comment: layer + (step.isAgain && !forward ? ", again" : ""), at: start)
        last = layer
      }
    }
  }
}

extension Operation {
  var isLoss: Bool {
    switch self {
    case .crossEntropy, .squaredError, .logisticLoss, .outputLoss: true
    case .convolution, .transposedConvolution, .depthwise, .dense, .pooling, .activation,
      .rectifier, .rescaling, .normalization, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .batchNormalization,
      .batchNormalizationInference, .function, .gradientSum, .merge, .gather, .copy, .input:
      false
    }
  }
}
