import ArgumentParser
import FixedNet
import FixedNetCore

/// The options that say how weights follow their gradients.
public struct OptimizerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(OptimizerOptions.names), with Keras' formulas; rmsprop-legacy is Keras 2's, with epsilon "
        + "behind the root. Over all samples at once: \(OptimizerOptions.fullBatchNames). "
        + "(default: sgd)", valueName: "name"))
  public var optimizer: String?

  @Option(
    parsing: .unconditional,
    help: "Of momentum, nesterov and rmsprop: from 0 to 1. (default: 0.9; rmsprop: 0)")
  public var momentum: Double?

  @Option(
    parsing: .unconditional, help: "Of rmsprop: how much of the mean square stays. (default: 0.9)")
  public var rho: Double?

  @Option(
    parsing: .unconditional, help: "Of adam: how much of the mean gradient stays. (default: 0.9)")
  public var beta1: Double?

  @Option(
    parsing: .unconditional, help: "Of adam: how much of the mean square stays. (default: 0.999)")
  public var beta2: Double?

  @Option(
    parsing: .unconditional,
    help: "Of rmsprop and adam: added to the root that is divided by. (default: 1e-7)")
  public var epsilon: Double?

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
  static let fullBatchNames = FullBatchMethod.allCases.map(\.rawValue).joined(separator: ", ")

  /// The full-batch solver that was asked for; nil for mini-batches.
  public var fullBatchMethod: FullBatchMethod? { optimizer.flatMap(FullBatchMethod.init) }

  public func validate() throws {
    if let method = fullBatchMethod {
      let given = (numbers.map { ($0.0, $0.1) } + limits).first { $0.1 != nil }?.0
      if let given {
        throw ValidationError("\(given) is for mini-batches; \(method.rawValue) has none")
      }
      return
    }
    guard let name = OptimizerName(rawValue: optimizer ?? OptimizerName.sgd.rawValue) else {
      throw ValidationError(
        "--optimizer must be one of \(OptimizerOptions.names), \(OptimizerOptions.fullBatchNames), "
          + "found '\(optimizer ?? "")'")
    }
    for (option, value, owners) in numbers where value != nil && !owners.contains(name) {
      throw ValidationError(
        "\(option) is for --optimizer \(owners.map(\.rawValue).joined(separator: ", ")), found "
          + "\(name.rawValue)")
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

  private var numbers: [(String, Double?, owners: [OptimizerName])] {
    let rmsprop: [OptimizerName] = [.rmsprop, .rmspropLegacy]
    return [
      ("--momentum", momentum, [.momentum, .nesterov] + rmsprop), ("--rho", rho, rmsprop),
      ("--beta1", beta1, [.adam]), ("--beta2", beta2, [.adam]),
      ("--epsilon", epsilon, rmsprop + [.adam]),
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
    if optimizer != nil { return "--optimizer" }
    return (numbers.map { ($0.0, $0.1) } + limits).first { $0.1 != nil }?.0
  }

  /// The optimiser's name; `validate` comes first.
  public var name: OptimizerName { optimizer.flatMap(OptimizerName.init(rawValue:)) ?? .sgd }

  /// The optimiser with the numbers that were given.
  public var resolved: Optimizer {
    let standard = name.optimizer(momentum: momentum.map { Float($0) })
    switch standard {
    case .sgd, .momentum: return standard
    case .rmsprop(let rho, let momentum, let epsilon, let isCentered, let isLegacy):
      return .rmsprop(
        rho: self.rho ?? rho, momentum: momentum,
        epsilon: self.epsilon.map { Float($0) } ?? epsilon,
        isCentered: isCentered, isLegacy: isLegacy)
    case .adam(let beta1, let beta2, let epsilon):
      return .adam(
        beta1: self.beta1 ?? beta1, beta2: self.beta2 ?? beta2,
        epsilon: self.epsilon.map { Float($0) } ?? epsilon)
    }
  }

  public var clipping: Clipping {
    if let clipValue { return .value(Float(clipValue)) }
    if let clipNorm { return .norm(Float(clipNorm)) }
    return clipGlobalNorm.map { .globalNorm(Float($0)) } ?? .none
  }
}
