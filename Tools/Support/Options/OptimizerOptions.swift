import ArgumentParser
import FixedNet
import FixedNetCore

/// The options that say how weights follow their gradients.
package struct OptimizerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(OptimizerOptions.names), with Keras' formulas; rmsprop-legacy is Keras 2's, with epsilon "
        + "behind the root. Over all samples at once: \(OptimizerOptions.fullBatchNames). "
        + "It starts anew. (default: the one of an .h5 or .keras --model, with its memory; else sgd)",
      valueName: "name"),
    completion: .list(
      OptimizerName.allCases.map(\.rawValue) + FullBatchMethod.allCases.map(\.rawValue)))
  package var optimizer: String?

  @OptionGroup package var numbers: OptimizerNumbers

  package init() {}

  /// The names of the optimisers.
  package static let names = OptimizerName.allCases.map(\.rawValue).joined(separator: ", ")

  static let fullBatchNames = FullBatchMethod.allCases.map(\.rawValue).joined(separator: ", ")

  /// The full-batch solver that was asked for; nil for mini-batches.
  package var fullBatchMethod: FullBatchMethod? { optimizer.flatMap(FullBatchMethod.init) }

  package func validate() throws {
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
    try numbers.check(name, option: "--optimizer")
  }

  /// Where no optimiser was named and no file names one, the numbers must be gradient descent's.
  /// Throws: `ValidationError`.
  package func checkNumbersOfDefault() throws {
    guard optimizer == nil, let obstacle = numbers.obstacle(to: .sgd, option: "--optimizer")
    else { return }
    throw ValidationError(obstacle)
  }

  /// The first option that was given.
  package var firstGiven: String? {
    optimizer != nil ? "--optimizer" : given.first
  }

  /// The optimiser's name; `validate` comes first.
  package var name: OptimizerName { optimizer.flatMap(OptimizerName.init(rawValue:)) ?? .sgd }

  /// The optimiser that was named, with the numbers that were given.
  package var resolved: Optimizer { numbers.changed(name.optimizer()) }

  /// A file's optimiser with the numbers that were given in place of its own.
  /// Throws: `ToolError` where it has no such number.
  package func changing(_ optimizer: Optimizer, of path: String) throws(ToolError) -> Optimizer {
    try numbers.changing(optimizer, of: path, option: "--optimizer")
  }

  /// The options that change a file's optimiser, in the order of the help.
  package var given: [String] { numbers.given }

  /// nil where no limit was given.
  package var statedClipping: Clipping? { numbers.statedClipping }

  package var clipping: Clipping { statedClipping ?? .none }
}
