import FixedNet
import Foundation

/// What a file in a reports folder may say. Anybody may have put it there: it is input like any other.
enum KeptFile {
  /// How often parts.json may have the size and the values of other texts: parts have up to 3 MB for every seed, of which
  /// the studies have up to five where nobody asks for more.
  static func partsFactor(seeds: Int?) -> Int { max(2, seeds ?? 0) }

  /// Whether an object has these members and no others.
  static func hasMembers(_ json: JSONValue, _ names: Set<String>) -> Bool {
    if case .object(let members) = json { Set(members.keys) == names } else { false }
  }

  /// A duration; nil for other values.
  static func seconds(_ json: JSONValue?) -> Double? {
    json?.double.flatMap { (0...1e9).contains($0) ? $0 : nil }
  }

  /// One line of at most `limit` code points.
  static func isText(_ text: String, limit: Int) -> Bool {
    text.utf8.count <= 4 * limit && text.unicodeScalars.count <= limit && OneLine.isOne(text)
  }

  /// The string, where it is one; nil for other values.
  static func text(_ json: JSONValue?, limit: Int = 2000) -> String? {
    guard case .string(let text)? = json, isText(text, limit: limit) else { return nil }
    return text
  }

  /// The name of a figure's files, without a folder or an end.
  static func isFileName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// 64 digits of base 16.
  static func isSHA256(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }
}
