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
    for (option, value, owners) in numbers where value != nil && !owners.contains(name) {
      return
        "\(option) is for --optimizer \(owners.map(\.rawValue).joined(separator: ", ")), found "
        + name.rawValue
    }
    return nil
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
    let hasMomentum = name == .sgd && !numbers.dropFirst().contains { $0.1 != nil }
    if !hasMomentum, let obstacle = obstacle(to: name) {
      throw ToolError("\(obstacle) in '\(path)'")
    }
    return changed(optimizer)
  }

  private func changed(_ optimizer: Optimizer) -> Optimizer {
    let momentum = self.momentum.map { Float($0) }
    switch optimizer {
    case .sgd: return momentum.map { $0 > 0 ? .momentum($0) : .sgd } ?? .sgd
    case .momentum(let standard, let isNesterov):
      let momentum = momentum ?? standard
      return momentum > 0 ? .momentum(momentum, isNesterov: isNesterov) : .sgd
    case .rmsprop(let rho, let standard, let epsilon, let isCentered, let isLegacy):
      return .rmsprop(
        rho: self.rho ?? rho, momentum: momentum ?? standard,
        epsilon: self.epsilon.map { Float($0) } ?? epsilon,
        isCentered: isCentered, isLegacy: isLegacy)
    case .adam(let beta1, let beta2, let epsilon):
      return .adam(
        beta1: self.beta1 ?? beta1, beta2: self.beta2 ?? beta2,
        epsilon: self.epsilon.map { Float($0) } ?? epsilon)
    }
  }

  /// The options that change a file's optimiser, in the order of the help.
  public var given: [String] {
    (numbers.map { ($0.0, $0.1) } + limits).filter { $0.1 != nil }.map(\.0)
  }

  /// nil where no limit was given.
  public var statedClipping: Clipping? {
    if let clipValue { return .value(Float(clipValue)) }
    if let clipNorm { return .norm(Float(clipNorm)) }
    return clipGlobalNorm.map { .globalNorm(Float($0)) }
  }

  public var clipping: Clipping { statedClipping ?? .none }
}
