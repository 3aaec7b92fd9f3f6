import CSupport

/// The vectors of n parameters that a solver works on, cut from the caller's memory one after the other.
/// Layout: each starts on a cache line: n rounded up to 16 floats apart.
struct SolverVectors {
  let kernels: UnsafePointer<cs_kernels>
  /// n
  let count: Int
  private let base: UnsafeMutableRawPointer

  init(kernels: UnsafePointer<cs_kernels>, count: Int, base: UnsafeMutableRawPointer) {
    self.kernels = kernels
    self.count = count
    self.base = base
  }

  /// `count` floats in whole cache lines.
  static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// Vector number `index`.
  subscript(index: Int) -> UnsafeMutablePointer<Float> {
    let first = index * SolverVectors.padded(count) * MemoryLayout<Float>.stride
    return (base + first).assumingMemoryBound(to: Float.self)
  }

  /// sum x[i] y[i], summed in double in the kernel's written order.
  func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> Double {
    kernels.pointee.dot(count, x, y)
  }

  /// |x|, the Euclidean norm.
  func norm(_ x: UnsafePointer<Float>) -> Double { dot(x, x).squareRoot() }

  /// y = y + factor x
  func add(_ factor: Double, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    kernels.pointee.add_scaled(count, Float(factor), x, y)
  }

  /// y = x
  func copy(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    y.update(from: x, count: count)
  }

  /// x = factor x
  func scale(_ x: UnsafeMutablePointer<Float>, by factor: Double) {
    let factor = Float(factor)
    for i in 0..<count { x[i] *= factor }
  }

  func clear(_ x: UnsafeMutablePointer<Float>) { x.update(repeating: 0, count: count) }
}
