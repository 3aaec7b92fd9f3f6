import Foundation

/// f = 1/2 (x - solution)' A (x - solution), A = Q D Q with Q = I - 2 u u' and D the given eigenvalues.
struct Quadratic: TestFormula {
  let eigenvalues: [Double]
  let solution: [Double]
  private let u: [Double]

  init(eigenvalues: [Double]) {
    self.eigenvalues = eigenvalues
    let n = eigenvalues.count
    solution = (0..<n).map { 1 + 0.5 * sin(Double($0)) }
    let raw = (0..<n).map { 1 + cos(2.0 * Double($0)) }
    let norm = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
    u = raw.map { $0 / norm }
  }

  private func reflect(_ x: UnsafeMutableBufferPointer<Double>) {
    var dot = 0.0
    for i in x.indices { dot += u[i] * x[i] }
    for i in x.indices { x[i] -= 2 * dot * u[i] }
  }

  func value(
    _ x: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    for i in x.indices { gradient[i] = x[i] - solution[i] }
    reflect(gradient)
    var value = 0.0
    for i in x.indices {
      value += 0.5 * eigenvalues[i] * gradient[i] * gradient[i]
      gradient[i] *= eigenvalues[i]
    }
    reflect(gradient)
    return value
  }

  func product(
    _ x: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>
  ) {
    for i in v.indices { product[i] = v[i] }
    reflect(product)
    for i in v.indices { product[i] *= eigenvalues[i] }
    reflect(product)
  }
}

/// f = sum over pairs of 100 (b - a a)^2 + (1 - a)^2; minimum 0 at (1, ..., 1).
/// Source: Moré, Garbow and Hillstrom, "Testing Unconstrained Optimization Software", 1981, problem 21.
struct Rosenbrock: TestFormula {
  func value(
    _ x: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var value = 0.0
    for i in stride(from: 0, to: x.count, by: 2) {
      let (a, b) = (x[i], x[i + 1])
      let valley = b - a * a
      value += 100 * valley * valley + (1 - a) * (1 - a)
      gradient[i] = -400 * a * valley - 2 * (1 - a)
      gradient[i + 1] = 200 * valley
    }
    return value
  }

  func product(
    _ x: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>
  ) {
    for i in stride(from: 0, to: x.count, by: 2) {
      let (a, b) = (x[i], x[i + 1])
      product[i] = (1200 * a * a - 400 * b + 2) * v[i] - 400 * a * v[i + 1]
      product[i + 1] = -400 * a * v[i] + 200 * v[i + 1]
    }
  }
}

/// f = sum of (x^4 - 2 x^2) / 4: a maximum at 0, minima of -1/4 a coordinate at -1 and 1.
struct DoubleWell: TestFormula {
  func value(
    _ x: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var value = 0.0
    for i in x.indices {
      let square = x[i] * x[i]
      value += (square - 2) * square / 4
      gradient[i] = (square - 1) * x[i]
    }
    return value
  }

  func product(
    _ x: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>
  ) {
    for i in x.indices { product[i] = (3 * x[i] * x[i] - 1) * v[i] }
  }
}

/// f = mean of log(1 + exp(z)) - y z, z = X w, plus 0.005 |w|^2 over 60 samples of 7 features.
struct LogisticRegression: TestFormula {
  static let features = 7
  static let samples = 60
  /// The optimum that SciPy finds in double:
  ///     i = np.arange(60)[:, None]; j = np.arange(7)[None, :]
  ///     X = np.sin(1.0 + 1.3 * i + 0.7 * j * j + 0.11 * i * j).astype(np.float32).astype(float)
  ///     y = (np.cos(0.9 * i[:, 0]) + X[:, 1] > 0.2).astype(float)
  ///     def f(w):
  ///       z = X @ w
  ///       r = 1 / (1 + np.exp(-z)) - y
  ///       return np.mean(np.logaddexp(0, z) - y * z) + 0.005 * w @ w, X.T @ r / 60 + 0.01 * w
  ///     minimize(f, np.zeros(7), jac=True, method="BFGS", options={"gtol": 1e-10})
  static let optimum = 0.5004508569206066
  static let solution = [
    0.17004249584466458, 1.9120870241999943, -0.2409601807797041, -0.015307297135255743,
    -0.045762864791117935, -0.10292621357219635, -0.29821331999943923,
  ]

  private let x: [Double]
  private let y: [Double]

  init() {
    var x: [Double] = []
    var y: [Double] = []
    for i in 0..<Self.samples {
      for j in 0..<Self.features {
        let (i, j) = (Double(i), Double(j))
        x.append(Double(Float(sin(1.0 + 1.3 * i + 0.7 * j * j + 0.11 * i * j))))
      }
      y.append(cos(0.9 * Double(i)) + x[i * Self.features + 1] > 0.2 ? 1 : 0)
    }
    self.x = x
    self.y = y
  }

  private func score(_ sample: Int, _ w: UnsafeBufferPointer<Double>) -> Double {
    w.indices.reduce(0) { $0 + x[sample * Self.features + $1] * w[$1] }
  }

  func value(
    _ w: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var value = 0.0
    for j in w.indices { gradient[j] = 0.01 * w[j] }
    for i in 0..<Self.samples {
      let z = score(i, w)
      value += (max(z, 0) + log1p(exp(-abs(z))) - y[i] * z) / Double(Self.samples)
      let residual = (1 / (1 + exp(-z)) - y[i]) / Double(Self.samples)
      for j in w.indices { gradient[j] += residual * x[i * Self.features + j] }
    }
    return value + 0.005 * w.reduce(0) { $0 + $1 * $1 }
  }

  func product(
    _ w: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>
  ) {
    for j in w.indices { product[j] = 0.01 * v[j] }
    for i in 0..<Self.samples {
      let p = 1 / (1 + exp(-score(i, w)))
      let factor = p * (1 - p) * score(i, v) / Double(Self.samples)
      for j in w.indices { product[j] += factor * x[i * Self.features + j] }
    }
  }
}

/// f = sum of x - log x, minimum at 1; NaN where any x <= 0. With `breaks`, that part is NaN instead.
struct Barrier: TestFormula {
  enum Part { case nothing, value, gradient, product, everythingButStart }
  var breaks = Part.nothing
  var start = 5.0

  func value(
    _ x: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var value = 0.0
    for i in x.indices {
      value += x[i] - log(x[i])
      gradient[i] = 1 - 1 / x[i]
    }
    if breaks == .gradient { gradient[x.count - 1] = .nan }
    let isBroken = breaks == .value || breaks == .everythingButStart && x[0] != start
    return isBroken ? .nan : value
  }

  func product(
    _ x: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>
  ) {
    for i in x.indices { product[i] = breaks == .product ? .nan : v[i] / (x[i] * x[i]) }
  }
}
