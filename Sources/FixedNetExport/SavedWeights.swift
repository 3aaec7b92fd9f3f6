import FixedNetCompute
import FixedNetCore
import FixedNetFiles

/// What a device saved, on its way back to a file of Keras.
package struct SavedWeights {
  /// Steps of the optimiser on the device.
  package let steps: Int
  /// What became of numbers below the smallest normal one on the device.
  package var subnormals: Subnormals { description.subnormals }
  private let description: SavedDescription
  private let descriptionText: String
  private let identity: ArraySlice<UInt8>
  private let floats: [Float]

  /// The most bytes that are read: more than any microcontroller has.
  package static let sizeLimit = 1 << 30

  /// `bytes`: those of a slot as `NAME_save` wrote it, with whatever follows.
  /// Throws: `ExportError` for what is cut or damaged, no such file, or one of another version.
  package init(_ bytes: [UInt8]) throws(ExportError) {
    let piece = SavedForm.pieceByteCount
    guard bytes.count >= piece, Array(bytes.prefix(4)) == SavedForm.magic else {
      throw ExportError(
        "no weights that a library of fixednet export saved; give the bytes of a slot as the device "
          + "wrote them")
    }
    guard SavedWeights.word(bytes, piece - 4) == SavedWeights.checksum(bytes.prefix(piece - 4))
    else { throw SavedWeights.damaged }
    let version = SavedWeights.word(bytes, 4)
    guard version == SavedForm.version else {
      throw ExportError(
        "saved in version \(version) of the format, and this program reads \(SavedForm.version); "
          + "use the release of fixednet that exported the library")
    }
    let (textCount, floatCount) = (
      Int(SavedWeights.word(bytes, 16)), Int(SavedWeights.word(bytes, 20))
    )
    let count = SavedForm.byteCount(description: textCount, floats: floatCount)
    guard bytes.count >= count else {
      throw ExportError(
        "cut: \(bytes.count) bytes, and \(count) were saved; read it from the device again")
    }
    let end = count - piece
    guard SavedWeights.word(bytes, end) == SavedWeights.checksum(bytes.prefix(end)) else {
      throw SavedWeights.damaged
    }
    descriptionText = String(decoding: bytes[piece..<piece + textCount], as: UTF8.self)
    guard let description = SavedDescription(descriptionText) else { throw SavedWeights.damaged }
    self.description = description
    steps = Int(SavedWeights.word(bytes, 12))
    identity = bytes[28..<60]
    let first = piece * (1 + (textCount + piece - 1) / piece)
    floats = (0..<floatCount).map {
      Float(bitPattern: SavedWeights.word(bytes, first + 4 * $0))
    }
  }

  private static let damaged = ExportError(
    "damaged: the checksum does not fit; read it from the device again, or take its other slot")

  private static func word(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * $1) }
  }

  /// CRC-32 as of zip and PNG.
  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
    return ~sum
  }

  /// The model with the weights of the device, its training and the optimiser's memory.
  /// `model`, `weights`: those that the library was exported from.
  /// Throws: `ExportError` where they are others.
  package func kerasFile(_ model: Model, weights: [LayerWeights]) throws -> KerasModelFile {
    let other = ExportError(
      "saved by a library of another model, or with other weights; name the file that it was "
        + "exported from with --model")
    var model = model
    guard Set(description.frozenLayers).isSubset(of: model.layers.map(\.name)) else { throw other }
    model.frozenLayers = Set(description.frozenLayers)
    // The order of the values depends on nothing else that a training has.
    let loss = try description.loss.isEmpty ? nil : Loss(record: description.loss)
    let options = ExportOptions(name: "saved", training: ExportOptions.Training(loss: loss))
    // What no library can be made of is not what this one was made of.
    guard let network = try? DeviceNetwork(model, weights: weights, options) else { throw other }
    let form = SavedForm(network, description: descriptionText)
    let arrayCount = 1 + description.slots.count
    guard form.identity == Array(identity), network.trainedCount * arrayCount == floats.count
    else { throw other }
    var file = KerasModelFile(model: model, weights: trained(network, into: weights))
    file.trainingConfig = [
      "loss": network.plan.loss?.kerasJSON ?? .null, "metrics": ["accuracy"],
      "weighted_metrics": nil, "loss_weights": nil, "optimizer_config": description.optimizer,
    ]
    file.optimizerState = OptimizerState(
      slots: description.slots.enumerated().map { index, name in
        OptimizerState.Slot(name: name, tensors: trained(network, array: 1 + index))
      })
    file.iterations = steps
    return file
  }

  /// One of the arrays, as the tensors of the trained weights in Keras' order.
  private func trained(_ network: DeviceNetwork, array: Int) -> [Tensor] {
    network.tensors.compactMap { tensor in
      guard let offset = tensor.trainedOffset else { return nil }
      let first = array * network.trainedCount + offset
      let parameter = tensor.parameter
      return Tensor(
        shape: parameter.description.shape,
        values: parameter.layout.kerasValues(Array(floats[first..<first + tensor.count])))
    }
  }

  private func trained(_ network: DeviceNetwork, into weights: [LayerWeights]) -> [LayerWeights] {
    var rest = trained(network, array: 0)[...]
    var tensors = network.tensors[...]
    return weights.map { layer in
      var layer = layer
      for index in layer.tensors.indices where tensors.removeFirst().trainedOffset != nil {
        layer.tensors[index] = rest.removeFirst()
      }
      return layer
    }
  }
}
