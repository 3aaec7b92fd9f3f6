/// A place in a text: lines count from 1, and so do columns, which are code points.
public struct JSONPlace: Equatable, Sendable {
  /// From 1.
  public var line: Int
  /// From 1. Units: code points.
  public var column: Int

  /// Both from 1.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// Why a text is not read as JSON.
public enum JSONError: Error, Equatable {
  /// Not JSON: `found` is at this place.
  case malformed(expected: String, found: String, at: JSONPlace)
  /// JSON, but a bracket more than `limit` is open.
  case tooDeep(limit: Int, at: JSONPlace)
  /// JSON, but a number in it is larger than a float64 can be.
  case number(String, at: JSONPlace)
  /// JSON, but a key is there twice in one object: which of the two counts, readers do not agree on.
  case duplicateKey(String, at: JSONPlace)
  /// JSON perhaps, but more than `limit` of `what`.
  case tooLarge(what: String, limit: Int, at: JSONPlace?)
}

extension JSONError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .malformed(let expected, let found, let place):
      OneLine.text("not JSON: expected \(expected), found \(found) (\(place))")
    case .tooDeep(let limit, let place): "nested deeper than \(limit) levels (\(place))"
    case .number(let digits, let place): "a number beyond float64: \(digits) (\(place))"
    case .duplicateKey(let key, let place):
      "the key \(JSONValue.string(key).summary) is there twice in one object (\(place))"
    case .tooLarge(let what, let limit, let place):
      "more than \(Format.grouped(limit)) \(what)" + (place.map { " (\($0))" } ?? "")
    }
  }
}

extension JSONPlace: CustomStringConvertible {
  public var description: String { "line \(line), column \(column)" }
}
