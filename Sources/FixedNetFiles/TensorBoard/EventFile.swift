import Foundation

/// What goes wrong with TensorBoard's event files.
package enum EventFileError: Error, Equatable {
  /// This program was built without the package trait TensorBoard.
  case unavailable
  case file(FileError)
}

extension EventFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unavailable:
      "this program was built without TensorBoard's event files; build it with "
        + "--traits default,TensorBoard"
    case .file(let error): error.description
    }
  }
}

/// A new file in TensorBoard's log folder. TensorBoard takes all files of a folder, in the order of their names, for one run.
package final class EventFile {
  private let file: RecordFile
  private let encoder: EventEncoder

  /// Whether this program can write event files.
  package static var isAvailable: Bool { EventEncoder.available != nil }

  package var path: String { file.path }

  /// Makes the folder, where it is missing, and in it a file whose name sorts behind all that are there.
  /// `resumesAfter`: the steps that the run has behind it; what earlier files say of later ones is void.
  /// Throws: `EventFileError`.
  package init(
    folder: String, resumesAfter step: Int? = nil, wallTime: Double = Date().timeIntervalSince1970
  ) throws(EventFileError) {
    guard let encoder = EventEncoder.available else { throw .unavailable }
    self.encoder = encoder
    do throws(FileError) {
      let second = max(Int(wallTime), try EventFile.lastSecond(in: folder) + 1)
      file = try RecordFile(path: "\(folder)/\(EventFile.name(second: second))")
      let start = step.map { [encoder.start($0 + 1, wallTime)] } ?? []
      try file.append([encoder.version(wallTime)] + start)
    } catch { throw .file(error) }
  }

  /// Throws: `EventFileError.file`; no part of the events is in the file then.
  package func append(_ events: [RunEvent]) throws(EventFileError) {
    do { try file.append(events.map(encoder.event)) } catch { throw .file(error) }
  }

  // MARK: - Names

  private static let prefix = "events.out.tfevents."

  /// "events.out.tfevents.1700000000.host.1234.0"
  private static func name(second: Int) -> String {
    let digits = String(second)
    let padded = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    return "\(prefix)\(padded).\(host).\(getpid()).0"
  }

  /// Without what has no place in a file's name.
  private static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: bytes, as: UTF8.self)
      .filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    return text.isEmpty ? "localhost" : String(text.prefix(64))
  }()

  /// Of the event files in the folder; 0: there are none.
  private static func lastSecond(in folder: String) throws(FileError) -> Int {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
        guard name.hasPrefix(prefix) else { return nil }
        return Int(name.dropFirst(prefix.count).prefix { $0.isNumber })
      }.filter { $0 < 1 << 40 }.max() ?? 0
    } catch {
      throw FileError(
        path: folder, action: "write to the folder",
        reason: "it cannot be made or read; choose another one")
    }
  }
}
