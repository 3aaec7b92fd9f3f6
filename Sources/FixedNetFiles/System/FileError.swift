import Foundation

/// A file that the system would not read or write.
public struct FileError: Error, Equatable, Sendable {
  public var path: String
  /// What was tried: "read", "write".
  public var action: String
  /// The system's reason: "No space left on device".
  public var reason: String

  public init(path: String, action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = reason
  }

  /// `code`: an errno.
  init(path: String, action: String, code: Int32) {
    self.init(path: path, action: action, reason: String(cString: strerror(code)))
  }
}

extension FileError: CustomStringConvertible {
  public var description: String { OneLine.text("cannot \(action) '\(path)': \(reason)") }
}

/// Texts for error messages.
enum OneLine {
  /// `text` without line breaks and control characters: names come from files that anybody may have made.
  static func text(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "?" : scalar) }
    return String(result)
  }

  /// At most 120 characters of `text`.
  static func short(_ text: String) -> String {
    text.count > 120 ? text.prefix(117) + "..." : text
  }

  /// "x, y, z", cut off where it gets long; "nothing".
  static func list(_ names: [String]) -> String {
    names.isEmpty ? "nothing" : short(names.joined(separator: ", "))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
