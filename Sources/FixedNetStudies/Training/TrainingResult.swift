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
  /// Throws: `ModelError`.
  func restore(_ network: Network) throws(ModelError) {
    try network.load(weights(like: network.weights))
    guard !memory.isEmpty else { return }
    var state = network.optimizerState
    var rest = memory[...]
    for slot in state.slots.indices {
      state.slots[slot].tensors = TrainingResult.fill(state.slots[slot].tensors, &rest)
    }
    try network.load(state)
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
    guard case .array(let epochs)? = json["epochs"],
      case .array(let distributions)? = json["distributions"],
      case .string(let sha256)? = json["sha256"],
      let batchLosses = FloatText.values(json["batch_losses"]),
      let weights = FloatText.values(json["weights"]), let memory = FloatText.values(json["memory"])
    else { return nil }
    for epoch in epochs {
      guard case .array(let members) = epoch else { return nil }
      let values = members.compactMap(\.double)
      guard values.count == 4 else { return nil }
      self.epochs.append(
        Epoch(
          trainLoss: values[0], trainAccuracy: values[1], testLoss: values[2],
          testAccuracy: values[3]))
    }
    self.distributions = distributions.compactMap(Distribution.init)
    guard self.distributions.count == distributions.count else { return nil }
    if case .string(let place)? = json["divergence"] { divergence = place }
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
