import FixedNetCore

/// The configuration of an optimiser or a schedule, as Keras writes it. Every key is asked for by name; `check` refuses
/// the others, so that none is passed over.
struct KerasConfig {
  /// The class that it belongs to, for messages.
  let owner: String
  private let members: [String: JSONValue]

  /// Throws: `ModelError.optimizer` where it is no object.
  init(_ json: JSONValue?, of owner: String) throws(ModelError) {
    guard case .object(let members)? = json else {
      throw .optimizer(
        key: "\(owner)'s configuration", expected: "an object", found: json?.summary ?? "nothing")
    }
    self.owner = owner
    self.members = members
  }

  /// Throws: `ModelError.optimizer` for a key that is none of `keys`.
  func check(_ keys: Set<String>) throws(ModelError) {
    let unknown = members.keys.filter { !keys.contains($0) }.sorted()
    guard let key = unknown.first, let value = members[key] else { return }
    throw .optimizer(
      key: "\(owner)'s \(OneLine.short(key))", expected: "absent, as it is not known here",
      found: value.summary)
  }

  /// What Keras has null for by default, or for what is off (`epsilon`: Keras 2). Anywhere else null says nothing.
  private static let nullable: Set<String> = [
    "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor",
    "gradient_accumulation_steps", "warmup_target", "epsilon",
  ]

  /// nil where it is absent or null.
  subscript(_ key: String) -> JSONValue? {
    guard let value = members[key], value != .null else { return nil }
    return value
  }

  func isGiven(_ key: String) -> Bool { self[key] != nil }

  /// Throws: `ModelError.optimizer` where null stands for a value that there must be.
  func checkNull(_ key: String, _ expected: String) throws(ModelError) {
    guard members[key] != .null || KerasConfig.nullable.contains(key) else {
      throw missing(key, expected)
    }
  }

  /// For an optimiser that Keras does not build with null where others have it.
  func checkIsNoNull(_ key: String) throws(ModelError) {
    if members[key] == .null { throw missing(key, "a number") }
  }

  /// A number of the range; `fallback` where there is none.
  func number(_ key: String, _ range: ClosedRange<Double>, _ fallback: Double? = nil)
    throws(ModelError) -> Double
  {
    guard let value = self[key] else {
      try checkNull(key, "a number")
      guard let fallback else { throw missing(key, "a number") }
      return fallback
    }
    return try KerasConfig.number(value, "\(owner)'s \(key)", range)
  }

  static func number(_ value: JSONValue, _ name: String, _ range: ClosedRange<Double>)
    throws(ModelError) -> Double
  {
    let number: Double
    switch value {
    case .number(let value): number = value
    case .integer(let value): number = Double(value)
    default: throw .optimizer(key: name, expected: "a number", found: value.summary)
    }
    guard number.isFinite, range.contains(number) else {
      let least = range.lowerBound == .leastNormalMagnitude ? "above 0" : "\(range.lowerBound)"
      throw .optimizer(
        key: name, expected: "a number from \(least) to \(range.upperBound)", found: "\(number)")
    }
    return number
  }

  /// A whole number, which may be written as 10.0; `fallback` where there is none.
  func count(_ key: String, from least: Int = 1, _ fallback: Int? = nil) throws(ModelError) -> Int {
    guard let value = self[key] else {
      try checkNull(key, "a whole number")
      guard let fallback else { throw missing(key, "a whole number") }
      return fallback
    }
    return try KerasConfig.count(value, "\(owner)'s \(key)", from: least)
  }

  static func count(_ value: JSONValue, _ name: String, from least: Int) throws(ModelError) -> Int {
    let count: Int? =
      switch value {
      case .integer(let value): value
      case .number(let value): Int(exactly: value)
      default: nil
      }
    guard let count, (least...Schedule.stepLimit).contains(count) else {
      throw .optimizer(
        key: name, expected: "a whole number from \(least)", found: value.summary)
    }
    return count
  }

  /// false where there is none.
  func flag(_ key: String) throws(ModelError) -> Bool {
    switch self[key] {
    case nil: return false
    case .bool(let value)?: return value
    case let value?:
      throw .optimizer(
        key: "\(owner)'s \(key)", expected: "true or false", found: value.summary)
    }
  }

  func list(_ key: String) throws(ModelError) -> [JSONValue] {
    guard case .array(let values)? = self[key] else {
      throw missing(key, "a list")
    }
    return values
  }

  private func missing(_ key: String, _ expected: String) -> ModelError {
    .optimizer(
      key: "\(owner)'s \(key)", expected: expected, found: members[key]?.summary ?? "nothing")
  }
}
