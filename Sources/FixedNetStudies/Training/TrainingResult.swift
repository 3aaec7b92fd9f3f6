import FixedNet
import Foundation

/// What a training run found.
struct TrainingResult: Equatable {
  /// Training figures are means over the epoch, in training mode, as Keras prints them; test figures follow the epoch.
  struct Epoch: Equatable {
    var trainLoss: Double
    var trainAccuracy: Double
    var testLoss: Double
    var testAccuracy: Double
  }

  var epochs: [Epoch] = []
  /// The mean loss of every step, where it was asked for.
  var batchLosses: [Float] = []
  /// Where the loss stopped to be finite; nil: nowhere.
  var divergence: String?
  var distributions: [Distribution] = []
  var sha256 = ""
  /// All weights in file order; empty where nobody needs them.
  private var weights: [Float] = []
  /// What the optimiser remembers; empty behind the last epoch.
  private var memory: [Float] = []

  init() {}

  /// The last epoch's; not a number for a run that broke.
  var final: Epoch {
    let broken = Epoch(
      trainLoss: .nan, trainAccuracy: .nan, testLoss: .nan, testAccuracy: .nan)
    return divergence == nil ? epochs.last ?? broken : broken
  }

  // MARK: - A network's values

  mutating func keep(_ network: Network, weights keepsWeights: Bool, memory keepsMemory: Bool) {
    weights = keepsWeights ? network.weights.flatMap { $0.tensors.flatMap(\.values) } : []
    memory =
      keepsMemory ? network.optimizerState.slots.flatMap { $0.tensors.flatMap(\.values) } : []
  }

  /// Brings a network to where this run was.
  /// Throws: `ModelError`; `StudyError.kept` where the values are not as many as the network's.
  func restore(_ network: Network) throws {
    var state = network.optimizerState
    let count = state.slots.flatMap(\.tensors).reduce(0) { $0 + $1.values.count }
    guard memory.count == count else {
      throw StudyError.kept(
        place: "what was kept of a run",
        reason: "the optimiser has \(count) values, found \(memory.count)")
    }
    try network.load(weights(like: network.weights))
    guard !memory.isEmpty else { return }
    var rest = memory[...]
    for slot in state.slots.indices {
      state.slots[slot].tensors = TrainingResult.fill(state.slots[slot].tensors, &rest)
    }
    try network.load(state)
  }

  /// Whether this can be what the first `last` epochs of a run gave: a file may say anything.
  /// Throws: `ModelError`.
  func isResult(of run: TrainingExperiment, to last: Int, _ data: DataSet) throws -> Bool {
    let isBroken = divergence != nil
    let isFinished = last == run.epochs || isBroken
    let batch = max(1, min(run.batch, data.train.count))
    let steps = (data.train.count + batch - 1) / batch
    let parameterCount = try run.model.weightDescriptions().joined()
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
    return (isBroken ? epochs.count < last : epochs.count == last)
      && batchLosses.count == (run.keepsBatchLosses ? epochs.count * steps : 0)
      && weights.count == (run.keepsWeights || !isFinished ? parameterCount : 0)
      && (memory.isEmpty || !isFinished) && batchLosses.allSatisfy(\.isFinite)
      && (isBroken || weights.allSatisfy(\.isFinite) && memory.allSatisfy(\.isFinite))
  }

  /// The kept weights in the shape of others.
  func weights(like others: [LayerWeights]) -> [LayerWeights] {
    var rest = weights[...]
    return others.map {
      LayerWeights(layer: $0.layer, tensors: TrainingResult.fill($0.tensors, &rest))
    }
  }

  /// Tensors of the same shapes with the next values; what is missing stays.
  private static func fill(_ tensors: [Tensor], _ rest: inout ArraySlice<Float>) -> [Tensor] {
    tensors.map { tensor in
      guard rest.count >= tensor.values.count else { return tensor }
      defer { rest = rest.dropFirst(tensor.values.count) }
      return Tensor(shape: tensor.shape, values: Array(rest.prefix(tensor.values.count)))
    }
  }
}

// MARK: - As a part of a study

extension TrainingResult {
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "epochs": .array(
        epochs.map {
          .array(
            [$0.trainLoss, $0.trainAccuracy, $0.testLoss, $0.testAccuracy].map { .number($0) })
        }),
      "batch_losses": .string(FloatText.text(batchLosses)), "sha256": .string(sha256),
      "distributions": .array(distributions.map(\.json)),
      "weights": .string(FloatText.text(weights)), "memory": .string(FloatText.text(memory)),
    ]
    if let divergence { members["divergence"] = .string(divergence) }
    return .object(members)
  }

  /// nil where it is not what `json` gives.
  init?(_ json: JSONValue) {
    let names = ["epochs", "batch_losses", "sha256", "distributions", "weights", "memory"]
    let hasPlace = json["divergence"] != nil
    guard KeptFile.hasMembers(json, Set(names + (hasPlace ? ["divergence"] : []))),
      case .array(let epochs)? = json["epochs"],
      case .array(let distributions)? = json["distributions"],
      case .string(let sha256)? = json["sha256"], KeptFile.isSHA256(sha256),
      let batchLosses = FloatText.values(json["batch_losses"]),
      let weights = FloatText.values(json["weights"]), let memory = FloatText.values(json["memory"])
    else { return nil }
    for epoch in epochs {
      guard case .array(let members) = epoch else { return nil }
      let values = members.compactMap(\.double)
      guard members.count == 4, values.count == 4, values[0].isFinite,
        [values[1], values[3]].allSatisfy({ (0...1).contains($0) })
      else { return nil }
      self.epochs.append(
        Epoch(
          trainLoss: values[0], trainAccuracy: values[1], testLoss: values[2],
          testAccuracy: values[3]))
    }
    self.distributions = distributions.compactMap(Distribution.init)
    guard self.distributions.count == distributions.count else { return nil }
    divergence = KeptFile.text(json["divergence"])
    guard hasPlace == (divergence != nil) else { return nil }
    guard !self.epochs.isEmpty || divergence != nil else { return nil }
    (self.sha256, self.batchLosses, self.weights, self.memory) =
      (sha256, batchLosses, weights, memory)
  }
}

/// Floats as a text of their bytes, little-endian, in base 64: their bits come back.
enum FloatText {
  static func text(_ values: [Float]) -> String {
    values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0).base64EncodedString() }
  }

  static func values(_ json: JSONValue?) -> [Float]? {
    guard case .string(let text)? = json, let data = Data(base64Encoded: text),
      data.count % MemoryLayout<UInt32>.size == 0
    else { return nil }
    return data.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: MemoryLayout<UInt32>.size).map {
        Float(
          bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
        )
      }
    }
  }
}
