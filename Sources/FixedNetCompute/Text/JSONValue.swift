/// A JSON value: what a Keras `model_config` is made of.
public enum JSONValue: Equatable, Sendable {
  /// null
  case null
  /// true or false
  case bool(Bool)
  /// A number without fraction and exponent that fits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Members by their keys.
  case object([String: JSONValue])

  /// An object's member; nil where it has none of that key, and for what is no object.
  public subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
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

// MARK: - Reading

extension JSONValue {
  /// Bytes that a text may have.
  public static let sizeLimit = 16 << 20
  /// Levels that a model's JSON may nest.
  public static let depthLimit = 64
  /// Values and keys that a text may have, every one in a list or an object counted.
  public static let countLimit = 1 << 19
  /// Bytes that a key may have.
  public static let keyLimit = 1_024
  /// Characters that a number may have: any float64 can be written out in full.
  public static let numberLimit = 1_100
  /// Combining marks that may follow each other in a text, as in Unicode's stream-safe text format (UAX 15).
  public static let markLimit = 30

  /// Parses a UTF-8 text. Keras writes NaN and Infinity where a number is not finite; they are understood.
  /// Throws: `JSONError`.
  public init(parsing text: String) throws(JSONError) { try self.init(parsing: text, factor: 1) }

  /// `factor`: how often the text may have the bytes and the values that others may.
  package init(parsing text: String, factor: Int) throws(JSONError) {
    var parser = try JSONParser(text, factor: factor)
    self = try parser.parse()
  }
}

// MARK: - Literals

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
