import FixedNetCompute
import FixedNetCore
import FixedNetFiles

/// What a library's own test finds where processor and compiler give the host's bits: a prediction and, where it trains, one
/// step, from samples that the library draws itself.
struct SelfTest {
  /// What the loss is told; a label's number, or a value for each output.
  private(set) var label = 0
  private(set) var targets: [Float] = []
  /// Samples of the step; 0 without one.
  let stepCount: Int
  /// Of the optimiser.
  let rate: Float
  /// CRC-32 of the outputs, and of the trained weights behind the step, in the engine's order.
  let checksum: UInt32

  /// A step of more samples takes too long to be made at every start.
  private static let batchLimit = 64

  init(_ network: DeviceNetwork, weights: [LayerWeights]) throws {
    let model = network.model
    let training = network.options.training
    let batch = training?.batch ?? 1
    let hasStep = training != nil && batch <= SelfTest.batchLimit
    let count = hasStep ? batch : 1
    let values = (0..<count).flatMap { SelfTest.sample(model.input, state: 1 + UInt32($0)) }
    var samples = ImageSet(shape: model.input, pixels: .floats(values), labels: [])
    var options = network.options
    if !hasStep { options.training = nil }
    if hasStep {
      let answers = try ExpectedRun.drawnSamples(for: model, loss: network.plan.loss, count: 1)
      label = Int(answers.labels.first ?? 0)
      samples = ImageSet(
        shape: model.input, pixels: .floats(values),
        labels: answers.labels.isEmpty ? [] : Array(repeating: answers.labels[0], count: count),
        targets: Array(repeating: answers.targets, count: count).flatMap(\.self),
        targetWidth: answers.targetWidth)
      targets = answers.targets
      // Sigmoids that are told the number of a class: the device takes a value for each output.
      if !network.takesLabels, targets.isEmpty {
        targets = Array(repeating: 0, count: network.outputCount)
        targets[label] = 1
      }
    }
    rate = training.map { Float(OptimizerName($0.optimizer).defaultLearningRate) } ?? 0
    let run = try ExpectedRun(
      model, weights: weights, options: options, samples: samples, rate: rate)
    stepCount = hasStep ? count : 0
    checksum = SelfTest.checksum(run, network, hasStep: hasStep)
  }

  /// The device fills its memory, channel by channel; Keras has the channels of a pixel side by side.
  private static func sample(_ shape: Shape, state: UInt32) -> [Float] {
    var state = state
    var values = [Float](repeating: 0, count: shape.elementCount)
    for channel in 0..<shape.channels {
      for pixel in 0..<shape.pixels {
        state = state &* 1_664_525 &+ 1_013_904_223
        values[pixel * shape.channels + channel] = Float(state >> 24) / 256
      }
    }
    return values
  }

  private static func checksum(_ run: ExpectedRun, _ network: DeviceNetwork, hasStep: Bool)
    -> UInt32
  {
    let output = network.plan.inference.output
    let (channels, pixels) = output.flattened ?? (output.shape.channels, output.shape.pixels)
    var values = (0..<channels * pixels).map {
      run.outputs[$0 % pixels * channels + $0 / pixels]
    }
    if hasStep {
      for (tensor, changed) in zip(network.tensors, run.weights.flatMap(\.tensors))
      where tensor.trainedOffset != nil {
        values += tensor.parameter.layout.engineValues(changed.values)
      }
    }
    return SavedWeights.checksum(values.lazy.flatMap(\.bitPattern.littleEndianBytes))
  }
}
