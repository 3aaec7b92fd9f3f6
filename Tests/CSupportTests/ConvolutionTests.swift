import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Convolution kernels")
struct ConvolutionTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let inputs = Inputs(trial)
      let (x, w, dz, bias) = (
        inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
      )
      let (block, activation) = (inputs.block, inputs.activation)
      var shape = inputs.shape
      let y = trial.compare(["y": inputs.dz.count]) { kernels, out in
        let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, block)
        kernels.conv2d_forward(&shape, block, x, w, bias, out[0], activation, scratch)
      }[0]
      trial.compare(["dx": inputs.x.count]) { kernels, out in
        let scratch = trial.scratch(&shape, CS_CONV2D_BACKWARD_INPUT, block)
        kernels.conv2d_backward_input(&shape, block, dz, w, out[0], scratch)
      }
      trial.compare(["dw": shape.weights, "db": Int(shape.outChannels)]) { kernels, out in
        let scratch = trial.scratch(&shape, CS_CONV2D_BACKWARD_WEIGHTS, block)
        let db = bias == nil ? nil : out[1]
        kernels.conv2d_backward_weights(&shape, block, x, dz, out[0], db, scratch)
      }
      guard block == 16 else { return }
      let lane = trial.random.integer(0...15)
      let image = trial.image(lane, of: inputs.x)
      trial.expect("y of image \(lane) alone", trial.image(lane, of: y)) { kernels, y in
        let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, 1)
        kernels.conv2d_forward(&shape, 1, image.values, w, bias, y, activation, scratch)
      }
    }
  }

  @Test("the reference follows the formula and the chain rule")
  func textbook() {
    Trial.run(nil, draws: 100) { trial in
      let inputs = Inputs(trial, values: KC_PLAIN)
      let (x, w, dz, bias) = (
        inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
      )
      let (block, activation) = (inputs.block, inputs.activation)
      var shape = inputs.shape
      let y = ExactSums(inputs.dz.count)
      let dx = ExactSums(inputs.x.count)
      let dw = ExactSums(shape.weights)
      let db = ExactSums(Int(shape.outChannels))
      kc_conv2d_forward(&shape, block, x, w, bias, activation, y.values)
      kc_conv2d_backward(&shape, block, x, w, dz, dx.values, dw.values, db.values)
      let found = trial.compare(["y": y.count, "dx": dx.count, "dw": dw.count, "db": db.count]) {
        let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, block)
        $0.conv2d_forward(&shape, block, x, w, bias, $1[0], activation, scratch)
        $0.conv2d_backward_input(&shape, block, dz, w, $1[1], scratch)
        $0.conv2d_backward_weights(&shape, block, x, dz, $1[2], $1[3], scratch)
      }
      trial.expectNear("y", found[0], y, terms: shape.taps)
      trial.expectNear("dx", found[1], dx, terms: shape.weights / Int(shape.inChannels))
      trial.expectNear("dw", found[2], dw, terms: shape.outPixels * Int(block))
      trial.expectNear("db", found[3], db, terms: shape.outPixels * Int(block))
    }
  }

  /// One random convolution and its inputs.
  private struct Inputs {
    var shape: cs_conv2d
    var block: Int32
    var activation: cs_activation
    var x, w, dz: KernelBuffer
    var bias: KernelBuffer?

    init(_ trial: Trial, values: kc_values? = nil) {
      shape = trial.random.convolution()
      block = trial.random.block()
      activation = trial.random.activation()
      let hasBias = !trial.random.once(in: 4)
      trial.shape = "B = \(block) \(shape.text) activation \(activation.rawValue) bias \(hasBias)"
      x = trial.input(shape.inputs * Int(block), values)
      w = trial.input(shape.weights, values)
      dz = trial.input(shape.outputs * Int(block), values)
      bias = hasBias ? trial.input(Int(shape.outChannels), values) : nil
    }
  }
}
