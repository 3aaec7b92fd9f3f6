import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import ToolSupport

/// A command with the options that the tools share, and texts that other options are made of.
struct FuzzOptions: ParsableCommand {
  @OptionGroup var data: DataOptions
  @OptionGroup var optimizer: OptimizerOptions
  @Option(transform: Loss.option) var loss: Loss?
  @Option var memoryBudget: ByteCount?
  @Option var schedule: String?
  @Option var initializer: String?
  @Option var plot: String?
  @Option(parsing: .unconditional) var threads: Int?
  @Argument var names: [String] = []

  /// Parses one argument per line, and uses what came out as far as that takes no file.
  /// Throws: a message of one line.
  static func parse(_ bytes: [UInt8]) throws {
    let arguments = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    let command: FuzzOptions
    do { command = try parse(arguments) } catch {
      // --help is no error.
      guard !Self.exitCode(for: error).isSuccess else { return }
      throw Refusal(description: Self.usageMessage(for: error))
    }
    do { try command.use() } catch {
      // As the tools say it.
      guard Self.exitCode(for: error) == .validationFailure else { throw error }
      throw Refusal(description: Self.usageMessage(for: error))
    }
  }

  private func use() throws {
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if let plot { try checkPlot(plot) }
    _ = (optimizer.name, optimizer.resolved, optimizer.clipping, optimizer.firstGiven)
    if let schedule {
      let defaults = Schedule.Defaults(learningRate: 0.01, stepsPerEpoch: 469, epochs: 10)
      let parsed = try Schedule(text: schedule, defaults)
      for step in [0, 1, 468, 469, 4689, 4690] { _ = parsed.rate(at: step) }
      _ = Schedule(json: parsed.json, learningRate: 0.01)
    }
    if let initializer { _ = Initializer(text: initializer) }
    for name in names {
      _ = DataFileOptions.split(name)
      _ = BuiltInModel(rawValue: name)
    }
  }

  struct Refusal: Error, CustomStringConvertible { let description: String }
}
