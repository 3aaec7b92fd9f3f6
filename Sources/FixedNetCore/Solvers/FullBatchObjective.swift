/// A function of all parameters at once, with its gradient: the cost of a network over its whole training set.
package protocol FullBatchObjective {
  /// Parameters, n. Units: floats.
  var count: Int { get }

  /// f(parameters), and gradient = df/dparameters. What goes wrong is said by a value or a gradient that is not finite.
  /// Shapes: parameters [n], gradient [n]. `parameters` may change after the call: what a Hessian product needs of
  /// the point, the objective keeps.
  mutating func evaluate(
    _ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> Double
}

/// An objective that also multiplies with its exact second derivatives.
package protocol SecondOrderObjective: FullBatchObjective {
  /// product = H vector, H the Hessian at the point that was evaluated last.
  /// Shapes: vector [n], product [n].
  mutating func hessianProduct(
    _ vector: UnsafePointer<Float>, into product: UnsafeMutablePointer<Float>)
}

/// When a full-batch solver stops.
public struct SolverLimits: BitwiseCopyable, Sendable, Equatable {
  /// Evaluations and Hessian products together; never exceeded. At least 1.
  public var evaluations: Int
  /// Stops where the gradient's Euclidean norm is at most this.
  public var gradientNorm: Double
  /// Stops where a step lowers f by at most this times |f|.
  public var relativeDecrease: Double

  /// `evaluations`: at least 1.
  public init(
    evaluations: Int = 250, gradientNorm: Double = 1e-6, relativeDecrease: Double = 1e-9
  ) {
    self.evaluations = evaluations
    self.gradientNorm = gradientNorm
    self.relativeDecrease = relativeDecrease
  }
}

/// Where a solver is: what its callback sees after every step, and what is left at the end.
public struct SolverProgress: BitwiseCopyable, Sendable, Equatable {
  /// Steps taken.
  public var iterations = 0
  /// Values with gradients computed.
  public var evaluations = 0
  /// Hessian-vector products computed.
  public var products = 0
  /// f at the parameters.
  public var value = 0.0
  /// |df/dparameters| there, the Euclidean norm.
  public var gradientNorm = 0.0

  /// What the limit counts.
  public var total: Int { evaluations + products }
}

/// Why a solver stopped. The parameters are the best point reached in every case.
/// (With raw values: a plain enumeration is Hashable, and that code asks the system for random numbers.)
public enum SolverStop: UInt8, BitwiseCopyable, Sendable {
  /// The gradient is as small as asked for.
  case gradientNorm
  /// No step along the direction lowers f, or one that does lowers it by next to nothing: what float32 can tell.
  case noProgress
  /// One more evaluation would exceed the limit.
  case evaluationLimit
  /// A value, gradient or Hessian product is not finite: at the start, or along a direction on which no shorter step
  /// lowers f.
  case notFinite
  /// The callback asked for it.
  case stopped
}

/// How a solver's run ended.
public struct SolverResult: BitwiseCopyable, Sendable, Equatable {
  /// Why it ended.
  public var stop: SolverStop
  /// Where it was then.
  public var progress: SolverProgress
}
