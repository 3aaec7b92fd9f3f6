import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Columns")
struct ColumnTests {
  @Test(
    "softmax has the reference's bits, in all columns alike", arguments: InstructionSet.available)
  func softmaxBits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let (classes, columns) = ColumnTests.extents(trial)
      let z = trial.input(Int(classes) * columns, scale: trial.random.element([1, 10, 300]))
      let dy = trial.input(z.count)
      let passes: [(String, Pass, Backward)] = [
        ("softmax", \.softmax_columns, \.softmax_columns_backward),
        ("log-softmax", \.log_softmax, \.log_softmax_backward),
      ]
      for (name, forward, backward) in passes {
        let y = trial.compare([name: z.count]) {
          $0[keyPath: forward](classes, columns, z.values, $1[0])
        }[0]
        trial.expect("\(name) in place", y, from: z) {
          $0[keyPath: forward](classes, columns, $1, $1)
        }
        let dz = trial.compare(["\(name)'s dz": z.count]) {
          $0[keyPath: backward](classes, columns, y.values, dy.values, $1[0])
        }[0]
        trial.expect("\(name)'s dz in place", dz, from: dy) {
          $0[keyPath: backward](classes, columns, y.values, $1, $1)
        }
        let n = trial.random.integer(0...Int32(columns) - 1)
        let (one, gradient) = (trial.column(n, of: z, columns), trial.column(n, of: dy, columns))
        let result = trial.column(n, of: y, columns)
        trial.expect("\(name) of column \(n) alone", result) {
          $0[keyPath: forward](classes, 1, one.values, $1)
        }
        trial.expect("\(name)'s dz of column \(n) alone", trial.column(n, of: dz, columns)) {
          $0[keyPath: backward](classes, 1, result.values, gradient.values, $1)
        }
      }
    }
  }

  @Test(
    "layer normalisation has the reference's bits, in all columns alike",
    arguments: InstructionSet.available)
  func normalizationBits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let channels = trial.random.integer(1...40)
      let block = trial.random.block()
      let pixels = trial.random.once(in: 3) ? 1 : trial.random.integer(1...40)
      let lanes = trial.random.integer(1...block)
      let columns = Int(pixels * block)
      let (hasGamma, hasBeta) = (trial.random.once(in: 2), trial.random.once(in: 2))
      trial.shape = "channels \(channels) pixels \(pixels) B = \(block) lanes \(lanes)"
      let x = trial.input(Int(channels) * columns)
      let dy = trial.input(x.count)
      let gamma = hasGamma ? trial.input(Int(channels)).values : nil
      let beta = hasBeta ? trial.input(Int(channels)).values : nil
      let found = trial.compare(["y": x.count, "mean": columns, "invStd": columns]) {
        $0.layernorm_forward(channels, columns, x.values, gamma, beta, 1e-3, $1[0], $1[1], $1[2])
      }
      let (mean, invStd) = (found[1], found[2])
      trial.expect("y in place", found[0], from: x) {
        $0.layernorm_forward(channels, columns, $1, gamma, beta, 1e-3, $1, nil, nil)
      }
      let dx = trial.compare(["dx": x.count]) {
        $0.layernorm_backward_input(
          channels, columns, x.values, dy.values, gamma, mean.values, invStd.values, $1[0])
      }[0]
      trial.expect("dx in place", dx, from: dy) {
        $0.layernorm_backward_input(
          channels, columns, x.values, $1, gamma, mean.values, invStd.values, $1)
      }
      let sums = ["dgamma": Int(channels), "dbeta": Int(channels)] as KeyValuePairs
      trial.compare(sums) {
        $0.layernorm_backward_parameters(
          channels, pixels, block, lanes, x.values, dy.values, mean.values, invStd.values, $1[0],
          $1[1])
      }
      let n = trial.random.integer(0...Int32(columns) - 1)
      let (one, gradient) = (trial.column(n, of: x, columns), trial.column(n, of: dy, columns))
      trial.expect("y of column \(n) alone", trial.column(n, of: found[0], columns)) {
        $0.layernorm_forward(channels, 1, one.values, gamma, beta, 1e-3, $1, nil, nil)
      }
      trial.expect("dx of column \(n) alone", trial.column(n, of: dx, columns)) {
        $0.layernorm_backward_input(
          channels, 1, one.values, gradient.values, gamma, mean.values + Int(n),
          invStd.values + Int(n), $1)
      }
    }
  }

  @Test("log-softmax follows the formula and its central differences")
  func logSoftmaxTextbook() {
    Trial.run(nil, draws: 40) { trial in
      let (classes, columns) = (trial.random.integer(1...20), trial.random.count(1...5))
      trial.shape = "classes \(classes) columns \(columns)"
      let z = trial.input(Int(classes) * columns, KC_PLAIN, scale: trial.random.element([1, 30]))
      let dy = trial.input(z.count, KC_PLAIN)
      let found = trial.compare(["y": z.count, "dz": z.count]) {
        $0.log_softmax(classes, columns, z.values, $1[0])
        $0.log_softmax_backward(classes, columns, $1[0], dy.values, $1[1])
      }
      trial.expectValues("y", found[0], z.doubles) { kc_log_softmax(classes, columns, $0, $1) }
      trial.expectGradient("dz", found[1], at: z.doubles, dy.doubles) {
        kc_log_softmax(classes, columns, $0, $1)
      }
    }
  }

  @Test("softmax of columns follows the formula")
  func softmaxTextbook() {
    Trial.run(nil, draws: 40) { trial in
      let (classes, columns) = ColumnTests.extents(trial)
      let z = trial.input(Int(classes) * columns, KC_PLAIN, scale: 10)
      let dy = trial.input(z.count, KC_PLAIN)
      let (p, dz) = (ExactSums(z.count), ExactSums(z.count))
      let found = trial.compare(["p": z.count, "dz": z.count]) {
        $0.softmax_columns(classes, columns, z.values, $1[0])
        $0.softmax_columns_backward(classes, columns, $1[0], dy.values, $1[1])
      }
      kc_softmax(classes, Int32(columns), z.values, p.values)
      kc_softmax_backward(classes, Int32(columns), found[0].values, dy.values, dz.values)
      trial.expectNear("p", found[0], p, terms: Int(classes))
      trial.expectNear("dz", found[1], dz, terms: Int(classes))
    }
  }

  @Test("layer normalisation follows the formula and its central differences")
  func normalizationTextbook() {
    Trial.run(nil, draws: 40) { trial in
      let (channels, block) = (trial.random.integer(2...20), trial.random.block())
      let pixels = trial.random.integer(1...(block == 1 ? 20 : 2))
      let (lanes, columns) = (trial.random.integer(1...block), Int(pixels * block))
      let epsilon = trial.random.element([1e-3, 0.1] as [Float])
      trial.shape = "channels \(channels) pixels \(pixels) B = \(block) lanes \(lanes)"
      let x = trial.input(Int(channels) * columns, KC_PLAIN)
      let gamma = trial.input(Int(channels), KC_PLAIN)
      let beta = trial.input(Int(channels), KC_PLAIN)
      let dy = trial.input(x.count, KC_PLAIN)
      let found = trial.compare([
        "y": x.count, "mean": columns, "invStd": columns, "dx": x.count, "dgamma": gamma.count,
        "dbeta": gamma.count,
      ]) {
        $0.layernorm_forward(
          channels, columns, x.values, gamma.values, beta.values, epsilon, $1[0], $1[1], $1[2])
        $0.layernorm_backward_input(
          channels, columns, x.values, dy.values, gamma.values, $1[1], $1[2], $1[3])
        $0.layernorm_backward_parameters(
          channels, pixels, block, lanes, x.values, dy.values, $1[1], $1[2], $1[4], $1[5])
      }
      let (e, exactX, ofGamma, ofBeta) = (
        Double(epsilon), x.doubles, gamma.doubles, beta.doubles
      )
      trial.expectValues("y", found[0], exactX) {
        kc_layernorm(channels, columns, $0, ofGamma, ofBeta, e, $1)
      }
      trial.expectGradient("dx", found[3], at: exactX, dy.doubles) {
        kc_layernorm(channels, columns, $0, ofGamma, ofBeta, e, $1)
      }
      let real = dy.doubles.enumerated().map { $0.offset % Int(block) < lanes ? $0.element : 0 }
      trial.expectGradient("dgamma", found[4], at: ofGamma, real) {
        kc_layernorm(channels, columns, exactX, $0, ofBeta, e, $1)
      }
      trial.expectGradient("dbeta", found[5], at: ofBeta, real) {
        kc_layernorm(channels, columns, exactX, ofGamma, $0, e, $1)
      }
    }
  }

  /// Keras 3.15 on JAX: two samples of four features, and the gradients of sum dy y by `jax.grad`.
  @Test("as in Keras", arguments: InstructionSet.available)
  func keras(set: InstructionSet) {
    let kernels = set.kernels.pointee
    let x: [Float] = [1.5, 0.1, -0.5, 0.2, 0.25, -0.3, 3, 0.4]
    let dy: [Float] = [1, 0.5, -2, 1, 0.5, -1, 0.25, 2]
    func expect(
      _ found: [Float], _ expected: [Float], sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let isNear = zip(found, expected).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) }
      #expect(isNear, "\(found)", sourceLocation: sourceLocation)
    }
    let (gamma, beta): ([Float], [Float]) = ([0.5, 1, 2, -1], [0.1, 0.2, 0.3, 0.4])
    var (y, dx, mean, invStd, dgamma, dbeta) = (x, x, x, x, gamma, beta)
    kernels.layernorm_forward(4, 2, x, gamma, beta, 1e-3, &y, &mean, &invStd)
    kernels.layernorm_backward_input(4, 2, x, dy, gamma, mean, invStd, &dx)
    kernels.layernorm_backward_parameters(4, 2, 1, 1, x, dy, mean, invStd, &dgamma, &dbeta)
    expect(
      y,
      [
        0.26476184, 0.1, -0.97687006, 0.58924943, -0.92394489, -2.8139956, -1.059319, -0.76774836,
      ])
    expect(
      dx,
      [
        0.42216185, 3.6492133, -1.0235229, 6.1262550, 1.0720774, -3.3395834, -0.47071633,
        -6.4358859,
      ])
    expect(dgamma, [0.32952362, 2.7429895, 1.2510116, 2.7003264])
    expect(dbeta, [1.5, -1, -0.5, 2.25])
    kernels.log_softmax(4, 2, x, &y)
    kernels.log_softmax_backward(4, 2, y, dy, &dx)
    expect(
      y,
      [
        -1.7755504, -1.4171507, -3.7755504, -1.3171508, -3.0255504, -1.8171508, -0.27555031,
        -1.1171508,
      ])
    expect(
      dx,
      [
        1.0423476, -0.10600922, -1.9942689, 0.33025619, 0.51213276, -1.4062201, 0.43978858,
        1.1819731,
      ])
  }

  @Test("log-softmax is finite for finite logits", arguments: InstructionSet.available)
  func finite(set: InstructionSet) {
    var (y, dz): ([Float], [Float]) = ([1.7e38, -1.7e38, 0, 1.7e38], [1, 1, 1, 1])
    set.kernels.pointee.log_softmax(4, 1, y, &y)
    #expect(y == [-0.6931472, -3.4e38, -1.7e38, -0.6931472])
    set.kernels.pointee.log_softmax_backward(4, 1, y, dz, &dz)
    #expect(zip(dz, [-1, 1, 1, -1] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
    y = [0, -.infinity]
    set.kernels.pointee.log_softmax(2, 1, y, &y)
    #expect(y == [0, -.infinity])
  }

  private typealias Pass = KeyPath<
    cs_kernels,
    @convention(c) (Int32, Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  >
  private typealias Backward = KeyPath<
    cs_kernels,
    @convention(c) (
      Int32, Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>
    ) -> Void
  >

  private static func extents(_ trial: Trial) -> (classes: Int32, columns: Int) {
    let classes = trial.random.integer(1...40)
    let columns = trial.random.count(1...trial.random.element([1, 15, 70]))
    trial.shape = "classes \(classes) columns \(columns)"
    return (classes, columns)
  }
}

extension Trial {
  /// One column of several.
  fileprivate func column(_ n: Int32, of rows: KernelBuffer, _ columns: Int) -> KernelBuffer {
    let buffer = output(rows.count / columns)
    for c in 0..<buffer.count { buffer.values[c] = rows.values[c * columns + Int(n)] }
    return buffer
  }
}
