import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// A parser of bytes that nobody vouches for. Whatever the bytes are, it returns or throws an error of one line.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// A whole model in HDF5; else a data set in HDF5.
  case h5
  /// The weights of a small model, in HDF5.
  case weights
  /// A model in a zip archive.
  case keras
  /// A data set of MATLAB.
  case mat
  /// A table of text.
  case csv
  /// Arrays of NumPy's.
  case npz
  /// A picture.
  case image
  /// Arrays of bytes of one and three axes, plain or gzip.
  case idx
  /// A model's or a training configuration's JSON.
  case json
  /// Command-line arguments, one per line.
  case options
  /// What a helper says of a model's file, which may lie.
  case answer

  /// Runs the parser. Returns what it says: "read", or the error's line.
  /// Stops the program where an error has more than one line, or says too much.
  @discardableResult
  public func run(_ bytes: [UInt8]) -> String {
    do {
      try parse(bytes)
      return "read"
    } catch {
      let text = "\(error)"
      guard !text.isEmpty, OneLine.isOne(text), text.unicodeScalars.count < 1000 else {
        fatalError("\(rawValue): an error must be one line, found: \(text)")
      }
      return text
    }
  }

  private func parse(_ bytes: [UInt8]) throws {
    switch self {
    case .h5:
      let path = try ScratchFile.write(bytes, "fuzz.h5")
      do { _ = try KerasFile.read(path: path) } catch {
        guard case .wrongFormat = error else { throw error }
        _ = try DataFile.load(path: path)
      }
    case .weights:
      let path = try ScratchFile.write(bytes, "fuzz.weights.h5")
      _ = try KerasFile.readWeights(path: path, model: FuzzTarget.model)
    case .keras: _ = try KerasFile.read(path: ScratchFile.write(bytes, "fuzz.keras"))
    case .mat: _ = try DataFile.load(path: ScratchFile.write(bytes, "fuzz.mat"))
    case .csv: _ = try DataFile.load(path: ScratchFile.write(bytes, "fuzz.csv"))
    case .npz: _ = try DataFile.load(path: ScratchFile.write(bytes, "fuzz.npz"))
    case .image:
      // By what it is, not by its name.
      let path = try ScratchFile.write(bytes, "fuzz.png")
      _ = try DataSamples.pictures(
        [path], input: .image(height: 8, width: 9, channels: 3), image: nil)
    case .idx:
      let path = try ScratchFile.write(bytes, "fuzz.idx")
      do { _ = try IDXFile.read(path, rank: 3) } catch {
        if (try? IDXFile.read(path, rank: 1)) == nil { throw error }
      }
    case .json: try FuzzTarget.parseJSON(bytes)
    case .options: try FuzzOptions.parse(bytes)
    case .answer: _ = try KerasFile.read(records: bytes)
    }
  }

  /// What the weights belong to.
  private static let model = Model(
    name: "m", input: .vector(3),
    layers: [
      Dense(name: "a", units: 2, activation: .tanh), BatchNormalization(name: "b"),
      Dense(name: "c", units: 2, activation: .softmax),
    ])

  private static func parseJSON(_ bytes: [UInt8]) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    let json = try JSONValue(parsing: text)
    let written = json.text
    // Escapes and spaces may make a text longer than it was.
    if written.utf8.count <= JSONValue.sizeLimit {
      // As text, for NaN is not equal to itself; to the byte, for Swift takes other texts for equal too.
      let copy = try JSONValue(parsing: written)
      guard copy.text.utf8.elementsEqual(written.utf8) else {
        fatalError("json: '\(written)' must be read as that value, found '\(copy.text)'")
      }
    }
    guard JSONValue.array([json]).summary.unicodeScalars.count <= 200 else {
      fatalError("json: a summary must be short, found '\(json.summary)'")
    }
    _ = Schedule(json: json, learningRate: 0.01)
    let model = try Model(json: json)
    _ = try Model(json: model.json)
    for isTraining in [false, true] {
      _ = try NetworkPlan(model, options: PlanOptions(batch: 9, isTraining: isTraining))
    }
  }
}

/// One file in memory (where the system has a folder there), written again and again.
enum ScratchFile {
  private static let folder: String = {
    let memory = "/dev/shm"
    let parent = access(memory, W_OK) == 0 ? memory : NSTemporaryDirectory()
    let path = "\(parent)/fixednet-fuzz-\(getpid())"
    mkdir(path, 0o700)
    atexit { try? FileManager.default.removeItem(atPath: ScratchFile.folder) }
    return path
  }()

  static func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let path = "\(folder)/\(name)"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(file) }
    guard file >= 0, Foundation.write(file, bytes, bytes.count) == bytes.count else {
      throw CocoaError(.fileWriteUnknown)
    }
    return path
  }
}
