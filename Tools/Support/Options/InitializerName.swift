import FixedNet

extension Initializer {
  /// What `--initializer` takes.
  package static let help =
    "glorot-uniform, glorot-normal, he-uniform, he-normal, lecun-uniform, lecun-normal, "
    + "random-normal, truncated-normal (=0.05, the deviation) or random-uniform (=0.05, the bound)"

  /// Reads a name, and behind '=' a number where the name has one. nil for anything else.
  package init?(text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let plain: [String: Initializer] = [
      "glorot-uniform": .glorotUniform, "glorot-normal": .glorotNormal, "he-uniform": .heUniform,
      "he-normal": .heNormal, "lecun-uniform": .lecunUniform, "lecun-normal": .lecunNormal,
    ]
    let name = parts.first.map(String.init) ?? ""
    if parts.count == 1, let initializer = plain[name] {
      self = initializer
      return
    }
    var size: Float = 0.05
    if parts.count == 2 {
      guard let number = Float(parts[1]), number > 0, number <= 1e6 else { return nil }
      size = number
    }
    switch name {
    case "random-normal": self = .randomNormal(deviation: size)
    case "truncated-normal": self = .truncatedNormal(deviation: size)
    case "random-uniform": self = .randomUniform(low: -size, high: size)
    default: return nil
    }
  }
}
