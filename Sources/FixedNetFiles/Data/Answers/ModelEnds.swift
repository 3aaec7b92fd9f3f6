import FixedNetCompute

/// What a model takes and gives: it settles what a data file alone leaves open.
public struct ModelEnds: Equatable, Sendable {
  /// Values of the model's output.
  public var outputCount: Int
  /// Why the outputs are numbers and no classes, for messages: "its loss is mean_squared_error"; nil where they may be
  /// classes.
  public var numbersReason: String?

  /// `numbersReason`: why the answers are numbers, not classes; nil where they may be either.
  public init(outputCount: Int, numbersReason: String? = nil) {
    self.outputCount = outputCount
    self.numbersReason = numbersReason
  }

  /// Classes that the outputs tell apart: one output tells two.
  var classCount: Int { outputCount == 1 ? 2 : outputCount }

  /// "10 outputs"
  var outputs: String { outputCount == 1 ? "one output" : "\(outputCount) outputs" }
}
