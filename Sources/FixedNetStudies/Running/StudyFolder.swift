import FixedNet
import FixedNetFiles
import Foundation

/// A study's folder: its report, and what makes an interrupted run go on.
///
/// parts.json holds the finished parts of an unfinished study; finished.json what the summary needs of a finished one.
/// Both say which options they belong to: with others they are not used.
struct StudyFolder {
  let path: String
  private let name: String
  private let options: StudyOptions
  /// No other run writes the report meanwhile; nil where the file system has no locks.
  private let lock: OutputLock?

  /// Makes the folder, and what is above it.
  /// Throws: `StudyError.output`, where another process has the folder too.
  init(_ name: String, in output: String, options: StudyOptions) throws(StudyError) {
    self.name = name
    self.options = options
    path = "\(output)/\(name)"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .output("cannot make the folder '\(path)' for the report; give another --output")
    }
    guard access(path, W_OK) == 0 else {
      throw .output("cannot write to the folder '\(path)'; give another --output")
    }
    do { lock = try OutputLock("\(path)/report.md") } catch { throw .output("\(error)") }
  }

  /// An unfinished run: its parts, the digests of the data they came from, and the seconds it took.
  struct Unfinished {
    var parts: [String: JSONValue] = [:]
    var digests: [String: String] = [:]
    var seconds = 0.0
  }

  /// What an earlier run with equal options left; a file that cannot be read counts as none.
  var unfinished: Unfinished {
    guard let json = read("parts.json"), case .object(let parts)? = json["parts"],
      case .object(let digests)? = json["digests"]
    else { return Unfinished() }
    let texts = digests.compactMapValues { value -> String? in
      if case .string(let text) = value { text } else { nil }
    }
    return Unfinished(parts: parts, digests: texts, seconds: json["seconds"]?.double ?? 0)
  }

  func save(_ unfinished: Unfinished) throws(StudyError) {
    try write(
      [
        "parts": .object(unfinished.parts), "seconds": .number(unfinished.seconds),
        "digests": .object(unfinished.digests.mapValues { .string($0) }),
      ], to: "parts.json")
  }

  /// What is left of a finished run with equal options whose report is still there.
  var finished: StudyRecord? {
    guard let json = read("finished.json"), let record = json["record"],
      FileManager.default.fileExists(atPath: "\(path)/report.md")
    else { return nil }
    return StudyRecord(record)
  }

  /// The study is finished: its parts are needed no longer.
  func finish(_ record: StudyRecord) throws(StudyError) {
    try write(["record": record.json], to: "finished.json")
    try? FileManager.default.removeItem(atPath: "\(path)/parts.json")
  }

  /// Forgets earlier runs.
  func clear() {
    for file in ["parts.json", "finished.json"] {
      try? FileManager.default.removeItem(atPath: "\(path)/\(file)")
    }
  }

  // MARK: - Files

  private func write(_ members: [String: JSONValue], to file: String) throws(StudyError) {
    let json = JSONValue.object(members.merging(["options": key]) { $1 })
    try FigureWriter.write(Array((json.text + "\n").utf8), to: "\(path)/\(file)")
  }

  /// The file's object, where it belongs to these options.
  private func read(_ file: String) -> JSONValue? {
    guard let bytes = FileManager.default.contents(atPath: "\(path)/\(file)"),
      let json = try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self)),
      json["options"] == key
    else { return nil }
    return json
  }

  /// The options that change a result; the number of threads does not.
  private var key: JSONValue {
    [
      "study": .string(name), "version": .integer(1), "quick": .bool(options.isQuick),
      "seeds": options.seeds.map { .integer($0) } ?? .null,
      "switches": .array(options.switches.sorted().map { .string($0) }),
    ]
  }
}
