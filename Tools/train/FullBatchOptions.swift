import ArgumentParser
import FixedNet
import ToolSupport

/// The options of the full-batch solvers, `--optimizer truncated-newton` and `lbfgs`.
struct FullBatchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Full batch: the most evaluations of loss and gradient, a Hessian product counting as one. "
        + "(default: 250)", valueName: "count"))
  var evaluations: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Full batch: adds lambda / (2 samples) times the sum of squared kernel weights to the loss. "
        + "(default: 0)", valueName: "lambda"))
  var lambda: Double?

  @Flag(
    help: ArgumentHelp(
      "Full batch: leave the factor 2 out of the scaled sigmoid's derivative, as the perceptron "
        + "notebook does; its gradient is then not that of its cost."))
  var referenceGradient = false

  /// Whether anything was asked for.
  var isGiven: Bool { evaluations != nil || lambda != nil || referenceGradient }

  func validate() throws {
    if let evaluations { try checked(evaluations, "--evaluations", in: 1...1_000_000) }
    if let lambda, !(lambda.isFinite && lambda >= 0 && lambda <= 1e9) {
      throw ValidationError("--lambda must be from 0 to 1e9, found \(lambda)")
    }
  }
}
