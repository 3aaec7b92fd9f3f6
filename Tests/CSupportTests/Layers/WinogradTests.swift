import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Winograd's convolution kernels")
struct WinogradTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 60) { trial in
      let inputs = Inputs(trial, extents: 1...9, padding: 0...3)
      let (x, dz, bias) = (inputs.x.values, inputs.dz.values, inputs.bias?.values)
      let activation = inputs.activation
      var shape = inputs.shape
      let u = trial.compare(["u": inputs.transformedCount]) { kernels, out in
        kernels.winograd_weights(&shape, inputs.w.values, out[0])
      }[0].values
      trial.compare(["y": inputs.dz.count]) { kernels, out in
        let scratch = trial.winogradScratch(&shape, backward: false)
        kernels.winograd_forward(&shape, x, u, bias, out[0], activation, scratch)
      }
      let counts: KeyValuePairs = [
        "dw": shape.weights, "db": Int(shape.outChannels), "dx": inputs.x.count,
      ]
      let wanted = (0..<3).map { _ in !trial.random.once(in: 4) }
      trial.compare(counts) { kernels, out in
        let scratch = trial.winogradScratch(&shape, backward: true)
        kernels.winograd_backward(
          &shape, x, dz, u, wanted[0] ? out[0] : nil, wanted[1] ? out[1] : nil,
          wanted[2] ? out[2] : nil, scratch)
      }
    }
  }

  /// Every output and every tap meets pixels of the image: where only zeros do, the transforms leave a rounding error.
  @Test("the reference follows the formula and the chain rule")
  func textbook() {
    Trial.run(nil, draws: 20) { trial in
      let inputs = Inputs(trial, extents: 3...9, padding: 0...1, values: KC_PLAIN)
      let (x, w, dz, bias) = (
        inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
      )
      let activation = inputs.activation
      var shape = inputs.shape
      let y = ExactSums(inputs.dz.count)
      let dx = ExactSums(inputs.x.count)
      let dw = ExactSums(shape.weights)
      let db = ExactSums(Int(shape.outChannels))
      kc_conv2d_forward(&shape, 16, x, w, bias, activation, y.values)
      kc_conv2d_backward(&shape, 16, x, w, dz, dx.values, dw.values, db.values)
      let u = trial.output(inputs.transformedCount).values
      let found = trial.compare(["y": y.count, "dx": dx.count, "dw": dw.count, "db": db.count]) {
        let scratch = trial.winogradScratch(&shape, backward: false)
        $0.winograd_weights(&shape, w, u)
        $0.winograd_forward(&shape, x, u, bias, $1[0], activation, scratch)
        $0.winograd_backward(&shape, x, dz, u, $1[2], $1[3], $1[1], scratch)
      }
      trial.expectNear("y", found[0], y, terms: shape.taps)
      trial.expectNear("dx", found[1], dx, terms: shape.weights / Int(shape.inChannels))
      trial.expectNear("dw", found[2], dw, terms: shape.outPixels * 16)
      trial.expectNear("db", found[3], db, terms: shape.outPixels * 16)
    }
  }

  @Test("3 x 3 with strides of 1, many channels and full tiles suit")
  func suits() {
    var shape = cs_conv2d()
    (shape.inChannels, shape.outChannels) = (24, 24)
    (shape.outHeight, shape.outWidth) = (6, 6)
    (shape.kernelHeight, shape.kernelWidth) = (3, 3)
    (shape.strideHeight, shape.strideWidth) = (1, 1)
    #expect(cs_winograd_suits(&shape) != 0)
    for change: (inout cs_conv2d) -> Void in [
      { $0.inChannels = 23 }, { $0.outChannels = 23 }, { $0.kernelHeight = 5 },
      { $0.kernelWidth = 2 }, { $0.strideHeight = 2 }, { $0.strideWidth = 2 },
      { $0.outHeight = 1 }, { $0.outWidth = 3 }, { $0.outChannels = 1000 },
    ] {
      var other = shape
      change(&other)
      #expect(cs_winograd_suits(&other) == 0)
    }
  }

  private struct Inputs {
    var shape: cs_conv2d
    var activation: cs_activation
    var x, w, dz: KernelBuffer
    var bias: KernelBuffer?

    init(
      _ trial: Trial, extents: ClosedRange<Int32>, padding: ClosedRange<Int32>,
      values: kc_values? = nil
    ) {
      shape = trial.random.winograd(extents: extents, padding: padding)
      activation = trial.random.activation()
      let hasBias = !trial.random.once(in: 4)
      trial.shape = "\(shape.text) activation \(activation.rawValue) bias \(hasBias)"
      x = trial.input(shape.inputs * 16, values)
      w = trial.input(shape.weights, values)
      dz = trial.input(shape.outputs * 16, values)
      bias = hasBias ? trial.input(Int(shape.outChannels), values) : nil
    }

    var transformedCount: Int { 32 * Int(shape.inChannels) * Int(shape.outChannels) }
  }
}
