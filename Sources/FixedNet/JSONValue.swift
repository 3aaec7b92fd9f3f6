import Foundation

/// A JSON value: what a Keras `model_config` is made of.
public enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  public subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The value in one line of at most some 80 characters, for an error message.
  public var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): JSONValue.summary(of: value)
    case .array(let values):
      values.count <= 8 && text.utf8.count <= 80
        ? text : "a list of \(values.count): \(JSONValue.cut(text))"
    case .object: text.utf8.count <= 80 ? text : JSONValue.cut(text)
    }
  }

  /// The first 60 characters.
  private static func cut(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(60)
    return String(start) + (start.count < text.unicodeScalars.count ? "..." : "")
  }

  /// At most 40 characters, escaped as JSON does.
  private static func summary(of value: String) -> String {
    var start = String(value.unicodeScalars.prefix(40))
    if start.unicodeScalars.count < value.unicodeScalars.count { start += "..." }
    return quoted(start)
  }
}

// MARK: - Wrapped values

extension JSONValue {
  /// The value without what Keras wraps numbers of NumPy and tensors in: {"class_name": "__numpy__", "config": {"value":
  /// ...}} (or __tensor__), {"class_name": "__tuple__", "items": ...}, and TensorFlow 1.11's {"type": "ndarray", "value":
  /// ...}.
  var unwrapped: JSONValue {
    switch self {
    case .array(let values): return .array(values.map(\.unwrapped))
    case .object(let members):
      switch self["class_name"] {
      case "__numpy__", "__tensor__":
        if let value = self["config"]?["value"] { return value.unwrapped }
      case "__tuple__": if let items = self["items"] { return items.unwrapped }
      default: break
      }
      if members.count == 2, self["type"] == "ndarray", let value = self["value"] {
        return value.unwrapped
      }
      return .object(members.mapValues(\.unwrapped))
    default: return self
    }
  }
}

// MARK: - Text

/// Why a text is not JSON.
public enum JSONError: Error, Equatable {
  case tooDeep(limit: Int)
  case malformed(String)
  /// JSON, but a number in it is larger than a float64 can be.
  case number(String)
}

extension JSONError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooDeep(let limit): "nested deeper than \(limit) levels"
    case .malformed(let reason): OneLine.text("not JSON: \(reason)")
    case .number(let digits): "a number beyond float64: \(digits)"
    }
  }
}

extension JSONValue {
  /// Levels that a model's JSON may nest.
  public static let depthLimit = 64

  /// Parses a UTF-8 text. Keras writes NaN and Infinity where a number is not finite; they are understood.
  /// Throws: `JSONError`.
  public init(parsing text: String) throws(JSONError) {
    try JSONValue.checkDepth(text)
    let decoder = JSONDecoder()
    let data = Data(text.utf8)
    do {
      self = try decoder.decode(JSONValue.self, from: data)
    } catch {
      // The parser says nothing of use about these.
      if let digits = JSONValue.numberBeyondFloat64(text) { throw .number(digits) }
      guard text.contains("NaN") || text.contains("Infinity") else {
        throw .malformed(JSONValue.reason(error))
      }
      decoder.allowsJSON5 = true
      do {
        self = try decoder.decode(JSONValue.self, from: data)
      } catch {
        throw .malformed(JSONValue.reason(error))
      }
    }
  }

  /// Before the parser recurses: brackets outside strings must not nest too deep.
  private static func checkDepth(_ text: String) throws(JSONError) {
    var depth = 0
    var inString = false
    var escaped = false
    for byte in text.utf8 {
      if escaped {
        escaped = false
      } else if inString {
        if byte == UInt8(ascii: "\\") { escaped = true }
        if byte == UInt8(ascii: "\"") { inString = false }
      } else {
        switch byte {
        case UInt8(ascii: "\""): inString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"):
          depth += 1
          if depth > depthLimit { throw .tooDeep(limit: depthLimit) }
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
      }
    }
  }

  /// The first number outside strings that a float64 cannot hold, at most 40 characters of it.
  private static func numberBeyondFloat64(_ text: String) -> String? {
    var inString = false
    var escaped = false
    var digits = ""
    for byte in Array(text.utf8) + [0] {
      let character = Character(Unicode.Scalar(byte))
      if !inString, "+-.eE0123456789".contains(character) {
        digits.append(character)
        continue
      }
      if Double(digits)?.isInfinite == true {
        return digits.prefix(40) + (digits.count > 40 ? "..." : "")
      }
      digits = ""
      if byte == UInt8(ascii: "\""), !escaped { inString.toggle() }
      escaped = inString && !escaped && byte == UInt8(ascii: "\\")
    }
    return nil
  }

  private static func reason(_ error: any Error) -> String {
    if case DecodingError.dataCorrupted(let context) = error {
      if let inner = context.underlyingError as? NSError,
        let text = inner.userInfo["NSDebugDescription"] as? String
      {
        return text
      }
      return context.debugDescription
    }
    return "\(error)".split(separator: "\n").first.map(String.init) ?? "unreadable"
  }

  /// The text, members in alphabetical order, so that equal values give equal bytes.
  public var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "\(value)"
    case .number(let value): JSONValue.text(of: value)
    case .string(let value): JSONValue.quoted(value)
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }
        .map { "\(JSONValue.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }

  private static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "Infinity" : "-Infinity" }
    return "\(value)"
  }

  /// As a string of JSON, in which nothing is hidden: see `OneLine`.
  private static func quoted(_ value: String) -> String {
    var result = "\""
    for scalar in value.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return OneLine.text(result + "\"")
  }
}

extension JSONValue: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let values = try? container.decode([JSONValue].self) {
      self = .array(values)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
}
