extension JSONValue {
  /// The text, members in alphabetical order, so that equal values give equal bytes.
  public var text: String { start(limit: .max) }

  /// The text for whoever is to change it: what does not fit into 80 columns has a line for each member.
  public var indentedText: String { lines(behind: "") }

  private func lines(behind indentation: String) -> String {
    let inner = indentation + "  "
    let parts: [String]
    switch self {
    case .null, .bool, .integer, .number, .string: return text
    case _ where indentation.utf8.count + text.utf8.count <= 80: return text
    case .array(let values): parts = values.map { $0.lines(behind: inner) }
    case .object(let members):
      parts = members.sorted { $0.key < $1.key }.map {
        "\(JSONValue.string($0.key).text): \($0.value.lines(behind: inner))"
      }
    }
    let isArray = if case .array = self { true } else { false }
    return (isArray ? "[" : "{") + "\n\(inner)" + parts.joined(separator: ",\n\(inner)")
      + "\n\(indentation)" + (isArray ? "]" : "}")
  }

  /// The text, cut off where it has more than `limit` bytes.
  private func start(limit: Int) -> String {
    var writer = JSONWriter(limit: limit)
    writer.write(self)
    return writer.text
  }

  /// The value in one line of at most some 80 characters, for an error message.
  public var summary: String {
    switch self {
    case .null, .bool, .integer, .number: return text
    case .string(let value): return JSONValue.summary(of: value)
    case .array, .object: break
    }
    // 60 characters have at most 240 bytes.
    let start = start(limit: 240)
    if case .array(let values) = self, values.count > 8 || start.utf8.count > 80 {
      return "a list of \(values.count): \(JSONValue.cut(start))"
    }
    return start.utf8.count <= 80 ? start : JSONValue.cut(start)
  }

  /// The first 60 characters.
  private static func cut(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(60)
    return String(start) + (start.count < text.unicodeScalars.count ? "..." : "")
  }

  /// At most 40 characters, escaped as JSON does.
  private static func summary(of value: String) -> String {
    var start = String(value.unicodeScalars.prefix(41))
    if start.unicodeScalars.count > 40 { start = String(start.unicodeScalars.prefix(40)) + "..." }
    return JSONValue.string(start).text
  }
}

/// Writes JSON until there are more than `limit` bytes of it.
private struct JSONWriter {
  let limit: Int
  private var bytes: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  private var isFull: Bool { bytes.count > limit }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append("\(value)")
    case .number(let value): write(value)
    case .string(let value): write(value)
    case .array(let values): write(values)
    case .object(let members): write(members)
    }
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func write(_ value: Double) {
    if value.isNaN {
      append("NaN")
    } else if value.isInfinite {
      append(value > 0 ? "Infinity" : "-Infinity")
    } else {
      append("\(value)")
    }
  }

  private mutating func write(_ values: [JSONValue]) {
    append("[")
    for (index, value) in values.enumerated() {
      if isFull { return }
      if index > 0 { append(", ") }
      write(value)
    }
    append("]")
  }

  private mutating func write(_ members: [String: JSONValue]) {
    append("{")
    for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
      if isFull { return }
      if index > 0 { append(", ") }
      write(member.key)
      append(": ")
      write(member.value)
    }
    append("}")
  }

  /// As a string of JSON, in which nothing is hidden: see `OneLine`.
  private mutating func write(_ value: String) {
    var quoted = "\""
    // Of what is cut off, nothing is looked at: it may be megabytes.
    let room = limit == .max ? .max : max(0, limit + 1 - bytes.count)
    for scalar in value.unicodeScalars.prefix(room) {
      if scalar == "\"" || scalar == "\\" { quoted += "\\" }
      quoted.unicodeScalars.append(scalar)
    }
    append(OneLine.text(quoted + "\""))
  }
}
