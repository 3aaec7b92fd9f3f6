import FixedNet
import FixedNetFiles
import FixedNetStudies
import Foundation
import ToolSupport

/// One call of `eval`: the model in memory, and what it does to data.
struct Evaluation {
  let options: Eval
  let file: KerasModelFile
  /// --loss, or what the files say.
  let loss: LossStatement
  let threads: ThreadChoice
  private let subnormals: Subnormals
  private let network: Network
  /// Loaded already where a built-in model takes its shape from them.
  private let loaded: LoadedData?

  /// Throws: whatever reading the file does; `ModelError`, `NetworkError`.
  init(_ options: Eval) throws {
    self.options = options
    var stated = LossStatement.none
    if let name = options.model {
      let source = try ModelSource(name)
      let takesShape = source.input == nil && options.data.data != nil
      loaded = takesShape ? try options.data.load(only: options.split ?? .test) : nil
      stated = source.lossStatement
      let model =
        try loaded.map { try source.model(for: $0.set, loss: options.loss) } ?? source.model
      file = try ModelSource.readWeights(options.file, of: model)
    } else {
      loaded = nil
      file = try KerasFile.read(path: options.file, trainingState: .ifPresent)
    }
    try options.checkFiles(loaded, recorded: file.training.map(RecordedData.init))
    if let note = file.model.precisionNote { printError("note: '\(options.file)' \(note)") }
    let own = file.lossStatement
    loss = options.loss.map { .computed($0) } ?? (own == .none ? stated : own)
    subnormals = try options.subnormals.resolved(file.training?.subnormals, of: options.file)
    let plan: NetworkPlan
    (plan, threads) = try InferencePlan.make(
      file.model, of: options.file, batch: options.batch, threads: options.threads,
      loss: loss.computed, budget: options.memoryBudget, subnormals: subnormals,
      fusesLayers: options.activations == nil)
    network = try Network(plan, instructionSet: .selected())
    try network.load(file.weights)
    if !file.nonFinite.isEmpty {
      Evaluation.warn(
        "'\(options.file)' holds NaN or infinite values in "
          + file.nonFinite.joined(separator: ", "))
    }
  }

  private static func warn(_ text: String) {
    printError("warning: \(text)")
  }

  /// Says what broke where outputs are not finite.
  private func warnOfBroken(_ outputs: Tensor, of images: ImageSet) throws {
    guard images.count > 0 else { return }
    let width = outputs.values.count / images.count
    let count = (0..<images.count).count { image in
      !outputs.values[image * width..<(image + 1) * width].allSatisfy(\.isFinite)
    }
    guard count > 0 else { return }
    let broken = try network.brokenOutput(images)
    Evaluation.warn(
      "\(count) of \(images.count) samples have outputs that are not finite"
        + (broken.map { ": \($0) broke first" } ?? ""))
  }

  // MARK: - A data set

  /// What was asked for, or what the file was trained on.
  /// Throws: `ToolError` where neither is known, or where the data are no longer those of the training.
  private func loadData() throws -> LoadedData {
    var data = try loaded ?? loadKnownData()
    try options.checkFiles(data, recorded: recorded)
    if split != .test, let training = file.training, training.dataDigest == data.digest,
      training.normalClass == data.normalClass, training.learnsInputs == data.learnsInputs
    {
      try data.holdOut(as: training, of: options.file)
    }
    guard let training = file.training, options.data.data == nil, !options.data.describesFile,
      options.loss == nil, !training.dataDigest.isEmpty, training.dataDigest != data.digest
    else { return data }
    throw ToolError(
      "'\(options.file)' was trained on other data: \(training.data) [\(training.dataDigest)], found "
        + "[\(data.digest)]; --data \(shellQuoted(data.set.name)) evaluates what is there now")
  }

  private func loadKnownData() throws -> LoadedData {
    guard options.data.data != nil || file.training != nil else {
      throw ToolError(
        "'\(options.file)' does not say what it was trained on; give --data (digits, mnist, "
          + "fashion-mnist, or a file: .csv, .mat, .h5), or --inputs for outputs alone")
    }
    do {
      return try options.data.load(
        recorded: recorded, only: split, input: file.model.input,
        model: file.model.ends(loss: loss.computed))
    } catch DataFileError.file(let error) where options.data.data == nil {
      throw ToolError(
        "\(error.description); '\(options.file)' records it as its data: say where it is with --data"
      )
    }
  }

  private var recorded: RecordedData? { file.training.map(RecordedData.init) }

  /// Why there is no loss: of the loss itself, or of what a layer adds to it.
  private var lossObstacle: String? {
    let model = file.model
    return loss.obstacle
      ?? model.layers.lazy.filter { !model.frozenLayers.contains($0.name) }
      .compactMap(\.planned?.lossObstacle).first
  }

  private var split: DataOptions.Split { options.split ?? .test }

  /// Those that --split asks for.
  /// Throws: `ToolError` where there are none.
  private func samples(of data: LoadedData) throws -> ImageSet {
    switch split {
    case .test: return data.set.test
    case .train: return data.set.train
    case .validation:
      guard let validation = data.validation else {
        throw ToolError(
          "--split validation: '\(options.file)' was not trained with a validation part (train "
            + "--validation-fraction) of '\(data.set.name)' as it is, and is divided, now")
      }
      return validation
    }
  }

  /// Runs the model on a data set and prints the report.
  func evaluate() throws {
    let data = try loadData()
    let images = try samples(of: data)
    try network.plan.checkAnswers(of: images, in: data.set.name, needsLoss: loss.obstacle == nil)
    try checkClassFigures(images, of: data.set.name)
    let start = ProgressLine.now
    let (outputs, sums) = try network.predict(images)
    let seconds = ProgressLine.now - start
    let metrics =
      !images.predictsNumbers
      ? try ClassificationMetrics(
        outputs, labels: images.labels, classCount: data.set.classCount,
        threshold: file.model.classThreshold(loss: loss.computed)) : nil
    let calibration = try calibration(outputs, labels: images.labels)
    try warnOfBroken(outputs, of: images)
    try write(outputs, of: images)
    if let path = options.gradients { try writeGradients(images, to: path) }
    let hasAccuracy = network.plan.hasAccuracy(on: images)
    let targets = images.targetValues
    let report = EvaluationReport(
      path: options.file, data: data, split: split.rawValue, model: file.model,
      weights: file.weights, count: images.count, metrics: metrics,
      loss: lossObstacle == nil ? sums?.meanLoss : nil,
      lossName: lossObstacle == nil ? network.plan.loss?.description : nil,
      lossObstacle: lossObstacle,
      accuracy: metrics?.accuracy ?? (hasAccuracy ? sums?.accuracy : nil),
      ranks: metrics.map { _ in EvaluationReport.Ranks(outputs, labels: images.labels) },
      calibration: calibration,
      numbers: images.predictsNumbers
        ? try NumberMetrics(outputs.values, targets: targets, width: images.targetWidth) : nil,
      anomalies: split == .test
        ? data.anomalies.map {
          AnomalyMetrics(
            $0, outputs: outputs.values, targets: targets, width: images.targetWidth)
        } : nil,
      imagesPerSecond: Double(images.count) / seconds,
      arenaBytes: network.plan.memory.byteCount, threads: threads, nonFinite: file.nonFinite)
    if let path = options.plot, let metrics {
      let figure = Figure.confusion(
        "confusion",
        title: "\(fileName(options.file)) on \(fileName(data.set.name)), \(split.rawValue)",
        caption: "Confusion matrix.", counts: metrics.counts, classNames: data.set.classNames)
      try drawPlot(figure, to: path)
    }
    if let path = options.calibration, let calibration {
      let title = "\(fileName(options.file)) on \(fileName(data.set.name)), \(split.rawValue)"
      try drawPlot(.calibration("calibration", title: title, calibration), to: path)
    }
    data.announce(isQuiet: false, isJSON: options.json)
    if options.json {
      printJSON(report.json)
    } else {
      report.print(confusion: options.confusion)
    }
  }

  // MARK: - Arrays

  /// Runs the model on the samples of a file, and compares with its answers.
  func compare(_ path: String) throws {
    let model = network.plan.model
    let arrays = try InputArrays(
      path, input: model.input, order: options.data.pixelOrder, options: options.data.fileOptions,
      recorded: recorded)
    let images = ImageSet(shape: model.input, pixels: .floats(arrays.x), labels: [])
    let outputs = try model.shapes().output.dimensions
    let expected = try arrays.answers(for: outputs)
    let (result, _) = try network.predict(images)
    try warnOfBroken(result, of: images)
    try write(result, of: images)
    let difference = expected.values.map { NumberMetrics.largestDifference(result.values, $0) }
    if options.json {
      let value: JSONValue = [
        "file": .string(options.file), "inputs": .string(path), "inputsNote": .string(arrays.note),
        "samples": .integer(arrays.count),
        "maxDifference": difference.map { .number(Double($0)) } ?? .null,
        "note": expected.note.map { .string($0) } ?? .null,
        "outputs": options.outputs.map { .string($0) } ?? .null,
      ]
      printJSON(value)
    } else {
      printLine("\(arrays.count) samples of \(model.input) through \(options.file): \(arrays.note)")
      if let outputs = options.outputs { printLine("wrote \(outputs)") }
      if let difference { printLine("max |difference|: \(difference)") }
      if let note = expected.note { printLine(note) }
    }
  }

  // MARK: - What is written

  /// The outputs, or the layers' where those were asked for.
  private func write(_ outputs: Tensor, of images: ImageSet) throws {
    guard let path = options.outputs else { return }
    guard let name = options.activations else {
      try HDF5Arrays.write(
        path: path, datasets: [(name: "y", shape: outputs.shape, values: outputs.values)])
      return
    }
    let model = network.plan.model
    let names = name == "all" ? model.layers.map(\.name) : [name]
    let values = zip(model.layers, try model.shapes().outputs).filter { names.contains($0.0.name) }
      .reduce(0) { $0 + $1.1.elementCount }
    guard values * images.count <= Evaluation.valueLimit else {
      throw ToolError(
        "--activations: \(Format.grouped(images.count)) samples of \(Format.grouped(values)) values "
          + "are more than 2 GiB; ask for one layer, or give fewer samples with --inputs")
    }
    let datasets = try names.map { name in
      let tensor = try network.activations(of: name, images)
      return (name: name, shape: tensor.shape, values: tensor.values)
    }
    try HDF5Arrays.write(path: path, datasets: datasets)
  }

  /// Values of float32 in 2 GiB: what a file in memory may hold.
  private static let valueLimit = 1 << 29

  /// Gradients in training mode, of all images as one batch.
  private func writeGradients(_ images: ImageSet, to path: String) throws {
    func plan(_ batch: Int) throws -> NetworkPlan {
      var planned = PlanOptions(
        batch: batch, isTraining: true, threads: threads.count,
        loss: try loss.usable(of: options.file))
      planned.subnormals = subnormals
      return try NetworkPlan(file.model, options: planned)
    }
    let parts = try plan(min(network.plan.options.batch, images.count))
    let chosen = parts.couplingLayer == nil ? parts : try plan(images.count)
    try MemoryLimit.check(chosen, of: options.file, budget: options.memoryBudget)
    let training = try Network(chosen, instructionSet: .selected())
    try training.load(file.weights)
    let sums = try training.computeGradients(images)
    let descriptions = try file.model.weightDescriptions()
    var datasets = [(name: "loss", shape: [Int](), values: [Float(sums.meanLoss)])]
    for (layer, descriptions) in zip(training.gradients, descriptions) {
      let names = descriptions.filter(\.isTrainable).map(\.name)
      for (name, tensor) in zip(names, layer.tensors) {
        datasets.append(("\(layer.layer)/\(name)", tensor.shape, tensor.values))
      }
    }
    try HDF5Arrays.write(path: path, datasets: datasets)
  }
}
