import CSupport

/// What the loss says of a weight w itself: l1 sum |w| + l2 sum w^2, Keras' L1, L2 and L1L2.
public struct Regularizer: BitwiseCopyable, Sendable, Equatable {
  /// The factor of the sum of |w|; 0 for none.
  public var l1: Float
  /// The factor of the sum of w^2; 0 for none.
  public var l2: Float

  /// Both are 0 unless they are given.
  public init(l1: Float = 0, l2: Float = 0) {
    self.l1 = l1
    self.l2 = l2
  }

  /// Nothing.
  public static var none: Regularizer { Regularizer() }

  /// factor times the sum of |w|
  public static func l1(_ factor: Float) -> Regularizer { Regularizer(l1: factor) }
  /// factor times the sum of w^2
  public static func l2(_ factor: Float) -> Regularizer { Regularizer(l2: factor) }

  /// Whether nothing is added to the loss.
  public var isNone: Bool { l1 == 0 && l2 == 0 }

  /// Its term of the loss for the `count` values at `weight`.
  package func penalty(
    _ count: Int, _ weight: UnsafePointer<Float>, _ kernels: UnsafePointer<cs_kernels>
  ) -> Double {
    var sum = 0.0
    if l1 != 0 { sum += Double(l1) * kernels.pointee.sum_magnitudes(count, weight) }
    if l2 != 0 { sum += Double(l2) * kernels.pointee.dot(count, weight, weight) }
    return sum
  }

  /// gradient = gradient + l1 sign(w) + 2 l2 w, with sign(0) = 0 as Keras has it on TensorFlow and PyTorch (1 on JAX).
  func addGradient(
    _ count: Int, _ weight: UnsafePointer<Float>, _ kernels: UnsafePointer<cs_kernels>,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    if l1 != 0 { kernels.pointee.add_signs(count, l1, weight, gradient) }
    if l2 != 0 { kernels.pointee.add_scaled(count, 2 * l2, weight, gradient) }
  }

  /// product = product + H v, where the Hessian H of its term is 2 l2 (0 for l1, but where a weight is 0).
  func addProduct(
    _ count: Int, direction: UnsafePointer<Float>, _ kernels: UnsafePointer<cs_kernels>,
    to product: UnsafeMutablePointer<Float>
  ) {
    if l2 != 0 { kernels.pointee.add_scaled(count, 2 * l2, direction, product) }
  }
}
