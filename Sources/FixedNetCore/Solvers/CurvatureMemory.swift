import CSupport

/// The latest pairs (s, y = H s) of steps and changes of the gradient, and the inverse Hessian that they make:
///     B = V' B0 V + ..., the limited-memory BFGS matrix with B0 = (s'y / y'y) I of the latest pair
/// It is positive definite: pairs without positive curvature s'y are not kept.
///
/// Pairs can be set aside while the matrix is in use (conjugate gradients need one that does not change under them)
/// and join it later.
/// Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.4.
struct CurvatureMemory {
  /// Pairs that the matrix is made of, at most.
  private let matrixCapacity: Int
  /// Slots of the ring: those and the ones set aside.
  private let capacity: Int
  private let vectors: SolverVectors
  /// Number of the first of the 2 `capacity` vectors: s, y of slot 0, then of slot 1, ...
  private let firstVector: Int
  /// s'y of every slot, and the first loop's factors.
  private let curvatures: UnsafeMutablePointer<Double>
  private let factors: UnsafeMutablePointer<Double>

  /// Pairs in the ring; the latest is in the slot before `next`.
  private var used = 0
  private var next = 0
  private var asideCount = 0
  /// s'y / y'y of the pair set aside last, and of the latest pair of the matrix.
  private var asideScale = 1.0
  private var scale = 1.0

  /// `scalars`: `scalarFloatCount(capacity:)` floats. `aside`: pairs that can be set aside at a time.
  init(
    matrixCapacity: Int, aside: Int, vectors: SolverVectors, firstVector: Int,
    scalars: UnsafeMutableRawPointer
  ) {
    self.matrixCapacity = matrixCapacity
    capacity = matrixCapacity + aside
    self.vectors = vectors
    self.firstVector = firstVector
    curvatures = scalars.assumingMemoryBound(to: Double.self)
    factors = curvatures + capacity
  }

  /// Memory of the scalars of `capacity` slots: two doubles each, in whole cache lines. Units: floats.
  static func scalarFloatCount(capacity: Int) -> Int { SolverVectors.padded(4 * capacity) }

  var isEmpty: Bool { used == 0 }

  mutating func removeAll() {
    used = 0
    next = 0
    asideCount = 0
  }

  private func step(_ slot: Int) -> UnsafeMutablePointer<Float> {
    vectors[firstVector + 2 * slot]
  }
  private func change(_ slot: Int) -> UnsafeMutablePointer<Float> {
    vectors[firstVector + 2 * slot + 1]
  }
  /// The slot `distance` after `next`, which may be negative.
  private func slot(_ distance: Int) -> Int { (next + distance + capacity) % capacity }

  /// Sets (s, y) aside; nothing where there is no room or no positive curvature.
  mutating func setAside(
    step s: UnsafePointer<Float>, change y: UnsafePointer<Float>
  ) {
    guard asideCount < capacity - matrixCapacity else { return }
    let free = slot(asideCount)
    vectors.copy(s, to: step(free))
    vectors.copy(y, to: change(free))
    if measure(free) { asideCount += 1 }
  }

  /// The pairs set aside join the matrix.
  mutating func join() {
    guard asideCount > 0 else { return }
    next = slot(asideCount)
    used = min(used + asideCount, capacity)
    scale = asideScale
    asideCount = 0
  }

  /// The pair of a step: s = end - start, y = endGradient - startGradient.
  mutating func insert(
    from start: UnsafePointer<Float>, to end: UnsafePointer<Float>,
    startGradient: UnsafePointer<Float>, endGradient: UnsafePointer<Float>
  ) {
    vectors.copy(end, to: step(next))
    vectors.add(-1, start, to: step(next))
    vectors.copy(endGradient, to: change(next))
    vectors.add(-1, startGradient, to: change(next))
    if measure(next) {
      asideCount = 1
      join()
    } else {
      // The slot held the oldest pair, if the ring was full.
      used = min(used, capacity - 1)
    }
  }

  /// s'y of a slot; false where it is not positive beyond rounding.
  private mutating func measure(_ slot: Int) -> Bool {
    let (s, y) = (step(slot), change(slot))
    let curvature = vectors.dot(s, y)
    let yy = vectors.dot(y, y)
    let smallest = 1e-8 * (vectors.dot(s, s) * yy).squareRoot()
    guard curvature > smallest, curvature.isFinite, yy.isFinite else { return false }
    curvatures[slot] = curvature
    asideScale = curvature / yy
    return true
  }

  /// q = B q; q stays where there is no pair.
  func apply(to q: UnsafeMutablePointer<Float>) {
    let pairs = min(used, matrixCapacity)
    guard pairs > 0 else { return }
    for age in 1...pairs {
      let slot = slot(-age)
      factors[slot] = vectors.dot(step(slot), q) / curvatures[slot]
      vectors.add(-factors[slot], change(slot), to: q)
    }
    vectors.scale(q, by: scale)
    for age in stride(from: pairs, to: 0, by: -1) {
      let slot = slot(-age)
      let factor = vectors.dot(change(slot), q) / curvatures[slot]
      vectors.add(factors[slot] - factor, step(slot), to: q)
    }
  }
}
