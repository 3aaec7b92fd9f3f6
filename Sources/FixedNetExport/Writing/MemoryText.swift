import FixedNetCompute

/// Everything that changes on the device, as one struct.
struct MemoryText {
  private let fields: [(declaration: String, byteCount: Int, comment: String)]

  init(_ network: DeviceNetwork) {
    var fields: [(String, Int, String)] = []
    func array(_ name: String, _ count: Int, _ comment: String) {
      guard count > 0 else { return }
      fields.append(("float \(name)[\(count)];", 4 * count, comment))
    }
    if let training = network.options.training {
      array("weights", network.trainedCount, "The weights that are trained.")
      for name in network.stateNames {
        array(name, network.trainedCount, "What the optimiser remembers of each.")
      }
      if !training.updatesInBackward {
        array("gradients", network.trainedCount, "Of the mini-batch so far.")
      }
    }
    array("work", network.workCount, "What the layers work in.")
    if let training = network.options.training {
      fields.append(("float loss;", 4, "Of the last sample."))
      fields.append(("uint32_t step;", 4, "Steps of the optimiser so far."))
      if !training.updatesInBackward {
        fields.append(("uint32_t image;", 4, "Samples of the mini-batch so far."))
        fields.append(
          ("uint32_t is_broken;", 4, "Whether one of them had a loss that is not finite."))
      }
    }
    self.fields = fields
  }

  var byteCount: Int { fields.reduce(0) { $0 + $1.byteCount } }

  var text: String {
    let lines = fields.map { "  \($0.declaration)  // \($0.comment)" }
    return "typedef struct library_memory {\n" + lines.joined(separator: "\n")
      + "\n} library_memory;"
  }
}
