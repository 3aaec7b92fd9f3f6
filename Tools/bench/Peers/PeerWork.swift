import FixedNet
import FixedNetCore
import Foundation
import ToolSupport

/// A piece of work that other frameworks do too: what they are told of it, and ours.
final class PeerWork {
  /// What every kind of work is measured by.
  enum Kind: String {
    /// Mini-batches of SGD.
    case training
    /// Calls with one batch.
    case inference
    /// Losses with their gradients over all samples.
    case gradient
    /// Epochs of many small networks.
    case lanes
  }

  let name: String
  let title: String
  let kind: Kind
  let threads: Int
  /// Steps of one measurement.
  let steps: Int
  /// What a peer must find as well: the first losses, outputs, or the loss and the gradients' squared norms.
  let checks: [Double]
  /// How far it may be off, relative to (0.1 + the value).
  let tolerance: Double
  let parameterCount: Int
  /// The rest of its entry in works.json.
  private let entry: [String: JSONValue]
  private let body: (Int) throws -> Void

  /// `body`: does that many steps.
  init(
    name: String, title: String, kind: Kind, threads: Int, steps: Int, checks: [Double],
    tolerance: Double, parameterCount: Int, entry: [String: JSONValue],
    body: @escaping (Int) throws -> Void
  ) {
    self.name = name
    self.title = title
    self.kind = kind
    self.threads = threads
    self.steps = steps
    self.checks = checks
    self.tolerance = tolerance
    self.parameterCount = parameterCount
    self.entry = entry
    self.body = body
  }

  var json: JSONValue {
    var members = entry
    members["kind"] = .string(kind.rawValue)
    members["threads"] = .integer(threads)
    members["steps"] = .integer(steps)
    members["checkCount"] = .integer(checks.count)
    return .object(members)
  }

  /// Seconds of a measurement at least, as in peers/worker.py.
  private static let leastSeconds = 0.5

  /// Seconds of a step. A short work is done again and again: a core that wakes up slowly then matters to nobody.
  func measure() throws -> Double {
    let start = ProgressLine.now
    var count = 0
    repeat {
      try body(steps)
      count += steps
    } while ProgressLine.now - start < PeerWork.leastSeconds
    return (ProgressLine.now - start) / Double(count)
  }

  /// Whether a peer's numbers are those of this work. A variant that tells none is believed.
  func agrees(with found: [Double]) -> Bool {
    zip(checks, found).allSatisfy { abs($0 - $1) <= tolerance * (0.1 + abs($0)) }
  }
}

/// The folder in which peers find their work.
struct PeerFolder {
  let path: String

  /// Throws: Foundation's errors.
  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file of bytes. Returns: its name, as works.json holds it.
  func write(_ name: String, _ bytes: [UInt8]) throws -> JSONValue {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    return .string(name)
  }

  /// Writes little-endian floats.
  func write(_ name: String, _ values: [Float]) throws -> JSONValue {
    try write(
      name, values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
  }

  func write(_ works: [PeerWork]) throws {
    let entries = Dictionary(uniqueKeysWithValues: works.map { ($0.name, $0.json) })
    _ = try write("works.json", Array(JSONValue.object(entries).text.utf8))
  }
}
