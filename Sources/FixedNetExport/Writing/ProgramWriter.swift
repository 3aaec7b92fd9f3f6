import CSupport
import FixedNetCompute
import FixedNetCore

/// Writes the calls that a program makes, and the constants that they read.
struct ProgramWriter {
  let network: DeviceNetwork
  /// Of the function that is being written.
  private(set) var lines: [String] = []
  /// Definitions in front of all functions, in the order in which they were needed.
  private(set) var constants: [String] = []
  /// Values of the arrays among them.
  private(set) var constantCount = 0
  /// The names of constants that are there, by what they hold.
  private var known: [String: String] = [:]
  private var taken: Set<String>
  /// The layer whose operation is written.
  var layer = ""
  var indent = "  "

  init(_ network: DeviceNetwork) {
    self.network = network
    taken = KernelText.names.union(CText.reserved).union(network.tensors.map(\.name))
  }

  // MARK: - Lines

  mutating func write(_ line: String) {
    // A call that is too long goes on under its first argument.
    guard indent.count + line.count > 100, let open = line.firstIndex(of: "(") else {
      lines.append(indent + line)
      return
    }
    let head = line[...open]
    let under = String(repeating: " ", count: indent.count + head.count)
    var text = indent + head
    var isFirst = true
    for part in line[line.index(after: open)...].components(of: ", ") {
      let piece = isFirst ? part : ", " + part
      if !isFirst, text.lastLineCount + piece.count + 1 > 100 {
        text += ",\n" + under + part
      } else {
        text += piece
      }
      isFirst = false
    }
    lines.append(text)
  }

  /// In front of line number `index`.
  mutating func insert(comment: String, at index: Int) {
    lines.insert(indent + "// " + CText.comment(comment), at: index)
  }

  /// The lines so far, for a function's body.
  mutating func take() -> String {
    defer { lines = [] }
    return lines.joined(separator: "\n")
  }

  // MARK: - Places

  /// A slot of the working memory.
  func at(_ slot: BlockSlot) -> String { CText.place("work", slot.byteOffset / 4) }
  func at(_ slot: ThreadSlot) -> String { CText.place("work", slot.byteOffset / 4) }

  func at(_ slot: BlockSlot, plus offset: String) -> String {
    slot.byteOffset == 0 ? "work + \(offset)" : "work + \(slot.byteOffset / 4) + \(offset)"
  }

  private func tensor(_ slot: SharedSlot) -> DeviceTensor? {
    network.tensors.first { $0.parameter.weight.byteOffset == slot.byteOffset }
  }

  /// Whether training changes what is there.
  func isTrained(_ slot: SharedSlot) -> Bool { tensor(slot)?.trainedOffset != nil }

  /// The values at a slot that training leaves alone.
  func values(_ slot: SharedSlot) -> [Float] {
    if let tensor = tensor(slot) { return tensor.values }
    let constant = network.plan.constants.first { $0.slot.byteOffset == slot.byteOffset }
    return constant?.values() ?? []
  }

  /// A weight, or a constant of the description.
  mutating func at(_ slot: SharedSlot, _ what: String) -> String {
    if let tensor = tensor(slot) { return tensor.name }
    return constant(what, values(slot))
  }

  mutating func at(_ slot: SharedSlot?, _ what: String) -> String {
    slot.map { at($0, what) } ?? "0"
  }

  /// Where an optimiser's slot for a weight is: the arrays are as long as that of the weights.
  func state(_ index: Int, _ parameter: Parameter) -> String {
    CText.place(network.stateNames[index], tensor(parameter.weight)?.trainedOffset ?? 0)
  }

  func gradient(_ parameter: Parameter) -> String {
    CText.place("gradients", tensor(parameter.weight)?.trainedOffset ?? 0)
  }

  func weight(_ parameter: Parameter) -> String { tensor(parameter.weight)?.name ?? "weights" }

  // MARK: - Constants

  /// A name of the current layer's that nothing else has.
  private mutating func name(_ what: String) -> String {
    let stem = CText.identifier("\(layer)_\(what)")
    var name = stem
    var number = 2
    while !taken.insert(name).inserted {
      name = "\(stem)_\(number)"
      number += 1
    }
    return name
  }

  /// `count`: the values of an array. `key`: what makes it the same as another one.
  private mutating func define(
    _ what: String, _ key: String, count: Int, _ text: (String) -> String
  ) -> String {
    if let name = known[key] { return name }
    let name = name(what)
    known[key] = name
    constants.append(text(name))
    constantCount += count
    return name
  }

  /// An array in flash.
  mutating func constant(_ what: String, _ values: [Float]) -> String {
    let rows = CText.rows(values.map { CText.literal($0) })
    return define(what, rows, count: values.count) {
      "static const float \($0)[\(values.count)] = {\n\(rows)};"
    }
  }

  mutating func constant(_ what: String, integers: [Int32]) -> String {
    let rows = CText.rows(integers.map { "\($0)" })
    return define(what, "int32_t " + rows, count: integers.count) {
      "static const int32_t \($0)[\(integers.count)] = {\n\(rows)};"
    }
  }

  /// A struct of extents; returns a pointer to it.
  mutating func structure(_ type: String, _ what: String, _ fields: [String]) -> String {
    let value = fields.joined(separator: ", ")
    return "&"
      + define(what, "\(type) {\(value)}", count: fields.count) {
        "static const \(type) \($0) = {\(value)};"
      }
  }

  mutating func shape(_ s: cs_conv2d) -> String {
    let fields = [
      s.inChannels, s.inHeight, s.inWidth, s.outChannels, s.outHeight, s.outWidth, s.kernelHeight,
      s.kernelWidth, s.strideHeight, s.strideWidth, s.padTop, s.padLeft,
    ]
    return structure("convolution", "shape", fields.map { "\($0)" })
  }

  mutating func shape(_ s: cs_depthwise) -> String {
    let fields = [
      s.channels, s.multiplier, s.inHeight, s.inWidth, s.outHeight, s.outWidth, s.kernelHeight,
      s.kernelWidth, s.strideHeight, s.strideWidth, s.dilationHeight, s.dilationWidth, s.padTop,
      s.padLeft,
    ]
    return structure("depthwise", "shape", fields.map { "\($0)" })
  }

  /// `channels`: nil for the layer's own number.
  mutating func shape(_ s: cs_pool2d, channels: Int32? = nil) -> String {
    let fields = [
      channels ?? s.channels, s.inHeight, s.inWidth, s.outHeight, s.outWidth, s.poolHeight,
      s.poolWidth, s.strideHeight, s.strideWidth, s.padTop, s.padLeft,
    ]
    return structure("pooling", channels == nil ? "shape" : "plane", fields.map { "\($0)" })
  }

  // MARK: - Activations

  /// y = activation(x), each `count` values.
  mutating func activate(_ activation: cs_activation, _ count: Int, _ x: String, _ y: String) {
    guard let name = activation.cName else {
      if x != y { write("copy(\(count), \(x), \(y));") }
      return
    }
    write("\(name)_forward(\(count), \(x), \(y));")
  }

  /// dz = dy activation'(y)
  mutating func activateBackward(
    _ activation: cs_activation, _ count: Int, _ y: String, _ dy: String, _ dz: String
  ) {
    guard let name = activation.cName else {
      if dy != dz { write("copy(\(count), \(dy), \(dz));") }
      return
    }
    write("\(name)_backward(\(count), \(y), \(dy), \(dz));")
  }
}

extension cs_activation {
  /// What its functions begin with; nil for the identity.
  var cName: String? {
    switch self {
    case CS_TANH: "tanh"
    case CS_RELU: "relu"
    case CS_SIGMOID: "sigmoid"
    case CS_SCALED_SIGMOID: "scaled_sigmoid"
    default: nil
    }
  }
}

extension String {
  fileprivate var lastLineCount: Int { count - (lastIndex(of: "\n").map { distance(to: $0) } ?? 0) }
  private func distance(to index: Index) -> Int { distance(from: startIndex, to: index) + 1 }
}

extension Substring {
  fileprivate func components(of separator: String) -> [String] {
    var parts: [String] = []
    var rest = self
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
