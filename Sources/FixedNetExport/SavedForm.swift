import FixedNetCompute
import FixedNetCore
import FixedNetFiles

/// What is the same in everything that a library saves: see `storage.c` for the layout.
struct SavedForm {
  static let magic = Array("FNSV".utf8)
  /// Goes up with every change of the layout, or of what identifies a model.
  static let version: UInt32 = 1
  static let pieceByteCount = 64

  /// What was trained and how, in JSON: enough to bring it back to a file of Keras.
  let description: [UInt8]
  /// SHA-256 of the model, of the weights that stay in flash, and of the description.
  let identity: [UInt8]
  /// The trained weights, then each of the arrays that the optimiser keeps.
  let floatCount: Int

  /// nil for a library that only predicts.
  init?(_ network: DeviceNetwork) {
    guard let training = network.options.training else { return nil }
    self.init(network, description: SavedDescription(network, training).text)
  }

  /// `description`: as a library of this network has it.
  init(_ network: DeviceNetwork, description: String) {
    self.description = Array(description.utf8)
    floatCount = network.trainedCount * (1 + network.stateNames.count)
    let frozen = network.tensors.filter { $0.trainedOffset == nil }.map {
      LayerWeights(
        layer: $0.parameter.layerName, tensors: [Tensor(shape: [$0.count], values: $0.values)])
    }
    let text = [network.model.json.text, WeightsDigest.sha256(frozen), description]
    let digits = Array(Digest.sha256(Array(text.joined(separator: "\n").utf8)).utf8)
    identity = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }

  /// The first piece; the device puts in sequence number, steps and checksum.
  var head: [UInt8] {
    let sizes = [UInt32(description.count), UInt32(floatCount), 0]
    let words = [SavedForm.version, 0, 0] + sizes
    return SavedForm.magic + words.flatMap(\.littleEndianBytes) + identity + [0, 0, 0, 0]
  }

  /// Of a slot: head, description, floats, checksum.
  var byteCount: Int { SavedForm.byteCount(description: description.count, floats: floatCount) }

  static func byteCount(description: Int, floats: Int) -> Int {
    let piece = pieceByteCount
    return piece * (2 + (description + piece - 1) / piece + (4 * floats + piece - 1) / piece)
  }
}

extension UInt32 {
  var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}

/// What a slot says of the training, in words.
struct SavedDescription {
  /// Layers that stay in flash.
  var frozenLayers: [String]
  /// As a file records it.
  var loss: String
  /// As Keras describes it.
  var optimizer: JSONValue
  /// What the optimiser remembers of each weight.
  var slots: [String]
  var subnormals: Subnormals

  init(_ network: DeviceNetwork, _ training: ExportOptions.Training) {
    frozenLayers = network.model.frozenLayers.sorted()
    loss = network.plan.loss?.record ?? ""
    let rate = OptimizerName(training.optimizer).defaultLearningRate
    optimizer = OptimizerConfiguration.json(
      training.optimizer, learningRate: rate, clipping: training.clipping)
    slots = training.optimizer.slotNames
    subnormals = network.options.subnormals
  }

  /// nil for anything but what `text` writes.
  init?(_ text: String) {
    guard let json = try? JSONValue(parsing: text), let optimizer = json["optimizer"],
      let frozen = json["frozen"]?.strings, let slots = json["slots"]?.strings,
      case .string(let loss)? = json["loss"]
    else { return nil }
    (frozenLayers, self.loss, self.optimizer, self.slots) = (frozen, loss, optimizer, slots)
    subnormals = json["subnormals"] == "keep" ? .keep : .flush
  }

  var text: String {
    var members: [String: JSONValue] = [
      "frozen": .array(frozenLayers.map { .string($0) }), "loss": .string(loss),
      "optimizer": optimizer, "slots": .array(slots.map { .string($0) }),
    ]
    if subnormals != .flush { members["subnormals"] = .string(subnormals.rawValue) }
    return JSONValue.object(members).text
  }
}

extension JSONValue {
  /// The texts of an array of nothing else.
  fileprivate var strings: [String]? {
    guard case .array(let values) = self else { return nil }
    let strings = values.compactMap { value -> String? in
      if case .string(let text) = value { text } else { nil }
    }
    return strings.count == values.count ? strings : nil
  }
}
