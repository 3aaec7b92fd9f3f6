import FixedNetCore

/// Predictions for samples in the caller's own memory.
extension Network {
  /// A network that predicts: its memory is planned for `batch` samples at once.
  /// - Parameters:
  ///   - model: what to run.
  ///   - weights: one entry per layer, such as `Network.weights` of another network of this model.
  ///   - batch: samples at once; more of them run one after the other.
  ///   - threads: that share a batch.
  ///   - subnormals: what becomes of numbers below the smallest normal one: as the weights were trained.
  /// - Throws: `ModelError`, `NetworkError`.
  public convenience init(
    _ model: Model, weights: [LayerWeights], batch: Int = 1, threads: Int = 1,
    subnormals: Subnormals = .flush
  ) throws {
    var options = PlanOptions(batch: batch, isTraining: false, threads: threads)
    options.subnormals = subnormals
    try self.init(NetworkPlan(model, options: options))
    try load(weights)
  }

  /// The outputs for some samples, one after the other, channels last.
  /// Throws: as `predict(_:into:)`.
  public func predict(_ samples: [Float]) throws(NetworkError) -> [Float] {
    var outputs = [Float](repeating: 0, count: samples.count / inputCount * outputCount)
    try predict(samples, into: &outputs)
    return outputs
  }

  /// The same into an array that the caller has. Allocates nothing.
  /// - Parameters:
  ///   - samples: [count][inputCount].
  ///   - outputs: [count][outputCount]; overwritten.
  /// - Throws: `NetworkError.samples` where the arrays do not suit the model; `.weightsNotSet`, `.isSolving`.
  public func predict(_ samples: [Float], into outputs: inout [Float]) throws(NetworkError) {
    try samples.withUnsafeBufferPointer { samples throws(NetworkError) in
      try outputs.withUnsafeMutableBufferPointer { outputs throws(NetworkError) in
        try predict(samples, into: outputs)
      }
    }
  }

  /// The same for memory of any kind.
  /// Throws: as for arrays.
  public func predict(
    _ samples: UnsafeBufferPointer<Float>, into outputs: UnsafeMutableBufferPointer<Float>
  ) throws(NetworkError) {
    guard !isSolving else { throw .isSolving }
    guard hasWeights else { throw .weightsNotSet }
    let count = samples.count / inputCount
    guard count > 0, samples.count == count * inputCount, let source = samples.baseAddress else {
      throw .samples(expected: "a multiple of \(inputCount) values", found: samples.count)
    }
    guard outputs.count == count * outputCount, let target = outputs.baseAddress else {
      throw .samples(
        expected: "room for \(count * outputCount) outputs (\(count) samples)",
        found: outputs.count)
    }
    try plan.model.inputType.check(samples)
    infer(
      inferenceProgram.program, ImageSource(.floats(source, stride: inputCount)), nil, count,
      outputs: target
    ) { _ in }
  }
}
