import Foundation

/// How much memory there is for what is read. A set that takes more than a quarter of it is kept in a file: while it is read it
/// is in memory up to three times, as the file's bytes, as a helper's answer and as values.
enum FreeMemory {
  /// What tests say instead.
  @TaskLocal static var assumed: Int?
  /// The same for tests of whole programs: bytes.
  private static let variable = "FIXEDNET_TEST_MEMORY"

  /// Whether so many bytes belong into a file.
  static func isShort(of count: Int) -> Bool { count > (bytes ?? .max) / 4 }

  /// Whether it holds so many bytes as often as they are in memory while they are read.
  static func canHold(_ count: Int) -> Bool { count <= (bytes ?? .max) / 3 }

  /// What the system can give without taking it from others: the smallest of what it says and of the limits that the
  /// process is under; nil where nothing says it.
  static var bytes: Int? {
    if let assumed { return assumed }
    if let text = getenv(variable), let bytes = Int(String(cString: text)) { return bytes }
    return ([available] + limits).compactMap(\.self).min()
  }

  private static var available: Int? {
    guard let line = lines("/proc/meminfo").first(where: { $0.hasPrefix("MemAvailable:") }) else {
      return nil
    }
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }

  // MARK: - Control groups

  private static let root = "/sys/fs/cgroup"

  /// What is left in each of the groups that the process is in. Inside of a container the path may be the one outside, which
  /// is not there: then the root's files are the group's.
  private static var limits: [Int?] {
    var found: [Int?] = []
    for line in lines("/proc/self/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isSecond = parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
      var group = String(parts[2])
      while true {
        found.append(left(isSecond ? "\(root)\(group)" : "\(root)/memory\(group)", isSecond))
        guard group.count > 1, let slash = group.lastIndex(of: "/") else { break }
        group = String(group[..<slash])
      }
      found.append(left(isSecond ? root : "\(root)/memory", isSecond))
    }
    return found
  }

  /// `isSecond`: of version 2. Pages of files that nobody looks at count as used, and are given back first.
  static func left(_ group: String, _ isSecond: Bool) -> Int? {
    guard
      let limit = number("\(group)/\(isSecond ? "memory.max" : "memory.limit_in_bytes")"),
      let used = number("\(group)/\(isSecond ? "memory.current" : "memory.usage_in_bytes")")
    else { return nil }
    let key = isSecond ? "inactive_file " : "total_inactive_file "
    let idle = lines("\(group)/memory.stat").first { $0.hasPrefix(key) }
    return max(0, limit - used + (idle.flatMap { Int($0.dropFirst(key.count)) } ?? 0))
  }

  private static func number(_ path: String) -> Int? { lines(path).first.flatMap { Int($0) } }

  private static func lines(_ path: String) -> [Substring] {
    guard let file = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return file.split(separator: "\n")
  }
}
