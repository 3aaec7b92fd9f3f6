import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

package struct PlanCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Shows the memory that a network needs, to the byte, before anything runs.",
    discussion: """
      Prints one line per slot (offset in the arena, bytes, copies, region, scope, the steps between which it \
      holds something, name, shape), the totals of the regions, the arena's size beside the lower bound, and \
      the live bytes of every step.
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp(
      "A built-in model (\(PlanCommand.models)), mlp:64,32, cnn:32,64, a Keras JSON file (.json), an .h5 or a "
        + ".keras file.",
      valueName: "model"), completion: .model)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Instead of a model: place the buffers of this .csv file, a head id,lower,upper,size and one line for "
        + "each, alive from step lower up to, without, upper; size in bytes.", valueName: "file"),
    completion: .path)
  var placement: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Images of a mini-batch, or of one inference call; for a full-batch solver all samples (1 to "
        + "65,536).", valueName: "count"))
  var batch = 128

  @OptionGroup var shape: ModelShapeOptions

  @OptionGroup var optimizer: OptimizerOptions

  @Option(
    help: ArgumentHelp(
      "\(Loss.help) (default: what an .h5 or .keras says, else what the model's end asks for)",
      valueName: "name"), completion: .loss, transform: Loss.option)
  var loss: Loss?

  @Flag(help: "Plan for inference instead of training.")
  var inference = false

  @Option(
    parsing: .unconditional,
    help: "Threads that share the work (1 to 256; default: one per processor).")
  var threads: Int?

  @Flag(
    help: ArgumentHelp(
      "Compute outputs again in the backward pass instead of keeping them, as far as a step takes at "
        + "most 1.6 times the multiply-adds, or as --memory-budget asks."))
  var recompute = false

  @Option(
    help: ArgumentHelp(
      "Plan what train does with this budget, \(ByteCount.help).", valueName: "size"))
  var memoryBudget: ByteCount?

  @OptionGroup var subnormals: SubnormalsOption

  @Flag(help: "Print one JSON object; offsets and sizes in bytes.")
  var json = false

  @Option(
    help: ArgumentHelp("Draw the memory over time to this .svg file.", valueName: "file"),
    completion: .path)
  var svg: String?

  @Option(
    help: ArgumentHelp(
      "Write the model's Keras JSON to this .json file: change it as you like, and train --model reads it.",
      valueName: "file"), completion: .path)
  var modelJSON: String?

  private static let models = BuiltInModel.allCases.map(\.rawValue).joined(separator: ", ")

  package init() {}

  package func validate() throws {
    if placement != nil { return try checkPlacement() }
    guard let model else { throw ValidationError("expected a model or --placement, found neither") }
    if !ModelSource.isKerasFile(model) { try optimizer.checkNumbersOfDefault() }
    try checked(batch, "--batch", in: 1...65_536)
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if let svg, !svg.lowercased().hasSuffix(".svg") {
      throw ValidationError("--svg must name an .svg file, found '\(svg)'")
    }
    if let modelJSON, !modelJSON.lowercased().hasSuffix(".json") {
      throw ValidationError("--model-json must name a .json file, found '\(modelJSON)'")
    }
    if inference, let option = optimizer.firstGiven {
      throw ValidationError("\(option) is for training; --inference plans without an optimiser")
    }
    if recompute, inference || optimizer.fullBatchMethod != nil {
      throw ValidationError("--recompute is for training in mini-batches")
    }
    if memoryBudget != nil, inference || optimizer.fullBatchMethod != nil {
      throw ValidationError("--memory-budget is for training in mini-batches")
    }
    if subnormals.subnormals == .keep, !inference, optimizer.fullBatchMethod != nil {
      throw ValidationError("--subnormals keep is for training in mini-batches, and for inference")
    }
  }

  /// --placement is about buffers: nothing that describes a network goes with it.
  private func checkPlacement() throws {
    let others: [(String?, Bool)] = [
      (model.map { "'\($0)'" }, true), ("--inference", inference), ("--recompute", recompute),
      ("--memory-budget", memoryBudget != nil), ("--svg", svg != nil),
      ("--model-json", modelJSON != nil), (shape.firstGiven, true),
      ("--threads", threads != nil), ("--loss", loss != nil),
      ("--subnormals", subnormals.subnormals != nil),
      ("--batch", batch != 128), (optimizer.firstGiven, true),
    ]
    for case (let other?, true) in others {
      throw ValidationError("--placement needs no model and takes --json only, found \(other)")
    }
  }

  package func run() throws {
    if let placement {
      let report = try PlacementReport(path: placement)
      if json { return printJSON(report.json) }
      for line in report.lines { printLine(line) }
    }
    guard let model else { return }
    var files = FileGuard()
    files.reads(model, "plan")
    files.writes(svg, "--svg")
    files.writes(modelJSON, "--model-json")
    try files.check()
    let source = try shape.source(model)
    files.keeps(source.recorded, of: model)
    try files.check()
    if !source.nonFinite.isEmpty {
      let names = source.nonFinite.joined(separator: ", ")
      printError("warning: '\(model)' holds NaN or infinite values in \(names)")
    }
    let threads = threads ?? Processors.available.count
    let plan = try plan(source, of: model, threads: threads)
    let single = threads == 1 ? plan : try self.plan(source, of: model, threads: 1)
    let name =
      optimizer.fullBatchMethod?.rawValue
      ?? OptimizerName(plan.options.optimizer).rawValue
    let report = PlanReport(
      model: model, plan: plan, optimizer: inference ? nil : name,
      oneThreadByteCount: single.memory.byteCount)
    if let svg {
      let title = try report.header.joined(separator: " ")
      try AtomicFile.write(Array(plan.memory.figure(title: title).utf8), to: svg)
    }
    if let modelJSON {
      try AtomicFile.write(Array((source.model.json.indentedText + "\n").utf8), to: modelJSON)
    }
    if json { return printJSON(report.json) }
    if let modelJSON { printLine("wrote \(modelJSON)") }
    for line in try report.header { printLine(line) }
    let columns = isatty(STDOUT_FILENO) == 1 ? TerminalWidth.room(of: STDOUT_FILENO) : Int.max
    printLines("\n" + plan.memory.text(columns: columns))
  }

  /// What `train` plans; for a full-batch solver the batch is all samples.
  private func plan(_ source: ModelSource, of model: String, threads: Int) throws -> NetworkPlan {
    let loss = try loss ?? source.lossStatement.usable(of: model)
    if let method = optimizer.fullBatchMethod, !inference {
      return try FullBatchTrainer.plan(
        source.model, method, sampleCount: batch, threads: threads, loss: loss)
    }
    let (optimizer, clipping) = try optimizer(of: source)
    var options = PlanOptions(
      batch: batch, isTraining: !inference, threads: threads, loss: loss,
      optimizer: optimizer, clipping: clipping)
    options.recomputes = recompute
    options.subnormals = subnormals.subnormals ?? source.subnormals ?? .flush
    if let memoryBudget { return try MemoryBudget(source.model, options, memoryBudget).plan() }
    return try NetworkPlan(source.model, options: options.asTrained).checkingRecomputation()
  }

  /// What `train --model` goes on with: the file's optimiser, where --optimizer names no other.
  private func optimizer(of source: ModelSource) throws -> (Optimizer, Clipping) {
    guard !inference, optimizer.optimizer == nil, let stated = source.optimizer else {
      return (optimizer.resolved, optimizer.clipping)
    }
    let file = try stated.resolved(isRateGiven: true)
    return (
      try optimizer.changing(file.configuration.optimizer, of: stated.path),
      optimizer.statedClipping ?? file.clipping
    )
  }
}
