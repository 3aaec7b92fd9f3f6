import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Files that these tests read.
enum TestFiles {
  /// The package's folder.
  static let package = Fixtures.root

  static func path(_ name: String) -> String { "\(package)/Tests/Fixtures/\(name)" }

  /// Larger fixtures and data sets that are not part of the package: $FIXEDNET_SHARED, or `shared` beside it.
  static let shared =
    ProcessInfo.processInfo.environment["FIXEDNET_SHARED"] ?? "\(package)/../shared"

  static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  static let missingShared: Comment = "the larger fixtures are not beside this package"

  static func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(shared)/\(name)")
  }

  /// A file of float32, little-endian.
  static func floats(_ path: String) throws -> [Float] {
    try bytes(path).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fixednet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Programs that tests compare with.
enum Python {
  static let missingKeras: Comment =
    "needs Python with keras and jax: set FIXEDNET_PYTHON, or make a virtual environment at .venv"

  static let interpreter = Fixtures.python

  static let hasKeras: Bool = {
    guard let interpreter else { return false }
    let code = """
      import importlib.util as u, sys
      sys.exit(not all(u.find_spec(m) for m in ("keras", "jax", "h5py")))
      """
    return (try? run(interpreter, ["-c", code]).status) == 0
  }()

  static let hasPython: Bool = (try? run("/usr/bin/env", ["python3", "-V"]).status) == 0

  /// Held while a child process lives: on Linux, children inherit each other's pipes, and Foundation then waits for all
  /// of them.
  static let lock = NSLock()

  /// Runs a script of Tests/Python.
  static func script(_ name: String, _ arguments: [String]) throws -> (status: Int32, text: String)
  {
    try run(
      #require(interpreter), ["\(TestFiles.package)/Tests/Python/\(name)"] + arguments)
  }

  /// Runs a program; `text` is what it printed on both streams.
  static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, text: String)
  {
    lock.lock()
    defer { lock.unlock() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"]
    ) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}

/// An error's description, which must be one line of reasonable length.
func line(
  _ error: any Error, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  let text = "\(error)"
  #expect(!text.contains("\n") && !text.isEmpty, sourceLocation: sourceLocation)
  #expect(text.count < 1000, sourceLocation: sourceLocation)
  return text
}

extension TrainingState {
  /// A state with a value in every place.
  static var sample: TrainingState {
    var state = TrainingState(
      modelName: "lenet", data: "digits", dataDigest: "00ff", seed: .max - 1, batch: 128,
      blockSize: 16,
      optimizer: [
        "class_name": "SGD",
        "config": ["name": "SGD", "learning_rate": 0.01, "nesterov": false],
      ],
      schedule: ["class_name": "constant", "config": ["learning_rate": 0.01]],
      learningRate: 0.01, epochs: 10)
    state.epoch = 2
    state.step = 1000
    state.stepInEpoch = 62
    state.partialLoss = 1 / 3
    state.partialHits = 7000
    state.partialImages = 7936
    state.history = [1, 2].map {
      EpochRecord(
        epoch: $0, learningRate: 0.01, trainLoss: 1.0 / Double(7 + $0), trainAccuracy: 0.9,
        testLoss: .leastNonzeroMagnitude, testAccuracy: 0.1 + 0.2, seconds: 1e300)
    }
    state.bestEpoch = 2
    state.bestAccuracy = 0.1 + 0.2
    return state
  }
}
