import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Batch normalisation kernels")
struct NormalizationTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let (channels, pixels, block, lanes) = NormalizationTests.extents(trial)
      let x = trial.input(Int(channels * pixels * block))
      let dy = trial.input(x.count)
      let parameters = (0..<5).map { _ in trial.input(Int(channels), KC_PLAIN).values }
      let (invStd, a, b, d, shift) = (
        parameters[0], parameters[1], parameters[2], parameters[3], parameters[4]
      )
      let moments = ["mean": Int(channels), "m2": Int(channels)] as KeyValuePairs
      let mean = trial.compare(moments) { kernels, out in
        kernels.batchnorm_statistics(channels, pixels, block, lanes, x.values, out[0], out[1])
      }[0].values

      let rectifies = trial.random.integer(0...1)
      let mask = rectifies == 1 ? UnsafePointer(shift) : nil
      trial.shape += " rectifies \(rectifies)"
      let y = trial.compare(["y": x.count]) { kernels, out in
        kernels.batchnorm_apply(
          channels, pixels, block, rectifies, x.values, mean, a, shift, out[0])
      }[0]
      trial.expect("y in place", y, from: x) { kernels, y in
        kernels.batchnorm_apply(channels, pixels, block, rectifies, y, mean, a, shift, y)
      }

      let sums = ["sumDy": Int(channels), "sumDyXhat": Int(channels)] as KeyValuePairs
      trial.compare(sums) { kernels, out in
        kernels.batchnorm_backward_sums(
          channels, pixels, block, lanes, x.values, dy.values, mean, invStd, a, mask, out[0],
          out[1])
      }
      let dx = trial.compare(["dx": x.count]) { kernels, out in
        kernels.batchnorm_backward_input(
          channels, pixels, block, lanes, x.values, dy.values, mean, invStd, a, mask, b, d, out[0])
      }[0]
      trial.expect("dx in place", dx, from: dy) { kernels, dx in
        kernels.batchnorm_backward_input(
          channels, pixels, block, lanes, x.values, dx, mean, invStd, a, mask, b, d, dx)
      }
    }
  }

  @Test(
    "a rectifier gives the bits that ReLU in a pass of its own gives",
    arguments: InstructionSet.available)
  func rectifier(set: InstructionSet) {
    Trial.run(set, draws: 200) { trial in
      let (channels, pixels, block, lanes) = NormalizationTests.extents(trial)
      let count = Int(channels * pixels * block)
      let (x, dy) = (trial.input(count).values, trial.input(count).values)
      let p = (0..<6).map { _ in trial.input(Int(channels), KC_PLAIN).values }
      let (mean, invStd, a, b, d, shift) = (p[0], p[1], p[2], p[3], p[4], p[5])
      let kernels = cs_kernels_reference().pointee
      let (y, delta) = (trial.output(count), trial.output(count))
      kernels.batchnorm_apply(channels, pixels, block, 0, x, mean, a, shift, y.values)
      kernels.activation_forward(count, CS_RELU, y.values, y.values)
      kernels.activation_backward(count, CS_RELU, y.values, dy, delta.values)
      trial.expect("y", y) { kernels, found in
        kernels.batchnorm_apply(channels, pixels, block, 1, x, mean, a, shift, found)
      }
      let (sum, product, dx) = (
        trial.output(Int(channels)), trial.output(Int(channels)), trial.output(count)
      )
      kernels.batchnorm_backward_sums(
        channels, pixels, block, lanes, x, delta.values, mean, invStd, nil, nil, sum.values,
        product.values)
      kernels.batchnorm_backward_input(
        channels, pixels, block, lanes, x, delta.values, mean, invStd, a, nil, b, d, dx.values)
      let scratch = trial.output(Int(channels)).values
      trial.expect("sum dy", sum) { kernels, found in
        kernels.batchnorm_backward_sums(
          channels, pixels, block, lanes, x, dy, mean, invStd, a, shift, found, scratch)
      }
      trial.expect("sum dy xhat", product) { kernels, found in
        kernels.batchnorm_backward_sums(
          channels, pixels, block, lanes, x, dy, mean, invStd, a, shift, scratch, found)
      }
      trial.expect("dx", dx) { kernels, found in
        kernels.batchnorm_backward_input(
          channels, pixels, block, lanes, x, dy, mean, invStd, a, shift, b, d, found)
      }
    }
  }

  /// 3 / sqrt(12 + 4) and 2 / sqrt(0 + 4).
  @Test("the scale of a normalisation", arguments: InstructionSet.available)
  func scale(set: InstructionSet) {
    var scale: [Float] = [0, 0]
    set.kernels.pointee.batchnorm_scale(2, 4, [3, 2], [12, 0], &scale)
    #expect(scale == [0.75, 1])
    Trial.run(set, draws: 100) { trial in
      let channels = trial.random.integer(1...70)
      let (gamma, variance) = (trial.input(Int(channels)), trial.input(Int(channels)))
      trial.shape = "\(channels) channels"
      trial.compare(["scale": Int(channels)]) { kernels, out in
        kernels.batchnorm_scale(channels, 1e-3, gamma.values, variance.values, out[0])
      }
    }
  }

  @Test("the reference follows the formulas")
  func textbook() {
    Trial.run(nil, draws: 200) { trial in
      let (channels, pixels, block, lanes) = NormalizationTests.extents(trial)
      let count = Int(channels * pixels * block)
      let x = trial.input(count, KC_PLAIN).values
      let dy = trial.input(count, KC_PLAIN).values
      let parameters = (0..<6).map { _ in trial.input(Int(channels), KC_PLAIN).values }
      let (mean, invStd, a, b, d, shift) = (
        parameters[0], parameters[1], parameters[2], parameters[3], parameters[4], parameters[5]
      )
      let perChannel = (0..<4).map { _ in ExactSums(Int(channels)) }
      let (y, dx) = (ExactSums(count), ExactSums(count))
      kc_batchnorm_statistics(
        channels, pixels, block, lanes, x, perChannel[0].values, perChannel[1].values)
      kc_batchnorm_apply(channels, pixels, block, x, mean, a, shift, y.values)
      kc_batchnorm_backward(
        channels, pixels, block, lanes, x, dy, mean, invStd, a, b, d, perChannel[2].values,
        perChannel[3].values, dx.values)

      let kernels = cs_kernels_reference().pointee
      let found = perChannel.map { trial.output($0.count) }
      let (foundY, foundDx) = (trial.output(count), trial.output(count))
      kernels.batchnorm_statistics(
        channels, pixels, block, lanes, x, found[0].values, found[1].values)
      kernels.batchnorm_apply(channels, pixels, block, 0, x, mean, a, shift, foundY.values)
      kernels.batchnorm_backward_sums(
        channels, pixels, block, lanes, x, dy, mean, invStd, nil, nil, found[2].values,
        found[3].values)
      kernels.batchnorm_backward_input(
        channels, pixels, block, lanes, x, dy, mean, invStd, a, nil, b, d, foundDx.values)

      for (what, index) in [("mean", 0), ("m2", 1), ("sumDy", 2), ("sumDyXhat", 3)] {
        trial.expectNear(what, found[index], perChannel[index], terms: Int(pixels * lanes))
      }
      trial.expectNear("y", foundY, y, terms: 2)
      trial.expectNear("dx", foundDx, dx, terms: 4)
    }
  }

  private static func extents(
    _ trial: Trial
  ) -> (channels: Int32, pixels: Int32, block: Int32, lanes: Int32) {
    let channels = trial.random.integer(1...9)
    let pixels = trial.random.integer(1...70)
    let block = trial.random.block()
    let lanes = trial.random.integer(1...block)
    trial.shape = "B = \(block) channels \(channels) pixels \(pixels) lanes \(lanes)"
    return (channels, pixels, block, lanes)
  }
}
