import ArgumentParser
import FixedNet
import FixedNetCore

/// The options that say how weights follow their gradients.
public struct OptimizerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(OptimizerOptions.names), with Keras' formulas; rmsprop-legacy is Keras 2's, with epsilon "
        + "behind the root. Over all samples at once: \(OptimizerOptions.fullBatchNames). "
        + "It starts anew. (default: the one of an .h5 or .keras --model, with its memory; else sgd)",
      valueName: "name"))
  public var optimizer: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerOptions.owners(.momentum)): from 0 to 1. (default: 0.9; rmsprop: 0)"))
  public var momentum: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerOptions.owners(.rho)): how much of the mean square stays. (default: 0.9)"))
  public var rho: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerOptions.owners(.beta1)): how much of the mean gradient stays. (default: 0.9)"))
  public var beta1: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerOptions.owners(.beta2)): how much of the mean square stays. (default: 0.999)"))
  public var beta2: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerOptions.owners(.epsilon)): added to what is divided by. (default: 1e-7)"))
  public var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of every optimiser: each step first takes the learning rate times this off every trainable weight, "
        + "biases and scales too, as Keras does; no part of the gradient or the loss. (default: "
        + "adamw: 0.004; else 0)", valueName: "lambda"))
  public var weightDecay: Double?

  @Option(
    parsing: .unconditional,
    help: "Cut every value of a gradient to this size. (default: off; one of the three at most)")
  public var clipValue: Double?

  @Option(
    parsing: .unconditional,
    help: "Shorten every weight's gradient to this norm. (default: off)")
  public var clipNorm: Double?

  @Option(
    parsing: .unconditional,
    help: "Shorten all gradients together to this norm. (default: off)")
  public var clipGlobalNorm: Double?

  public init() {}

  /// The names of the optimisers.
  public static let names = OptimizerName.allCases.map(\.rawValue).joined(separator: ", ")
  private static func owners(_ number: OptimizerNumber) -> String {
    "Of " + names(of: number).joined(separator: ", ")
  }

  private static func names(of number: OptimizerNumber) -> [String] {
    OptimizerName.allCases.filter { $0.numbers.contains(number) }.map(\.rawValue)
  }

  static let fullBatchNames = FullBatchMethod.allCases.map(\.rawValue).joined(separator: ", ")

  /// The full-batch solver that was asked for; nil for mini-batches.
  public var fullBatchMethod: FullBatchMethod? { optimizer.flatMap(FullBatchMethod.init) }

  public func validate() throws {
    if let method = fullBatchMethod {
      if let given = given.first {
        throw ValidationError("\(given) is for mini-batches; \(method.rawValue) has none")
      }
      return
    }
    let name = optimizer.flatMap(OptimizerName.init)
    guard name != nil || optimizer == nil else {
      throw ValidationError(
        "--optimizer must be one of \(OptimizerOptions.names), \(OptimizerOptions.fullBatchNames), "
          + "found '\(optimizer ?? "")'")
    }
    if let name, let obstacle = obstacle(to: name) { throw ValidationError("\(obstacle)") }
    let isMomentumItself = name == .momentum || name == .nesterov
    if let momentum, !(momentum <= 1 && (isMomentumItself ? Float(momentum) > 0 : momentum >= 0)) {
      throw ValidationError(
        "--momentum must be \(isMomentumItself ? "above" : "from") 0 and at most 1, found "
          + "\(momentum)")
    }
    for (option, value) in [("--rho", rho), ("--beta1", beta1), ("--beta2", beta2)] {
      if let value, !(value >= 0 && Float(value) < 1) {
        throw ValidationError("\(option) must be from 0 to below 1, found \(value)")
      }
    }
    if let epsilon, !(epsilon <= 1 && Float(epsilon) > 0) {
      throw ValidationError("--epsilon must be above 0 and at most 1, found \(epsilon)")
    }
    if let weightDecay, !(weightDecay >= 0 && weightDecay <= 1e6) {
      throw ValidationError("--weight-decay must be from 0 to 1e6, found \(weightDecay)")
    }
    for (option, limit) in limits {
      if let limit, !(limit <= 1e30 && Float(limit) > 0) {
        throw ValidationError("\(option) must be above 0 and at most 1e30, found \(limit)")
      }
    }
    let given = limits.filter { $0.1 != nil }.map(\.0)
    if given.count > 1 {
      throw ValidationError("\(given.joined(separator: " and ")) exclude each other; give one")
    }
  }

  /// Where no optimiser was named and no file names one, the numbers must be gradient descent's.
  /// Throws: `ValidationError`.
  public func checkNumbersOfDefault() throws {
    guard optimizer == nil, let obstacle = obstacle(to: .sgd) else { return }
    throw ValidationError(obstacle)
  }

  /// What is wrong with a number that was given for an optimiser of this name; nil where all is well.
  private func obstacle(to name: OptimizerName) -> String? {
    for (option, number, value) in numbers where value != nil && !name.numbers.contains(number) {
      return
        "\(option) is for --optimizer "
        + OptimizerOptions.names(of: number).joined(separator: ", ") + ", found " + name.rawValue
    }
    return nil
  }

  private var numbers: [(option: String, OptimizerNumber, Double?)] {
    [
      ("--momentum", .momentum, momentum), ("--rho", .rho, rho), ("--beta1", .beta1, beta1),
      ("--beta2", .beta2, beta2), ("--epsilon", .epsilon, epsilon),
      ("--weight-decay", .weightDecay, weightDecay),
    ]
  }

  private var limits: [(String, Double?)] {
    [
      ("--clip-value", clipValue), ("--clip-norm", clipNorm),
      ("--clip-global-norm", clipGlobalNorm),
    ]
  }

  /// The first option that was given.
  public var firstGiven: String? {
    optimizer != nil ? "--optimizer" : given.first
  }

  /// The optimiser's name; `validate` comes first.
  public var name: OptimizerName { optimizer.flatMap(OptimizerName.init(rawValue:)) ?? .sgd }

  /// The optimiser that was named, with the numbers that were given.
  public var resolved: Optimizer { changed(name.optimizer()) }

  /// A file's optimiser with the numbers that were given in place of its own.
  /// Throws: `ToolError` where it has no such number.
  public func changing(_ optimizer: Optimizer, of path: String) throws(ToolError) -> Optimizer {
    let name = OptimizerName(optimizer)
    // Plain gradient descent is Keras' SGD with a momentum of 0.
    let other = name == .sgd && momentum != nil ? OptimizerName.momentum : name
    if let obstacle = obstacle(to: other) {
      throw ToolError("\(obstacle) in '\(path)'")
    }
    return changed(optimizer)
  }

  private func changed(_ optimizer: Optimizer) -> Optimizer {
    var optimizer = optimizer
    for (_, number, value) in numbers {
      if let value { optimizer[number] = value }
    }
    if !optimizer.hasMomentum { optimizer.isNesterov = false }
    return optimizer
  }

  /// The options that change a file's optimiser, in the order of the help.
  public var given: [String] {
    (numbers.map { ($0.option, $0.2) } + limits).filter { $0.1 != nil }.map(\.0)
  }

  /// nil where no limit was given.
  public var statedClipping: Clipping? {
    if let clipValue { return .value(Float(clipValue)) }
    if let clipNorm { return .norm(Float(clipNorm)) }
    return clipGlobalNorm.map { .globalNorm(Float($0)) }
  }

  public var clipping: Clipping { statedClipping ?? .none }
}
