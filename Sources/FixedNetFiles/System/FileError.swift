import FixedNetCompute
import Foundation

/// A file that the system would not read or write.
public struct FileError: Error, Equatable, Sendable {
  /// The file or folder.
  public var path: String
  /// What was tried: "read", "write".
  public var action: String
  /// The system's reason: "No space left on device".
  public var reason: String

  /// `action`: what was tried, as in "cannot read"; `reason`: the system's word.
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
