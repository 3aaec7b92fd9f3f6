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

  /// What an earlier run with equal options left.
  /// Throws: `StudyError.kept` where the file is none that this program has written.
  func unfinished() throws(StudyError) -> Unfinished {
    guard
      let json = try read(
        "parts.json", KeptFile.partsFactor(seeds: options.seeds),
        members: ["parts", "digests", "seconds"])
    else { return Unfinished() }
    guard let seconds = KeptFile.seconds(json["seconds"]),
      case .object(let parts)? = json["parts"], case .object(let digests)? = json["digests"]
    else { throw broken("parts.json", "its members are no parts, digests and seconds") }
    if let name = parts.keys.sorted().first(where: { !KeptFile.isText($0, limit: 200) }) {
      throw broken("parts.json", "it has a part \(JSONValue.string(name).summary)")
    }
    var texts: [String: String] = [:]
    for (name, value) in digests.sorted(by: { $0.key < $1.key }) {
      guard StudyData.names.contains(name), case .string(let digest) = value,
        KeptFile.isSHA256(digest)
      else {
        throw broken(
          "parts.json",
          "\(value.summary) is no digest of the data \(JSONValue.string(name).summary)")
      }
      texts[name] = digest
    }
    return Unfinished(parts: parts, digests: texts, seconds: seconds)
  }

  func save(_ unfinished: Unfinished) throws(StudyError) {
    try write(
      [
        "parts": .object(unfinished.parts), "seconds": .number(unfinished.seconds),
        "digests": .object(unfinished.digests.mapValues { .string($0) }),
      ], to: "parts.json")
  }

  /// What is left of a finished run with equal options whose report is still there.
  /// Throws: `StudyError.kept` where the file is none that this program has written.
  func finished(_ study: any Study.Type) throws(StudyError) -> StudyRecord? {
    guard FileManager.default.fileExists(atPath: "\(path)/report.md"),
      let json = try read("finished.json", 1, members: ["record"])
    else { return nil }
    guard let record = json["record"].flatMap({ StudyRecord($0, of: study) }) else {
      throw broken("finished.json", "its record is none of the study")
    }
    return record
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

  /// The file's object, where it is there and belongs to these options. `factor`: of the limits of JSON;
  /// `members`: those that it has beside the options.
  private func read(_ file: String, _ factor: Int, members: Set<String>) throws(StudyError)
    -> JSONValue?
  {
    let text: String?
    do { text = try TextFile.read("\(path)/\(file)", limit: JSONValue.sizeLimit * factor) } catch {
      throw broken(file, error.reason)
    }
    guard let text else { return nil }
    let json: JSONValue
    do { json = try JSONValue(parsing: text, factor: factor) } catch {
      throw broken(file, "\(error)")
    }
    guard KeptFile.hasMembers(json, members.union(["options"])), let options = json["options"],
      case .object(let keys)? = json["options"], case .object(let own) = key,
      Set(keys.keys) == Set(own.keys), options["study"] == own["study"]
    else { throw broken(file, "it is none that study has written") }
    guard options == key else { return nil }
    return json
  }

  private func broken(_ file: String, _ reason: String) -> StudyError {
    .kept(place: "'\(path)/\(file)'", reason: reason)
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
