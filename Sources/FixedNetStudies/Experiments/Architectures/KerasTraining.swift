import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// How a study has a network trained in Keras: a script of the checkout, run by a Python that has it.
package struct KerasTraining: Sendable, Equatable {
  /// Absolute paths.
  package var python: String
  package var script: String
  /// Seconds that a training may take.
  package var deadline = 7200.0

  package init(python: String, script: String) {
    self.python = python
    self.script = script
  }

  /// The same training in Keras: from the same start, over the same batches in the same order. Dropout draws its own numbers.
  /// Throws: `StudyError`; `.interrupted` where the user asked to stop.
  func run(
    _ architecture: Architecture, _ samples: ArchitectureSamples, seed: UInt64,
    _ context: StudyContext
  ) throws -> JSONValue {
    guard let place = WorkFolder() else {
      throw StudyError.output("cannot make a temporary folder for Keras' data")
    }
    defer { place.remove() }
    let folder = place.path
    let work = KerasWork(architecture, samples, seed: seed, threads: context.options.threads)
    do { try work.write(to: folder) } catch {
      throw StudyError.output("cannot write Keras' data to '\(folder)': \(error)")
    }
    let log = "\(folder)/log"
    let end = ChildProgram.run(
      python, [script, folder], in: folder, log: log, deadline: deadline)
    try context.checkInterrupt()
    guard end == .exited(code: 0) else {
      let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let last = said.split(separator: "\n").last.map(String.init) ?? "it said nothing"
      throw StudyError.failed(
        "'\(architecture.name)' in Keras ('\(python)', \(end)): \(OneLine.short(last))")
    }
    do {
      return try JSONValue(
        parsing: TextFile.read("\(folder)/result.json", limit: JSONValue.sizeLimit) ?? "")
    } catch {
      throw StudyError.failed("'\(architecture.name)' in Keras: its result: \(error)")
    }
  }
}

/// What Keras is told of a training: a folder with work.json and arrays beside it, little-endian.
private struct KerasWork {
  let architecture: Architecture
  let samples: ArchitectureSamples
  let seed: UInt64
  let threads: Int

  init(
    _ architecture: Architecture, _ samples: ArchitectureSamples, seed: UInt64, threads: Int
  ) {
    self.architecture = architecture
    self.samples = samples
    self.seed = seed
    self.threads = threads
  }

  func write(to folder: String) throws {
    func write(_ name: String, _ bytes: [UInt8]) throws {
      try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    }
    let set = samples.set
    let (model, weights) = architecture.model.kerasForm(
      try architecture.model.initialWeights(seed: seed))
    var before = model.inputName
    let layers = zip(model.layers, weights).map { layer, weights -> JSONValue in
      defer { before = layer.name }
      var config = layer.config
      config["name"] = .string(layer.name)
      let shapes = weights.tensors.map { JSONValue.array($0.shape.map { .integer($0) }) }
      return [
        "class_name": .string(type(of: layer).className), "config": .object(config),
        "reads": .array((model.connections?[layer.name] ?? [before]).map { .string($0) }),
        "weights": .array(shapes),
      ]
    }
    let batch = min(architecture.batch, set.train.count)
    let work: JSONValue = [
      "input": .string(model.inputName), "layers": .array(layers), "batch": .integer(batch),
      "epochs": .integer(architecture.epochs), "learning_rate": .number(architecture.learningRate),
      "steps": .integer(architecture.stepCount),
      "is_autoencoder": .bool(architecture.isAutoencoder), "threads": .integer(threads),
      "shape": .array(set.train.shape.dimensions.map { .integer($0) }),
    ]
    try write("work.json", Array(work.text.utf8))
    let values = weights.flatMap { $0.tensors.flatMap(\.values) }
    try write(
      "weights", values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
    let parts = [("train", set.train), ("test", set.test)]
    for (name, images) in parts + (samples.broken.map { [("broken", $0)] } ?? []) {
      if case .bytes(let bytes) = images.pixels { try write("\(name).x", bytes) }
      try write("\(name).y", images.labels.map { UInt8(truncatingIfNeeded: $0) })
    }
    var order: [UInt8] = []
    for epoch in 0..<architecture.epochs {
      let permutation = Permutation(count: set.train.count, seed: seed, epoch: UInt64(epoch))
      for position in 0..<set.train.count {
        withUnsafeBytes(of: Int32(permutation[position]).littleEndian) { order += $0 }
      }
    }
    try write("order", order)
  }
}

/// What Keras found.
struct KerasResult {
  /// "keras 3.15.1 on jax 0.10.2".
  var versions: String
  var epochs: [TrainingResult.Epoch]
  /// Seconds of a step of `fit`, the median over the epochs behind the first one, in which it compiles.
  var step: Double
  /// Of an autoencoder.
  var area: Double?

  /// nil where it is not what the script says of that many epochs.
  init?(_ json: JSONValue, epochs count: Int) {
    guard KeptFile.hasMembers(json, ["versions", "epochs", "step", "area"]),
      let versions = KeptFile.text(json["versions"], limit: 100),
      let step = KeptFile.seconds(json["step"]), case .array(let rows)? = json["epochs"],
      rows.count == count
    else { return nil }
    (self.versions, self.step, epochs) = (versions, step, [])
    for case .array(let row) in rows {
      let values = row.compactMap(\.double)
      guard row.count == 4, values.count == 4, values.allSatisfy(\.isFinite) else { return nil }
      epochs.append(
        TrainingResult.Epoch(
          trainLoss: values[0], trainAccuracy: values[1], testLoss: values[2],
          testAccuracy: values[3]))
    }
    guard epochs.count == count else { return nil }
    if json["area"] != .null {
      guard let area = json["area"]?.double, (0...1).contains(area) else { return nil }
      self.area = area
    }
  }
}
