import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Depthwise kernels")
struct DepthwiseTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let inputs = Inputs(trial)
      let (x, w, dz, bias) = (
        inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
      )
      let (block, activation) = (inputs.block, inputs.activation)
      var shape = inputs.shape
      let found = trial.compare([
        "y": inputs.dz.count, "dx": inputs.x.count, "dw": shape.weights, "db": shape.outChannels,
      ]) { kernels, out in
        kernels.depthwise_forward(
          &shape, block, x, w, bias, nil, out[0], activation,
          trial.scratch(&shape, CS_CONV2D_FORWARD, block))
        kernels.depthwise_backward_input(
          &shape, block, dz, w, out[1], trial.scratch(&shape, CS_CONV2D_BACKWARD_INPUT, block))
        kernels.depthwise_backward_weights(
          &shape, block, x, dz, out[2], bias == nil ? nil : out[3],
          trial.scratch(&shape, CS_CONV2D_BACKWARD_WEIGHTS, block))
      }
      guard block == 16 else { return }
      let lane = trial.random.integer(0...15)
      let (image, gradient) = (trial.image(lane, of: inputs.x), trial.image(lane, of: inputs.dz))
      let taps = trial.transposed(inputs.w, rows: shape.outChannels).values
      trial.expect("y of image \(lane) alone", trial.image(lane, of: found[0])) { kernels, y in
        kernels.depthwise_forward(
          &shape, 1, image.values, taps, bias, nil, y, activation,
          trial.scratch(&shape, CS_CONV2D_FORWARD, 1))
      }
      trial.expect("dx of image \(lane) alone", trial.image(lane, of: found[1])) { kernels, dx in
        kernels.depthwise_backward_input(
          &shape, 1, gradient.values, taps, dx, trial.scratch(&shape, CS_CONV2D_BACKWARD_INPUT, 1))
      }
    }
  }

  @Test("the reference follows the formula and the chain rule")
  func textbook() {
    Trial.run(nil, draws: 200) { trial in
      let inputs = Inputs(trial, values: KC_PLAIN)
      let (x, w, dz, bias) = (
        inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
      )
      let (block, activation) = (inputs.block, inputs.activation)
      var shape = inputs.shape
      let y = ExactSums(inputs.dz.count)
      let dx = ExactSums(inputs.x.count)
      let dw = ExactSums(shape.weights)
      let db = ExactSums(shape.outChannels)
      // The textbook has one order of the weights.
      let rows = block == 1 ? trial.transposed(inputs.w, rows: shape.taps).values : w
      kc_depthwise_forward(&shape, block, x, rows, bias, activation, y.values)
      kc_depthwise_backward(&shape, block, x, rows, dz, dx.values, dw.values, db.values)
      let found = trial.compare(["y": y.count, "dx": dx.count, "dw": dw.count, "db": db.count]) {
        let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, block)
        $0.depthwise_forward(&shape, block, x, w, bias, nil, $1[0], activation, scratch)
        $0.depthwise_backward_input(&shape, block, dz, w, $1[1], scratch)
        $0.depthwise_backward_weights(&shape, block, x, dz, $1[2], $1[3], scratch)
      }
      let pixels = Int(shape.outHeight * shape.outWidth)
      trial.expectNear("y", found[0], y, terms: shape.taps)
      trial.expectNear("dx", found[1], dx, terms: shape.taps * Int(shape.multiplier))
      let gradient = block == 1 ? trial.transposed(found[2], rows: shape.taps) : found[2]
      trial.expectNear("dw", gradient, dw, terms: pixels * Int(block))
      trial.expectNear("db", found[3], db, terms: pixels * Int(block))
    }
  }

  /// Two channels of two outputs each; the second kernel of a channel looks to the left.
  @Test("output channel c multiplier + j is channel c's j-th", arguments: InstructionSet.available)
  func order(set: InstructionSet) {
    var shape = cs_depthwise(
      channels: 2, multiplier: 2, inHeight: 1, inWidth: 3, outHeight: 1, outWidth: 3,
      kernelHeight: 1, kernelWidth: 2, strideHeight: 1, strideWidth: 1, dilationHeight: 1,
      dilationWidth: 1, padTop: 0, padLeft: 1)
    let x: [Float] = [1, 2, 3, 10, 20, 30]
    // Tap by tap: all channels' left taps, then all channels' right taps.
    let w: [Float] = [0, 1, 0, 1, 1, 0, 2, 0]
    var y = [Float](repeating: 0, count: 12)
    var scratch = [Float](
      repeating: 0, count: cs_depthwise_scratch(&shape, CS_CONV2D_FORWARD, 1))
    set.kernels.pointee.depthwise_forward(
      &shape, 1, x, w, [0, 0, 0, 0.5], nil, &y, CS_LINEAR, &scratch)
    #expect(y == [1, 2, 3, 0, 1, 2, 20, 40, 60, 0.5, 10.5, 20.5])
  }

  /// One random convolution and its inputs.
  private struct Inputs {
    var shape: cs_depthwise
    var block: Int32
    var activation: cs_activation
    var x, w, dz: KernelBuffer
    var bias: KernelBuffer?

    init(_ trial: Trial, values: kc_values? = nil) {
      shape = trial.random.depthwise()
      block = trial.random.block()
      activation = trial.random.activation()
      let hasBias = !trial.random.once(in: 4)
      trial.shape = "B = \(block) \(shape.text) activation \(activation.rawValue) bias \(hasBias)"
      x = trial.input(shape.inputs * Int(block), values)
      w = trial.input(shape.weights, values)
      dz = trial.input(shape.outputs * Int(block), values)
      bias = hasBias ? trial.input(shape.outChannels, values) : nil
    }
  }
}

extension Trial {
  func scratch(
    _ shape: inout cs_depthwise, _ pass: cs_conv2d_pass, _ block: Int32
  ) -> UnsafeMutablePointer<Float> {
    scratch(cs_depthwise_scratch(&shape, pass, block))
  }
}

extension Random {
  /// A depthwise convolution of at most `work` multiply-adds per image: often 3 x 3, sometimes a
  /// column of pixels.
  mutating func depthwise(work: Int = 60_000) -> cs_depthwise {
    while true {
      var s = cs_depthwise()
      s.channels = integer(1...element([3, 20, 40]))
      s.multiplier = element([1, 1, 1, 2, 3])
      (s.inHeight, s.inWidth) = (integer(1...17), integer(1...element([17, 17, 40])))
      (s.kernelHeight, s.kernelWidth) = once(in: 2) ? (3, 3) : (integer(1...5), integer(1...7))
      if once(in: 6) { (s.inWidth, s.kernelWidth) = (1, 1) }
      (s.strideHeight, s.strideWidth) = (
        integer(1...element([1, 3])), integer(1...element([1, 3]))
      )
      s.dilationHeight = integer(1...element([1, 1, 3]))
      s.dilationWidth = integer(1...element([1, 1, 3]))
      var (bottom, right) = (Int32(0), Int32(0))
      if !once(in: 3) {
        let most = element([1, 1, 7] as [Int32])
        (s.padTop, s.padLeft) = (integer(0...most), integer(0...most))
        (bottom, right) = (integer(0...most), integer(0...most))
      }
      let height = s.inHeight + s.padTop + bottom - (s.kernelHeight - 1) * s.dilationHeight - 1
      let width = s.inWidth + s.padLeft + right - (s.kernelWidth - 1) * s.dilationWidth - 1
      guard height >= 0, width >= 0 else { continue }
      s.outHeight = height / s.strideHeight + 1
      s.outWidth = width / s.strideWidth + 1
      if s.outputs * s.taps <= work { return s }
    }
  }
}

extension cs_depthwise {
  var inputs: Int { Int(channels * inHeight * inWidth) }
  var outChannels: Int { Int(channels * multiplier) }
  var outputs: Int { outChannels * Int(outHeight * outWidth) }
  var taps: Int { Int(kernelHeight * kernelWidth) }
  var weights: Int { outChannels * taps }

  var text: String {
    "\(channels)x\(inHeight)x\(inWidth) by \(multiplier) -> \(outHeight)x\(outWidth) "
      + "kernel \(kernelHeight)x\(kernelWidth) stride \(strideHeight)x\(strideWidth) "
      + "dilation \(dilationHeight)x\(dilationWidth) padding \(padTop),\(padLeft)"
  }
}
