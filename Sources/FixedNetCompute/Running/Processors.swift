import CSupport
import Foundation

/// How many processors this process may keep busy, and what says so.
package struct Processors: Equatable, Sendable {
  /// At least 1.
  package var count: Int
  package var limit: Limit

  package enum Limit: Equatable, Sendable {
    /// There are no more.
    case machine
    /// The process is bound to some of the machine's, as by `taskset` or a cpuset.
    case affinity
    /// A control group gives so many processors' time, as `--cpus` of containers.
    case quota(Double)
  }

  /// `bound`: processors that the process is bound to. `quota`: processors' worth of time; nil: no limit.
  ///
  /// A fraction counts as one more processor from a quarter on: two threads do half as much again on 1.5 processors as one
  /// does, while on 1.1 what they gain is less than what waiting for each other costs while the group is held back.
  package init(machine: Int, bound: Int, quota: Double?) {
    let bound = max(1, bound)
    (count, limit) = (bound, bound < machine ? .affinity : .machine)
    guard let quota, quota < Double(bound) else { return }
    let rounded = Int((quota + 0.75).rounded(.down))
    // A quota of 1.9 on two processors takes none of them away.
    guard rounded < bound else { return }
    (count, limit) = (max(1, rounded), .quota(quota))
  }

  /// As it is when a plan is made: tools may bind a process that runs already.
  package static var available: Processors {
    let machine = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return Processors(
      machine: machine, bound: Int(cs_processor_count()), quota: ControlGroups.quota())
  }

  /// "the 2 processors of this machine"
  var text: String {
    let processors = count == 1 ? "processor" : "processors"
    switch limit {
    case .machine: return "this machine has \(count) \(processors)"
    case .affinity: return "this process is bound to \(count) \(processors)"
    case .quota(let quota):
      return "its control group gives this process \(Format.fixed(quota, 2)) processors"
    }
  }
}

/// What a process' control groups say of processor time, from the texts of the system's files.
package enum ControlGroups {
  /// Processors' worth of time that this process' groups give it; nil where nothing limits it.
  static func quota() -> Double? {
    guard let groups = text("/proc/self/cgroup"), let mounts = text("/proc/self/mountinfo") else {
      return nil
    }
    return quota(groups: groups, mounts: mounts, file: text)
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }

  /// The least quota on the way from the process' group up to the root of its hierarchy: a group cannot have more than those
  /// that it is nested in. Version 1 has a hierarchy for processors, version 2 one for all; both may be mounted.
  ///
  /// - Parameters:
  ///   - groups: the text of /proc/self/cgroup.
  ///   - mounts: the text of /proc/self/mountinfo.
  ///   - file: the text of a file; nil where there is none.
  package static func quota(
    groups: String, mounts: String, file: (String) -> String?
  ) -> Double? {
    let mounts = mounts.split(separator: "\n").compactMap { Mount($0) }
    var least: Double?
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",")
      let isUnified = parts[0] == "0" && controllers.isEmpty
      guard isUnified || controllers.contains("cpu") else { continue }
      for mount in mounts where mount.holds(isUnified: isUnified) {
        for folder in mount.folders(of: String(parts[2])) {
          let found = isUnified ? unified(folder, file) : separate(folder, file)
          if let found { least = min(least ?? found, found) }
        }
      }
    }
    return least
  }

  /// "150000 100000", microseconds of each period; "max 100000" where nothing limits.
  private static func unified(_ folder: String, _ file: (String) -> String?) -> Double? {
    let words = file("\(folder)/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
    guard words.count == 2 else { return nil }
    return quota(words[0], words[1])
  }

  private static func separate(_ folder: String, _ file: (String) -> String?) -> Double? {
    guard let quota = file("\(folder)/cpu.cfs_quota_us"),
      let period = file("\(folder)/cpu.cfs_period_us")
    else { return nil }
    return self.quota(quota, period)
  }

  /// nil where there is no limit (-1, max) and for what is no number.
  private static func quota(_ quota: some StringProtocol, _ period: some StringProtocol) -> Double?
  {
    func number(_ text: some StringProtocol) -> Double? {
      Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    guard let quota = number(quota), let period = number(period), quota > 0, period > 0,
      quota.isFinite, period.isFinite
    else { return nil }
    return quota / period
  }

  /// A line of mountinfo: "31 23 0:28 /root /place options... - type source options".
  private struct Mount {
    /// Which group of the hierarchy lies at `place`.
    var root: String
    var place: String
    var type: Substring
    var options: [Substring]

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count > 6, let dash = words.firstIndex(of: "-"), dash + 2 < words.count,
        dash >= 6
      else { return nil }
      (root, place) = (Mount.unescaped(words[3]), Mount.unescaped(words[4]))
      type = words[dash + 1]
      options = words.suffix(from: dash + 2).last?.split(separator: ",") ?? []
    }

    func holds(isUnified: Bool) -> Bool {
      isUnified ? type == "cgroup2" : type == "cgroup" && options.contains("cpu")
    }

    /// The group's folder and all above it that can be seen. A group that does not lie below the mount's root, as where a
    /// container sees another one's hierarchy, is the root's.
    func folders(of group: String) -> [String] {
      var parts = group.split(separator: "/").map(String.init)
      let above = root.split(separator: "/").map(String.init)
      if parts.contains("..") || !parts.starts(with: above) {
        parts = []
      } else {
        parts.removeFirst(above.count)
      }
      let place = place == "/" ? "" : place
      return (0...parts.count).map { count in
        ([place] + parts.prefix(count)).joined(separator: "/")
      }
    }

    /// A space, a tab, a line's end and a backslash are written as three octal digits.
    private static func unescaped(_ text: Substring) -> String {
      var bytes: [UInt8] = []
      var rest = text.utf8[...]
      while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == UInt8(ascii: "\\"), digits.count == 3,
          let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
        {
          bytes.append(value)
          rest = rest.dropFirst(3)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
