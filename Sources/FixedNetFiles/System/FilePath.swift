/// Parts of a path, found among its bytes: a mark behind a slash would make another character of it.
package enum FilePath {
  private static let slash = UInt8(ascii: "/")

  /// What holds the file; "." for a bare name.
  package static func folder(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return "." }
    return end == path.startIndex ? "/" : String(Substring(path.utf8[..<end]))
  }

  /// The last part; empty behind a slash at the end.
  package static func name(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return path }
    return String(Substring(path.utf8[path.utf8.index(after: end)...]))
  }

  /// What begins the names of files that belong to a file: its own name, or of a long one the beginning and a hash of all
  /// of it, so that neither two files share them nor an end makes them longer than file systems allow (255 bytes; 143
  /// where names are encrypted).
  package static func stem(of name: String) -> String {
    guard name.utf8.count > 100 else { return name }
    var start = ""
    for scalar in name.unicodeScalars {
      guard start.utf8.count + String(scalar).utf8.count <= 64 else { break }
      start.unicodeScalars.append(scalar)
    }
    return "\(start)-\(Digest.sha256(Array(name.utf8)).prefix(32))"
  }
}
