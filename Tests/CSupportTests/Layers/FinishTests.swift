import CSupport
import FixedNet
import KernelCheck
import Testing

/// What convolutions and dense layers make of their sums: a batch normalisation with given statistics and an activation have
/// the bits of the kernels that do it afterwards.
@Suite("Normalisation of sums")
struct FinishTests {
  @Test("a convolution's", arguments: InstructionSet.available)
  func convolution(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      var shape =
        trial.random.once(in: 3) ? trial.random.pointwise() : trial.random.convolution()
      let inputs = Inputs(
        trial, shape.text, x: shape.inputs, w: shape.weights, channels: Int(shape.outChannels),
        pixels: shape.outPixels)
      inputs.check { kernels, normalization, activation, y in
        kernels.conv2d_forward(
          &shape, inputs.block, inputs.x, inputs.w, inputs.bias, normalization, y, activation,
          trial.scratch(&shape, CS_CONV2D_FORWARD, inputs.block))
      }
    }
  }

  @Test("a depthwise convolution's", arguments: InstructionSet.available)
  func depthwise(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      var shape = trial.random.depthwise()
      let inputs = Inputs(
        trial, shape.text, x: shape.inputs, w: shape.weights, channels: shape.outChannels,
        pixels: Int(shape.outHeight * shape.outWidth))
      inputs.check { kernels, normalization, activation, y in
        kernels.depthwise_forward(
          &shape, inputs.block, inputs.x, inputs.w, inputs.bias, normalization, y, activation,
          trial.scratch(&shape, CS_CONV2D_FORWARD, inputs.block))
      }
    }
  }

  @Test("a dense layer's", arguments: InstructionSet.available)
  func dense(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      // Some in two bands of weights.
      let input = trial.random.once(in: 8) ? Int32(700) : trial.random.integer(1...60)
      let output = trial.random.integer(1...90)
      let inputs = Inputs(
        trial, "\(input) to \(output)", x: Int(input), w: Int(input * output),
        channels: Int(output), pixels: 1)
      inputs.check { kernels, normalization, activation, y in
        kernels.dense_forward(
          input, output, inputs.block, inputs.x, inputs.w, inputs.bias, normalization, y,
          activation)
      }
    }
  }

  /// z = 2 1 + 1 = 3 and 2 (-1) + 1 = -1; 4 (z - 1) + 0.5 = 8.5 and -7.5.
  @Test("by hand", arguments: InstructionSet.available)
  func hand(set: InstructionSet) {
    let (mean, scale, shift): ([Float], [Float], [Float]) = ([1, 1], [4, 4], [0.5, 0.5])
    mean.withUnsafeBufferPointer { mean in
      scale.withUnsafeBufferPointer { scale in
        shift.withUnsafeBufferPointer { shift in
          var normalization = cs_normalization(
            mean: mean.baseAddress, scale: scale.baseAddress, shift: shift.baseAddress)
          for (activation, expected) in [(CS_LINEAR, [8.5, -7.5]), (CS_RELU, [8.5, 0])] {
            var y: [Float] = [0, 0]
            set.kernels.pointee.dense_forward(
              1, 2, 1, [2], [1, -1], [1, 1], &normalization, &y, activation)
            #expect(y == expected.map { Float($0) })
          }
        }
      }
    }
  }

  /// Random inputs of a layer.
  private struct Inputs {
    let trial: Trial
    let block: Int32
    let activation: cs_activation
    let x, w: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>?
    private let channels, pixels: Int
    private let mean, scale, shift: UnsafeMutablePointer<Float>

    /// `x`: elements of one image.
    init(_ trial: Trial, _ text: String, x: Int, w: Int, channels: Int, pixels: Int) {
      self.trial = trial
      block = trial.random.block()
      activation = trial.random.activation()
      let hasBias = !trial.random.once(in: 4)
      trial.shape = "B = \(block) \(text) activation \(activation.rawValue) bias \(hasBias)"
      (self.channels, self.pixels) = (channels, pixels)
      self.x = trial.input(x * Int(block)).values
      self.w = trial.input(w).values
      bias = hasBias ? trial.input(channels).values : nil
      mean = trial.input(channels).values
      scale = trial.input(channels).values
      shift = trial.input(channels).values
    }

    /// `run`: the layer, with a normalisation or none, and an activation.
    func check(
      _ run: (
        cs_kernels, UnsafePointer<cs_normalization>?, cs_activation, UnsafeMutablePointer<Float>
      ) -> Void
    ) {
      let count = channels * pixels * Int(block)
      let sums = trial.compare(["sums": count]) { run($0, nil, CS_LINEAR, $1[0]) }[0].values
      var normalization = cs_normalization(mean: mean, scale: scale, shift: shift)
      let expected = trial.compare(["y": count]) { kernels, out in
        kernels.batchnorm_apply(
          Int32(channels), Int32(pixels), block, 0, sums, mean, scale, shift, out[0])
        kernels.activation_forward(count, activation, out[0], out[0])
      }[0]
      trial.expect("y of one call", expected) { run($0, &normalization, activation, $1) }
      trial.compare(["y of one call": count]) { run($0, &normalization, activation, $1[0]) }
    }
  }
}
