import CConfined
import CReader
import CUnpack
import Foundation

/// A program that parses files in a process of its own.
package enum HelperProgram: Sendable {
  /// HDF5, Keras' archives, MATLAB.
  case reader
  /// gzip.
  case unpacker

  var name: String {
    switch self {
    case .reader: FN_READER_NAME
    case .unpacker: FN_UNPACKER_NAME
    }
  }

  /// Whether it writes while it works.
  var streams: Bool { self == .unpacker }

  /// The program of this name beside the one that runs, as it is built, or in libexec/fixednet beside its folder, as it is
  /// installed. Where there is none, the one that runs: the helpers' code is in every program that reads files here, and
  /// starts with it, only slower.
  var path: String {
    #if os(Linux)
      let own = "/proc/self/exe"
      guard let resolved = realpath(own, nil) else { return own }
    #else
      guard let own = Bundle.main.executablePath, let resolved = realpath(own, nil) else {
        return name
      }
    #endif
    defer { free(resolved) }
    let folder = FilePath.folder(of: String(cString: resolved))
    let places = ["\(folder)/\(name)", "\(folder)/../libexec/fixednet/\(name)"]
    return places.first { access($0, X_OK) == 0 } ?? own
  }
}

/// What a helper is asked.
struct HelperRequest {
  private(set) var bytes: [UInt8] = []

  /// A part of one.
  init() {}

  /// `memory`, `seconds`: beyond what the program has at its start.
  init(kind: Int, memory: Int, seconds: Int) {
    number(Int(FN_VERSION))
    number(kind)
    number(memory)
    number(seconds)
  }

  mutating func number(_ value: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(value))) { bytes += $0 }
  }

  mutating func text(_ text: some Collection<UInt8>) {
    number(text.count)
    bytes += text
    bytes += [UInt8](repeating: 0, count: (8 - text.count % 8) % 8)
  }

  mutating func append(_ other: [UInt8]) { bytes += other }
}

/// Why a helper has no answer.
enum HelperFailure: Error, Equatable {
  /// The system started none, or gave no memory.
  case system(String)
  case crashed
  /// It did not end in its time.
  case endless
  /// It needed more memory than is plausible.
  case memory
  /// Its answer took more room than is plausible.
  case room
  /// It could not give up what it must not have.
  case unconfined
  /// What it said cannot be.
  case answer
  /// There is no disk for an answer that is larger than the memory that is free, or it is full.
  case disk(String)

  /// As the end of a sentence about a file.
  var reason: String {
    switch self {
    case .system(let reason): "no process to read it in: \(reason)"
    case .crashed: "reading it crashed"
    case .endless: "reading it did not end"
    case .memory: "reading it needed more memory than is plausible"
    case .room: "its contents take more room than is plausible"
    case .unconfined:
      "the process to read it in could not be confined (limits of this session? see ulimit -a)"
    case .answer: "what was read of it contradicts itself"
    case .disk(let reason): reason
    }
  }

  /// Whether the file may be right: the system is to blame.
  var isSystems: Bool {
    switch self {
    case .system, .unconfined, .disk: true
    default: false
    }
  }
}
