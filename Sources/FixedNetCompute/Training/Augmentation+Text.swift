import FixedNetCore

/// An augmentation as options and files write it: "shift=0.1,rotation=15,zoom=0.1,flip=horizontal,fill=nearest".
extension Augmentation {
  /// What may be written, for help texts.
  package static let help =
    "shift=F (along each axis, by up to this part of it), rotation=DEGREES, zoom=F (by 1 - F to 1 + F), "
    + "flip=horizontal, vertical or both (every second image), fill=nearest, reflect or constant (what "
    + "lies beyond the border; constant is 0)"

  private static let keys = ["shift", "rotation", "zoom", "flip", "fill"]

  /// Throws: `ModelError.option` for what is not one of `help`, is out of range, or said twice.
  package init(text: String) throws(ModelError) {
    self.init()
    var seen: Set<String> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, Augmentation.keys.contains(sides[0]) else {
        throw Augmentation.refusal(
          "\(Augmentation.keys.joined(separator: "=, "))= with a value each", String(part))
      }
      guard seen.insert(sides[0]).inserted else {
        throw Augmentation.refusal("\(sides[0]) once", text)
      }
      try set(sides[0], to: sides[1])
    }
    try check()
    guard !isNone else { throw Augmentation.refusal("a shift, rotation, zoom or flip", text) }
  }

  private mutating func set(_ key: String, to value: String) throws(ModelError) {
    switch (key, value) {
    case ("flip", "horizontal"): flipsHorizontally = true
    case ("flip", "vertical"): flipsVertically = true
    case ("flip", "both"): (flipsHorizontally, flipsVertically) = (true, true)
    case ("flip", _):
      throw Augmentation.refusal("flip=horizontal, vertical or both", "flip=\(value)")
    case ("fill", _):
      guard let fill = Fill.all.first(where: { $0.name == value }) else {
        throw Augmentation.refusal("fill=nearest, reflect or constant", "fill=\(value)")
      }
      self.fill = fill
    default:
      guard let number = Double(value), number.isFinite else {
        throw Augmentation.refusal("\(key)= with a number", "\(key)=\(value)")
      }
      switch key {
      case "shift": shift = number
      case "rotation": rotation = number
      default: zoom = number
      }
    }
  }

  /// Throws: `ModelError.option` for numbers out of range.
  func check() throws(ModelError) {
    for (name, number, limit) in [("shift", shift, 1.0), ("rotation", rotation, 180)]
    where !(0...limit).contains(number) {
      throw Augmentation.refusal(
        "\(name) from 0 to \(Int(limit))", "\(name)=\(Augmentation.text(number))")
    }
    guard zoom >= 0, zoom < 1 else {
      throw Augmentation.refusal("zoom from 0 to less than 1", "zoom=\(Augmentation.text(zoom))")
    }
  }

  private static func refusal(_ expected: String, _ found: String) -> ModelError {
    .option(key: "augmentation", expected: expected, found: "'\(OneLine.short(found))'")
  }

  /// What `init(text:)` reads.
  package var text: String {
    var parts = [("shift", shift), ("rotation", rotation), ("zoom", zoom)].filter { $0.1 != 0 }
      .map { "\($0.0)=\(Augmentation.text($0.1))" }
    switch (flipsHorizontally, flipsVertically) {
    case (true, true): parts.append("flip=both")
    case (true, false): parts.append("flip=horizontal")
    case (false, true): parts.append("flip=vertical")
    case (false, false): break
    }
    return (parts + ["fill=\(fill.name)"]).joined(separator: ",")
  }

  /// 15 for 15.0.
  private static func text(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e9 ? "\(Int(number))" : "\(number)"
  }

  /// What a program does to inputs of this shape; nil for nothing.
  func input(_ shape: Shape) -> InputAugmentation? {
    guard !isNone else { return nil }
    switch shape {
    case .image(let height, let width, _):
      return InputAugmentation(self, height: height, width: width)
    case .matrix(let rows, _): return InputAugmentation(self, height: rows, width: 1)
    case .vector: return nil
    }
  }
}

extension Augmentation.Fill {
  package static let all: [Augmentation.Fill] = [.nearest, .reflect, .constant]

  package var name: String {
    switch self {
    case .nearest: "nearest"
    case .reflect: "reflect"
    case .constant: "constant"
    }
  }
}

extension PlanOptions {
  /// Refuses what makes no sense for the model's input.
  /// Throws: `ModelError.option`, `.notTrainable`.
  func checkAugmentation(of model: Model) throws(ModelError) {
    try augmentation.check()
    guard !augmentation.isNone else { return }
    guard !keepsInput else {
      throw .notTrainable(
        "a full-batch solver loads the images once, and augmentation changes them in every epoch")
    }
    func refuse(_ what: String, _ found: String) -> ModelError {
      .option(
        key: "augmentation", expected: what, found: "inputs of \(model.input) \(found)")
    }
    switch model.input {
    case .image: return
    case .vector:
      throw refuse(
        "for images (height x width x channels) or rows (rows x features)",
        "in model '\(model.name)', whose values have no neighbours")
    case .matrix:
      let hasFlips = augmentation.flipsHorizontally || augmentation.flipsVertically
      guard augmentation.rotation == 0, !hasFlips else {
        throw refuse(
          "shift and zoom alone for rows of features, which lie along one axis",
          "in model '\(model.name)' and \(augmentation.text)")
      }
    }
  }
}

extension Planner {
  /// Whether the program changes its input at random.
  var augments: Bool { isTraining && !options.augmentation.isNone }
}
