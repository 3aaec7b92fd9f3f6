import ArgumentParser
import FixedNet
import FixedNetCore

/// The numbers of an optimiser, and what is done to gradients that are too large.
package struct OptimizerNumbers: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerNumbers.owners(.momentum)): from 0 to 1. (default: 0.9; rmsprop: 0)"))
  package var momentum: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerNumbers.owners(.rho)): how much of the mean square stays. (default: 0.9)"))
  package var rho: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerNumbers.owners(.beta1)): how much of the mean gradient stays. (default: 0.9)"))
  package var beta1: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerNumbers.owners(.beta2)): how much of the mean square stays. (default: 0.999)"))
  package var beta2: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "\(OptimizerNumbers.owners(.epsilon)): added to what is divided by. (default: 1e-7)"))
  package var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of every optimiser: each step first takes the learning rate times this off every trainable weight, "
        + "biases and scales too, as Keras does; no part of the gradient or the loss. (default: "
        + "adamw: 0.004; else 0)", valueName: "lambda"))
  package var weightDecay: Double?

  @Option(
    parsing: .unconditional,
    help: "Cut every value of a gradient to this size. (default: off; one of the three at most)")
  package var clipValue: Double?

  @Option(
    parsing: .unconditional,
    help: "Shorten every weight's gradient to this norm. (default: off)")
  package var clipNorm: Double?

  @Option(
    parsing: .unconditional,
    help: "Shorten all gradients together to this norm. (default: off)")
  package var clipGlobalNorm: Double?

  package init() {}

  private static func owners(_ number: OptimizerNumber) -> String {
    "Of " + names(of: number).joined(separator: ", ")
  }

  private static func names(of number: OptimizerNumber) -> [String] {
    OptimizerName.allCases.filter { $0.numbers.contains(number) }.map(\.rawValue)
  }

  /// The ranges, and that an optimiser of this name has what was given; nil: it is not known yet.
  /// `option`: what names the optimiser, for messages.
  /// Throws: `ValidationError`.
  package func check(_ name: OptimizerName?, option: String) throws {
    if let name, let obstacle = obstacle(to: name, option: option) {
      throw ValidationError("\(obstacle)")
    }
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

  /// What is wrong with a number that was given for an optimiser of this name; nil where all is well.
  func obstacle(to name: OptimizerName, option: String) -> String? {
    for (given, number, value) in numbers where value != nil && !name.numbers.contains(number) {
      return
        "\(given) is for \(option) "
        + OptimizerNumbers.names(of: number).joined(separator: ", ") + ", found " + name.rawValue
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

  /// An optimiser with the numbers that were given in place of its own.
  package func changed(_ optimizer: Optimizer) -> Optimizer {
    var optimizer = optimizer
    for (_, number, value) in numbers {
      if let value { optimizer[number] = value }
    }
    if !optimizer.hasMomentum { optimizer.isNesterov = false }
    return optimizer
  }

  /// A file's optimiser with the numbers that were given in place of its own.
  /// Throws: `ToolError` where it has no such number.
  package func changing(_ optimizer: Optimizer, of path: String, option: String) throws(ToolError)
    -> Optimizer
  {
    let name = OptimizerName(optimizer)
    // Plain gradient descent is Keras' SGD with a momentum of 0.
    let other = name == .sgd && momentum != nil ? OptimizerName.momentum : name
    if let obstacle = obstacle(to: other, option: option) {
      throw ToolError("\(obstacle) in '\(path)'")
    }
    return changed(optimizer)
  }

  /// The options that change a file's optimiser, in the order of the help.
  package var given: [String] {
    (numbers.map { ($0.option, $0.2) } + limits).filter { $0.1 != nil }.map(\.0)
  }

  /// nil where no limit was given.
  package var statedClipping: Clipping? {
    if let clipValue { return .value(Float(clipValue)) }
    if let clipNorm { return .norm(Float(clipNorm)) }
    return clipGlobalNorm.map { .globalNorm(Float($0)) }
  }
}
