import CCrypto
import FixedNetCompute
import FixedNetCore

// Networks and training runs in Keras' files.

extension Network {
  /// The model of a Keras `.h5` or `.keras` file with its weights, ready to predict; subnormal numbers as in its training.
  /// - Parameters:
  ///   - path: a file of Keras 2 or 3, or of this library. It is not trusted: what it holds is read in a confined process.
  ///   - batch: samples at once, for which memory is planned.
  ///   - threads: that share a batch.
  /// - Throws: `CheckpointError` for what cannot be read; `ModelError`, `NetworkError`.
  public convenience init(contentsOf path: String, batch: Int = 1, threads: Int = 1) throws {
    let file = try KerasFile.read(path: path)
    try self.init(
      file.model, weights: file.weights, batch: batch, threads: threads,
      subnormals: file.training?.subnormals ?? .flush)
  }

  /// Saves model and weights in one step: as Keras' `.keras` where the name ends so, else as `.h5`.
  /// Throws: `CheckpointError`.
  public func save(to path: String) throws(CheckpointError) {
    try KerasFile.write(KerasModelFile(model: plan.model, weights: weights), to: path)
  }
}

extension Training {
  /// Saves everything that going on needs, in one step: model, weights, the optimiser's memory, the position.
  /// Keras opens the file as its own; `.keras` where the name ends so, else `.h5`.
  /// Throws: `CheckpointError`.
  public func save(to path: String) throws(CheckpointError) {
    let configuration = optimizer
    var state = TrainingState(
      modelName: network.plan.model.name, data: Training.dataName, dataDigest: samples.digest,
      seed: seed, batch: batch, blockSize: network.plan.options.resolvedBlockSize,
      optimizer: OptimizerConfiguration.json(
        configuration.optimizer, learningRate: configuration.schedule.baseRate,
        schedule: configuration.schedule, clipping: network.plan.options.clipping),
      schedule: configuration.schedule.json, learningRate: configuration.schedule.baseRate,
      epochs: max(1, position.epoch))
    state.loss = network.plan.loss?.record ?? TrainingState.defaultLoss
    if configuration.optimizer.isLegacy { state.isLegacyRMSprop = true }
    state.subnormals = network.plan.options.subnormals
    (state.epoch, state.step, state.stepInEpoch) =
      (position.epoch, position.step, position.stepInEpoch)
    state.history = history.map { epoch in
      EpochRecord(
        epoch: epoch.number,
        learningRate: configuration.rate(at: epoch.number * stepsPerEpoch - 1),
        trainLoss: epoch.loss, trainAccuracy: epoch.accuracy,
        testLoss: .nan, testAccuracy: .nan, seconds: .nan, validation: epoch.validation)
    }
    let file = KerasModelFile(
      model: network.plan.model, weights: network.weights, training: state,
      optimizerState: network.optimizerState)
    try KerasFile.write(file, to: path)
  }

  /// Goes on with a run that `save` wrote, to the bit.
  /// - Parameters:
  ///   - path: what `save` wrote.
  ///   - samples: those of the run, and no others.
  ///   - validation: as of the run, to go on with its history.
  ///   - threads: nil: as a new run.
  /// - Throws: `CheckpointError`; `TrainingStateError` for a file that another program wrote, or whose samples were others;
  ///   `ModelError`, `NetworkError`.
  public convenience init(
    resuming path: String, on samples: ImageSet, validation: ImageSet? = nil, threads: Int? = nil
  ) throws {
    let file = try KerasFile.read(path: path, trainingState: .require)
    guard let state = file.training, state.data == Training.dataName else {
      throw TrainingStateError(
        "'\(path)' was not saved by Training.save"
      )
    }
    guard state.dataDigest == samples.digest else {
      throw TrainingStateError("'\(path)' was trained on other samples")
    }
    let steps = (samples.count + max(1, state.batch) - 1) / max(1, state.batch)
    guard state.stepInEpoch == 0, state.epoch >= 0, state.history.count == state.epoch,
      state.epoch.multipliedReportingOverflow(by: steps) == (state.step, false)
    else { throw TrainingStateError("'\(path)': its training state contradicts itself") }
    let (configuration, clipping) = try state.configuration(named: "'\(path)'")
    let loss: Loss
    do { loss = try Loss(record: state.loss) } catch {
      throw TrainingStateError("'\(path)': \(error)")
    }
    var start = Start(weights: file.weights)
    start.optimizerState = file.optimizerState
    (start.position.epoch, start.position.step) = (state.epoch, state.step)
    start.position.stepInEpoch = state.stepInEpoch
    start.history = state.history.map { record in
      Epoch(
        number: record.epoch, loss: record.trainLoss, accuracy: record.trainAccuracy,
        validation: record.validation)
    }
    try self.init(
      file.model, on: samples, validation: validation, loss: loss, optimizer: configuration,
      clipping: clipping, batch: state.batch, seed: state.seed, threads: threads,
      subnormals: state.subnormals, from: start)
  }

  /// What a file records as its data, where they were arrays in memory.
  private static var dataName: String { "memory" }
}

extension ImageSet {
  /// SHA-256 of shape, values, answers and weights.
  var digest: String {
    var digest = RunningDigest(EVP_sha256())
    func add<Value: BitwiseCopyable>(_ values: [Value]) {
      var count = UInt64(values.count).littleEndian
      withUnsafeBytes(of: &count) { digest.add($0) }
      values.withUnsafeBytes { digest.add($0) }
    }
    add(shape.dimensions)
    switch pixels {
    case .bytes(let bytes): add(bytes)
    case .floats(let floats): add(floats)
    // The same as of an array.
    case .mapped(let mapped):
      var count = UInt64(mapped.count).littleEndian
      withUnsafeBytes(of: &count) { digest.add($0) }
      mapped.forEachImage { digest.add($0) }
    }
    add(labels)
    add(targetValues)
    add([targetWidth])
    add(sampleWeights)
    return digest.finish()
  }
}
