import Testing

extension KernelBuffer {
  var doubles: [Double] { (0..<count).map { Double(values[$0]) } }
}

extension Trial {
  typealias Forward = ([Double], UnsafeMutablePointer<Double>) -> Void

  /// Requires the values of a forward pass in double precision, to 2e-6 of the largest or of 1.
  func expectValues(
    _ what: String, _ found: KernelBuffer, _ input: [Double],
    sourceLocation: SourceLocation = #_sourceLocation, _ forward: Forward
  ) {
    let exact = Trial.outputs(found.count, input, forward)
    expectClose(what, found, exact, 2e-6, sourceLocation)
  }

  /// Requires the gradient of sum dy y(input): central differences of a forward pass in double precision, to 2e-5 of the
  /// largest or of 1.
  func expectGradient(
    _ what: String, _ found: KernelBuffer, at input: [Double], _ dy: [Double],
    sourceLocation: SourceLocation = #_sourceLocation, _ forward: Forward
  ) {
    let step = 1e-5
    let exact = input.indices.map { i in
      var (above, below) = (input, input)
      above[i] += step
      below[i] -= step
      let high = Trial.outputs(dy.count, above, forward)
      let low = Trial.outputs(dy.count, below, forward)
      return dy.indices.reduce(0) { $0 + dy[$1] * (high[$1] - low[$1]) } / (2 * step)
    }
    expectClose(what, found, exact, 2e-5, sourceLocation)
  }

  private static func outputs(_ count: Int, _ input: [Double], _ forward: Forward) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { buffer, size in
      forward(input, buffer.baseAddress!)
      size = count
    }
  }

  private func expectClose(
    _ what: String, _ found: KernelBuffer, _ exact: [Double], _ tolerance: Double,
    _ sourceLocation: SourceLocation
  ) {
    let bound = tolerance * exact.reduce(1) { max($0, abs($1)) }
    let wrong = exact.indices.first { !(abs(Double(found.values[$0]) - exact[$0]) <= bound) }
    guard let wrong else { return }
    let message = "\(what)[\(wrong)] is \(found.values[wrong]), the formula says \(exact[wrong])"
    expect(message, at: wrong, sourceLocation: sourceLocation)
  }
}
