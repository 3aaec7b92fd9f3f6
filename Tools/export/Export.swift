import FixedNet
import FixedNetExport
import FixedNetFiles
import Foundation
import ToolSupport

/// A library that is about to be written.
struct Export {
  private let folder: String
  private let library: CLibrary
  private let expected: ExpectedRun

  /// `name`: a model's; `folder`: where the library is to be.
  /// Throws: `ToolError`, `ExportError`, `ModelError`, and whatever reading the model does.
  init(_ command: ExportCommand, of modelName: String, to folder: String) throws {
    self.folder = folder
    let source = try ModelSource(modelName)
    guard source.nonFinite.isEmpty else {
      throw ToolError(
        "'\(modelName)' holds NaN or infinite values in \(source.nonFinite.joined(separator: ", ")); "
          + "train it again with a smaller learning rate")
    }
    var model = source.model
    try Export.freeze(&model, command)
    let name = command.name ?? Export.name(modelName, model)
    let training = try Export.training(command, source)
    let options = ExportOptions(
      name: name, training: training,
      subnormals: try command.subnormals.resolved(source.subnormals, of: modelName))
    let plan = try NetworkPlan(
      model,
      options: PlanOptions(batch: 1, isTraining: training != nil, loss: training?.loss))
    if source.input != nil {
      try MemoryLimit.check(plan, of: modelName, budget: nil, hasOption: false)
    }
    let weights = try source.weights ?? model.initialWeights(seed: 0)
    library = try CLibrary(model, weights: weights, options: options)
    if let budget = command.memoryBudget?.bytes, library.ramByteCount > budget {
      throw ToolError(
        "the library needs \(Format.bytes(library.ramByteCount)), more than --memory-budget "
          + "\(Format.grouped(budget)) bytes; train fewer layers (--last N), or with --train sgd and "
          + "--batch 1, which need least")
    }
    let samples = try Export.samples(command, of: source, model, plan, batch: training?.batch ?? 1)
    let rate = training.map { OptimizerName($0.optimizer).defaultLearningRate } ?? 0
    expected = try ExpectedRun(
      model, weights: weights, options: options, samples: samples, rate: Float(rate))
  }

  /// The file's name without folder and ending, or a built-in model's; with something behind it where that is a word of the
  /// library's own.
  private static func name(_ file: String, _ model: Model) -> String {
    let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
    let letters = stem.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
    let isNumber = letters.first?.isNumber ?? true
    let name = (isNumber ? "n" : "") + String(letters.prefix(27))
    return CLibrary.isName(name) ? name : name + "_net"
  }

  /// The layers that training leaves alone: those that were named, or all but the last with weights.
  private static func freeze(_ model: inout Model, _ command: ExportCommand) throws {
    if let text = command.freeze {
      for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
        guard model.layers.contains(where: { $0.name == name }) else {
          let known = model.layers.map(\.name).joined(separator: ", ")
          throw ToolError("--freeze: the model has no layer '\(name)'; it has \(known)")
        }
        model.frozenLayers.insert(name)
      }
    }
    let weighted = try zip(model.layers, model.weightDescriptions()).filter { !$0.1.isEmpty }
      .map(\.0.name)
    if command.freeze != nil, weighted.allSatisfy(model.frozenLayers.contains) {
      throw ToolError(
        "--freeze: nothing is left to train, as all layers with weights are frozen; leave one out, or "
          + "write a library that only predicts, without --train")
    }
    guard let count = command.last else { return }
    guard count <= weighted.count else {
      throw ToolError("--last: the model has \(weighted.count) layers with weights, found \(count)")
    }
    model.frozenLayers.formUnion(weighted.dropLast(count))
  }

  private static func training(_ command: ExportCommand, _ source: ModelSource) throws
    -> ExportOptions.Training?
  {
    guard let train = command.train else { return nil }
    let loss = try command.loss.map(Loss.option) ?? source.lossStatement.usable(of: source.name)
    var (optimizer, clipping) = (Optimizer.sgd, Clipping.none)
    if let name = OptimizerName(rawValue: train) {
      optimizer = command.numbers.changed(name.optimizer())
    } else {
      guard let own = try source.optimizer?.resolved(isRateGiven: true) else {
        throw ToolError(
          "--train \(train): '\(source.name)' names no optimiser; say --train sgd, or another")
      }
      clipping = own.clipping
      optimizer = try command.numbers.changing(
        own.configuration.optimizer, of: source.name, option: "--train")
    }
    return ExportOptions.Training(
      optimizer, clipping: command.numbers.statedClipping ?? clipping, loss: loss,
      batch: command.batch ?? 1, seed: command.seed ?? 0, recomputes: command.recompute,
      memoryBudget: command.memoryBudget?.bytes)
  }

  /// The test's: the first ones of the data, else drawn ones. As many as a mini-batch has at least.
  private static func samples(
    _ command: ExportCommand, of source: ModelSource, _ model: Model, _ plan: NetworkPlan,
    batch: Int
  ) throws -> ImageSet {
    let count = max(command.samples ?? 4, batch)
    guard command.data.data != nil else {
      return try ExpectedRun.drawnSamples(for: model, loss: plan.loss, count: count)
    }
    let data = try command.data.load(
      recorded: source.recorded, only: .test, input: model.input,
      model: model.ends(loss: plan.loss))
    guard data.set.test.count >= count else {
      throw ToolError(
        "--samples: the test set of '\(data.set.name)' has \(data.set.test.count) samples, and the "
          + "test takes \(count)")
    }
    let samples = try data.set.test.samples(at: Array(0..<count))
    if command.train != nil {
      try plan.checkAnswers(of: samples, in: data.set.name, needsLoss: true)
    }
    return samples
  }

  /// Writes all files, each in one step.
  /// Throws: `ToolError` where a file of such a name is there that no export wrote: a project's Makefile, perhaps.
  func write() throws {
    let files = library.files + [library.test(expected)]
    for file in files { try checkIsOurs("\(folder)/\(file.name)") }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ToolError("cannot make the folder '\(folder)'; name another one with --c")
    }
    for file in files {
      try AtomicFile.write(Array(file.text.utf8), to: "\(folder)/\(file.name)")
    }
  }

  private func checkIsOurs(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    let start = try FileBytes.start(ofFile: path, count: 4096)
    guard !String(decoding: start, as: UTF8.self).contains("fixednet export") else { return }
    throw ToolError(
      "'\(path)' is there, and was not written by fixednet export; name another folder with --c")
  }

  func report() {
    let name = library.options.name
    printLine(
      "wrote \(folder)/: \(name).h, \(name).c, \(name)_test.c, Makefile, CMakeLists.txt, "
        + "library.properties")
    printLine("RAM: \(Format.bytes(library.ramByteCount)), all that changes on the device")
    printLine(
      "flash: \(Format.bytes(library.constantByteCount)) of weights and constants, and the code")
    printLine(deviceText)
    printLine("multiply-adds of a prediction: \(Format.grouped(library.multiplyAdds))")
    printLine("weights sha256 of the test's end: \(expected.digest)")
    printLine("test it on this machine: make -C \(shellQuoted(folder)) test")
  }

  /// What a compiler for a microcontroller makes of it, where there is one.
  private var deviceText: String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    guard let compiler = DeviceCode.compilerPath(in: path) else {
      return "code and stack: not known, as there is no arm-none-eabi-gcc on the path"
    }
    guard library.constantByteCount <= DeviceCode.constantLimit else {
      return "code and stack: not measured, as the weights are more than a microcontroller has"
    }
    do {
      let code = try DeviceCode(library, compiler: compiler)
      let step = code.stepStack.map { ", \(Format.grouped($0)) of a step" } ?? ""
      return
        "Cortex-M4F, \(code.compiler) -O3: \(Format.grouped(code.runCode)) bytes of code to predict"
        + "\(code.stepStack == nil ? "" : " and train"), \(Format.grouped(code.allCode)) with all functions; "
        + "\(Format.grouped(code.constants)) of constants; stack: \(Format.grouped(code.predictStack)) bytes of a "
        + "prediction\(step), \(Format.grouped(code.mostStack)) at most"
    } catch { return "code and stack: not known: \(error)" }
  }
}
