import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Other programs read a checkpoint of ours as we do. Their scripts, Tests/Interop, print the same five lines: the
/// shape of the second convolution's kernel [height, width, in, out], one of its values, a checksum that depends on
/// the order of all of them, the sum of the bias, and the history of the test accuracy.
@Suite("Interoperability")
struct InteropTests {
  /// A program that runs a script of Tests/Interop, and how to get it.
  struct Reader: Sendable, CustomTestStringConvertible {
    var script: String
    var command: [String]
    /// Succeeds where the command and its library are there.
    var probe: [String]
    var testDescription: String { script }

    /// Nil where it is not installed.
    var program: String? {
      guard let path = Self.find(command[0]), let test = Self.find(probe[0]),
        (try? Finished(test, Array(probe.dropFirst())).exitCode) == 0
      else { return nil }
      return path
    }

    private static func find(_ name: String) -> String? {
      if name.hasPrefix("/") { return name }
      let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      return folders.map { "\($0)/\(name)" }.first {
        FileManager.default.isExecutableFile(atPath: $0)
      }
    }
  }

  static let python = Reader(
    script: "read_checkpoint.py", command: [Fixtures.python ?? "python3"],
    probe: [Fixtures.python ?? "python3", "-c", "import h5py"])
  static let octave = Reader(
    script: "read_checkpoint.m", command: ["octave-cli", "--norc"],
    probe: ["octave-cli", "--version"])
  static let rhdf5 = Reader(
    script: "read_checkpoint.R", command: ["Rscript", "--vanilla"],
    probe: ["Rscript", "-e", "library(rhdf5)"])
  static let hdf5r = Reader(
    script: "read_checkpoint_hdf5r.R", command: ["Rscript", "--vanilla"],
    probe: ["Rscript", "-e", "library(hdf5r)"])
  static let h5dump = Reader(
    script: "read_checkpoint.sh", command: ["sh"], probe: ["h5dump", "--version"])

  private let model = "\(Fixtures.root)/Models/lenet.h5"

  @Test("h5py", .enabled(if: python.program != nil, "needs h5py: make test sets up .venv"))
  func readsWithPython() throws { try compare(Self.python) }

  @Test("Octave", .enabled(if: octave.program != nil, "needs octave-cli: apt-get install octave"))
  func readsWithOctave() throws { try compare(Self.octave) }

  @Test(
    "R with rhdf5",
    .enabled(if: rhdf5.program != nil, "needs R and rhdf5: apt-get install r-bioc-rhdf5"))
  func readsWithRhdf5() throws { try compare(Self.rhdf5) }

  @Test(
    "R with hdf5r",
    .enabled(if: hdf5r.program != nil, "needs R and hdf5r: apt-get install r-cran-hdf5r"))
  func readsWithHdf5r() throws { try compare(Self.hdf5r) }

  @Test("h5dump", .enabled(if: h5dump.program != nil, "needs h5dump: apt-get install hdf5-tools"))
  func readsWithH5dump() throws { try compare(Self.h5dump) }

  /// Runs a reader's script on the model that ships and compares what it prints with our own reading.
  private func compare(_ reader: Reader) throws {
    let run = try Finished(
      try #require(reader.program),
      reader.command.dropFirst() + ["\(Fixtures.root)/Tests/Interop/\(reader.script)", model])
    #expect(run.exitCode == 0, "\(run.errors.suffix(400))")
    let printed = run.output.split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    let expected = try expectedLines()
    #expect(printed.map { $0.first } == expected.map(\.name), "\(run.output)")
    for (line, expected) in zip(printed, expected) {
      let numbers = line.suffix(expected.values.count).compactMap(Double.init)
      #expect(numbers.count == expected.values.count, "\(line)")
      for (number, value) in zip(numbers, expected.values) {
        #expect(abs(number - value) <= 1e-6 * abs(value), "\(line)")
      }
    }
  }

  private func expectedLines() throws -> [(name: String, values: [Double])] {
    let file = try KerasFile.read(path: model)
    let layer = try #require(file.weights.first { $0.layer == "conv2" })
    let (kernel, bias) = (layer.tensors[0], layer.tensors[1])
    let shape = kernel.shape
    #expect(shape == [5, 5, 6, 16])
    let index = ((0 * shape[1] + 1) * shape[2] + 2) * shape[3] + 3
    let checksum = kernel.values.enumerated().reduce(0) {
      $0 + Double($1.offset + 1) * Double($1.element)
    }
    let history = try #require(file.training?.history)
    #expect(history.count == 10)
    return [
      ("shape", shape.map(Double.init)), ("kernel[0,", [Double(kernel.values[index])]),
      ("checksum", [checksum]), ("bias", [bias.values.reduce(0) { $0 + Double($1) }]),
      ("accuracy", history.map(\.testAccuracy)),
    ]
  }
}
