import FixedNet
import Foundation
import ToolSupport

/// One peer: a Python process that answers every line with a line of JSON (peers/worker.py).
final class PeerProcess {
  /// Whom bench can ask, in the order of the table's columns.
  enum Name: String, CaseIterable {
    case torch
    case torchCompile = "torch-compile"
    case keras
    case jax
    case onnxruntime
    case litert

    var title: String {
      switch self {
      case .torch: "PyTorch"
      case .torchCompile: "torch.compile"
      case .keras: "Keras/TensorFlow"
      case .jax: "JAX"
      case .onnxruntime: "ONNX Runtime"
      case .litert: "LiteRT"
      }
    }

    /// The head of its column.
    var column: String {
      switch self {
      case .torch: "PyTorch"
      case .torchCompile: "compiled"
      case .keras: "Keras"
      case .jax: "JAX"
      case .onnxruntime: "ONNX"
      case .litert: "LiteRT"
      }
    }
  }

  let name: Name
  /// Of the libraries, as they say.
  let versions: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let log: String
  private var pending = Data()

  /// Throws: `ToolError` where the process does not start or a library is missing.
  init(_ name: Name, python: String, script: String, folder: PeerFolder, threads: Int) throws {
    self.name = name
    log = "\(folder.path)/\(name.rawValue).log"
    process.executableURL = URL(filePath: python)
    process.arguments = [script, folder.path, name.rawValue, "\(threads)"]
    process.standardInput = input
    process.standardOutput = output
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: log)
    signal(SIGPIPE, SIG_IGN)  // a peer that dies is an error of ours, not the end
    do { try process.run() } catch { throw ToolError("'\(python)' does not start") }
    let answer = try PeerProcess.line(from: output, &pending, log)
    if case .string(let text)? = answer["missing"] { throw ToolError(text) }
    guard case .object(let members)? = answer["versions"] else {
      throw ToolError("it does not tell its versions")
    }
    versions = members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.plain)" }
      .joined(separator: ", ")
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Throws: `ToolError` with what the process said last where it has ended.
  func ask(_ command: String, _ work: PeerWork) throws -> JSONValue {
    let line = Data("\(command) \(work.name)\n".utf8)
    try? input.fileHandleForWriting.write(contentsOf: line)
    return try PeerProcess.line(from: output, &pending, log)
  }

  private static func line(from pipe: Pipe, _ pending: inout Data, _ log: String) throws
    -> JSONValue
  {
    while true {
      if let end = pending.firstIndex(of: 10) {
        let text = String(decoding: pending[..<end], as: UTF8.self)
        pending = Data(pending[(end + 1)...])
        do { return try JSONValue(parsing: text) } catch {
          throw ToolError("it answered '\(text.prefix(80))'")
        }
      }
      let more = pipe.fileHandleForReading.availableData
      guard !more.isEmpty else {
        let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let last = said.split(whereSeparator: \.isNewline).last ?? "it said nothing"
        throw ToolError("it ended early: \(last.prefix(200))")
      }
      pending.append(more)
    }
  }
}

extension JSONValue {
  /// A text without its quotes.
  var plain: String { if case .string(let text) = self { text } else { summary } }

  var double: Double? {
    switch self {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }
}
