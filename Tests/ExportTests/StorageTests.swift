import FixedNet
import FixedNetExport
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Weights that a device saves, through cuts of power, and on their way back.
@Suite("What an exported library saves", .enabled(if: Compilation.isPossible))
struct StorageTests {
  /// A small network with all kinds of layouts among its weights; its optimiser keeps two values for each.
  static func trial(_ training: ExportOptions.Training, frozen: Set<String> = []) throws
    -> LibraryTrial
  {
    var model = Model(
      name: "saved", input: .image(height: 4, width: 5, channels: 2),
      layers: [
        Conv2D(name: "conv", filters: 3, kernelSize: (2, 3), activation: .tanh),
        Flatten(name: "flatten"), Dense(name: "hidden", units: 7, activation: .tanh),
        Dense(name: "out", units: 3, activation: .softmax),
      ])
    model.frozenLayers = frozen
    return LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 5), training: training,
      samples: try ExpectedRun.drawnSamples(for: model, loss: .crossEntropy, count: 2),
      rate: 0.01, rounds: 2)
  }

  /// Compiles the library with a program and runs that. `changing`: what the library says in place of something else.
  private func run(
    _ program: String, in folder: String, changing: (String, String)? = nil
  ) throws -> Finished {
    try program.write(
      toFile: "\(folder)/program.c", atomically: false, encoding: .utf8)
    var source = try String(contentsOfFile: "\(folder)/net.c", encoding: .utf8)
    if let (old, new) = changing {
      #expect(source.contains(old))
      source = source.replacing(old, with: new)
    }
    try source.write(toFile: "\(folder)/changed.c", atomically: false, encoding: .utf8)
    let compiled = try Compilation(compiler: "gcc", flags: ["-O2", "-fsanitize=address,undefined"])
      .compile(["changed.c", "program.c"], to: "program", in: folder)
    #expect(compiled.exitCode == 0, "\(compiled.errors)")
    return try Finished("\(folder)/program", [], in: folder)
  }

  // MARK: - Cuts of power

  @Test("1,000 cuts of power: the old weights or the new ones, each time")
  func powerCuts() throws {
    let folder = try Fixtures.temporaryFolder()
    try Self.trial(ExportOptions.Training(.adam())).write(to: folder)
    let found = try run(SimulatedFlash.powerCuts, in: folder)
    #expect(Self.survives(found), "\(found.output) \(found.errors)")
  }

  /// Whether each cut left the old or the new weights. A cut late in a save leaves the new ones, any other the old ones: both
  /// must have been seen.
  private static func survives(_ found: Finished) -> Bool {
    let counts = found.output.split(separator: " ").compactMap { Int($0) }
    return found.exitCode == 0 && counts.count == 2 && counts.reduce(0, +) == 1000
      && counts.allSatisfy { $0 > 10 }
  }

  @Test(
    "the cuts find a library that saves wrongly",
    arguments: [
      // Over the newest weights; a sequence number that stays; half a slot is as good as a whole one.
      ("newest == 0 || (", "newest == 1 || ("),
      ("word_at(piece + AT_SEQUENCE) + 1", "word_at(piece + AT_SEQUENCE)"),
      ("return word_at(piece) == sum ? NET_OK", "return word_at(piece) != 0 ? NET_OK"),
    ])
  func plantedFaults(_ old: String, _ new: String) throws {
    let folder = try Fixtures.temporaryFolder()
    try Self.trial(ExportOptions.Training(.adam())).write(to: folder)
    let found = try run(SimulatedFlash.powerCuts, in: folder, changing: (old, new))
    #expect(!Self.survives(found), "\(found.output)")
  }

  // MARK: - Refusals of the device

  @Test("empty, damaged, of another model or version: each has its number, and nothing changes")
  func refusals() throws {
    let folder = try Fixtures.temporaryFolder()
    try Self.trial(ExportOptions.Training(.momentum(0.9))).write(to: folder)
    let found = try run(SimulatedFlash.refusals, in: folder)
    #expect(found.output == "1 0 2 5 1 4 3 0 5 0 0 0 0 ", "\(found.output) \(found.errors)")
  }

  @Test("what follows is the same with and without saving in between", arguments: [1, 2])
  func goesOn(batch: Int) throws {
    let folder = try Fixtures.temporaryFolder()
    let training = ExportOptions.Training(.adam(), batch: batch)
    try Self.trial(training, frozen: ["hidden"]).write(to: folder)
    let step =
      batch == 1
      ? "net_train_step(input, 1, 0.1f);"
      : "net_accumulate(input, 1); net_accumulate(input, 2); net_update(0.1f);"
    let found = try run(SimulatedFlash.goesOn(step), in: folder)
    #expect(found.output == "same 5 3", "\(found.output) \(found.errors)")
  }

  // MARK: - Back to a file of Keras

  #if HDF5
    @Test(
      "what was saved comes back with the device's hash, and the optimiser's memory",
      arguments: [Set<String>(), ["conv", "hidden"]])
    func readBack(frozen: Set<String>) throws {
      let folder = try Fixtures.temporaryFolder()
      let training = ExportOptions.Training(.adam(), clipping: .value(0.5))
      let trial = try Self.trial(training, frozen: frozen)
      try trial.write(to: folder)
      let found = try run(SimulatedFlash.saved, in: folder)
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/slot.bin")))
      let saved = try SavedWeights(bytes)
      #expect(saved.steps == 3 && saved.subnormals == .flush)
      var model = trial.model
      model.frozenLayers = []
      let file = try saved.kerasFile(model, weights: trial.weights)
      #expect(WeightsDigest.sha256(file.weights, of: file.model) == found.output)
      #expect(file.model.frozenLayers == frozen)
      // The engine's memory after the same steps.
      let sample = ImageSet(
        shape: model.input, pixels: .floats([1, 0.5, 0.25] + Array(repeating: 0, count: 37)),
        labels: [1])
      var options = PlanOptions(batch: 1, isTraining: true, threads: 1, blockSize: 1)
      (options.optimizer, options.clipping) = (training.optimizer, training.clipping)
      let network = try Network(NetworkPlan(trial.model, options: options))
      try network.load(trial.weights)
      for step in 0..<3 {
        let rule = training.optimizer.rule(at: step, learningRate: 0.1)
        _ = try network.step(sample, update: rule, step: step)
      }
      #expect(file.optimizerState == network.optimizerState)
      try KerasFile.write(file, to: "\(folder)/tuned.h5")
      let read = try KerasFile.read(path: "\(folder)/tuned.h5")
      #expect(WeightsDigest.sha256(read.weights, of: read.model) == found.output)
      #expect(read.optimizerState == file.optimizerState && read.iterations == 3)
    }
  #endif

  @Test("what was saved says that the device keeps subnormal numbers")
  func savedMode() throws {
    let folder = try Fixtures.temporaryFolder()
    var trial = try Self.trial(ExportOptions.Training())
    trial.subnormals = .keep
    try trial.write(to: folder)
    _ = try run(SimulatedFlash.saved, in: folder)
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/slot.bin")))
    let saved = try SavedWeights(bytes)
    #expect(saved.subnormals == .keep)
    _ = try saved.kerasFile(trial.model, weights: trial.weights)
  }

  @Test("a slot that is cut, changed, of another model or version is refused in words")
  func readBackRefusals() throws {
    let folder = try Fixtures.temporaryFolder()
    let trial = try Self.trial(ExportOptions.Training())
    try trial.write(to: folder)
    _ = try run(SimulatedFlash.saved, in: folder)
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/slot.bin")))
    func message(_ bytes: [UInt8]) -> String {
      do { _ = try SavedWeights(bytes) } catch { return "\(error)" }
      return ""
    }
    // What follows is the rest of the erase block.
    #expect(message(bytes + [0xFF, 0xFF]) == "")
    for count in [0, 3, 63] { #expect(message(Array(bytes.prefix(count))).contains("no weights")) }
    for count in [64, 128, bytes.count - 1] {
      #expect(message(Array(bytes.prefix(count))).hasPrefix("cut: \(count) bytes"))
    }
    // Every single byte is looked at: the head, the description, the values, the last piece's checksum.
    for place in bytes.indices.dropLast(60) {
      var changed = bytes
      changed[place] ^= 0x10
      #expect(message(changed) != "", "byte \(place)")
    }
    var other = trial.weights
    other[0].tensors[0].values[0] += 1
    // Of the trained weights the start does not matter, of the frozen ones it does.
    _ = try SavedWeights(bytes).kerasFile(trial.model, weights: other)
    var model = trial.model
    model.layers[2] = Dense(name: "hidden", units: 7, activation: .relu)
    #expect(throws: ExportError.self) {
      try SavedWeights(bytes).kerasFile(model, weights: trial.weights)
    }
    let frozenFolder = try Fixtures.temporaryFolder()
    let frozen = try Self.trial(ExportOptions.Training(), frozen: ["conv"])
    try frozen.write(to: frozenFolder)
    _ = try run(SimulatedFlash.saved, in: frozenFolder)
    let part = [UInt8](try Data(contentsOf: URL(filePath: "\(frozenFolder)/slot.bin")))
    #expect(throws: ExportError.self) {
      try SavedWeights(part).kerasFile(frozen.model, weights: other)
    }
  }

  // MARK: - The library's own test

  @Test(
    "the self-test passes, and tells what changes bits",
    arguments: [
      ("", "", "yes"),
      // A product that is rounded before it is added, another order, -ffast-math's sort of thing.
      ("sum[o][j] = fma1(u, v[j], sum[o][j]);", "sum[o][j] = u * v[j] + sum[o][j];", "no"),
      ("return (s[0] + s[2]) + (s[1] + s[3]);", "return (s[0] + s[1]) + (s[2] + s[3]);", "no"),
      ("w[o] = fma1(-rate, fma1(v, dz[o], 0.0f), w[o]);", "w[o] = w[o] - rate * v * dz[o];", "no"),
    ])
  func selfTest(_ old: String, _ new: String, _ answer: String) throws {
    let folder = try Fixtures.temporaryFolder()
    try Self.trial(ExportOptions.Training()).write(to: folder)
    let found = try run(
      """
      #include "net.h"
      #include <stdio.h>
      int main(void) {
        printf("%s", net_self_test() ? "yes" : "no");
        return 0;
      }
      """, in: folder, changing: old.isEmpty ? nil : (old, new))
    #expect(found.output == answer, "\(found.errors)")
  }
}
