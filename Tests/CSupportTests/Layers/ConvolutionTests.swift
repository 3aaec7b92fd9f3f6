import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Convolution kernels")
struct ConvolutionTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 300) { compare($0, Inputs($0)) }
  }

  @Test("convolutions of 1 x 1 have the reference's bits", arguments: InstructionSet.available)
  func pointwise(set: InstructionSet) {
    Trial.run(set, draws: 200) { compare($0, Inputs($0, shape: $0.random.pointwise())) }
  }

  private func compare(_ trial: Trial, _ inputs: Inputs) {
    let (x, w, dz, bias) = (
      inputs.x.values, inputs.w.values, inputs.dz.values, inputs.bias?.values
    )
    let (block, activation) = (inputs.block, inputs.activation)
    var shape = inputs.shape
    let y = trial.compare(["y": inputs.dz.count]) { kernels, out in
      let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, block)
      kernels.conv2d_forward(&shape, block, x, w, bias, nil, out[0], activation, scratch)
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
    let taps = trial.transposed(inputs.w, rows: Int(shape.outChannels)).values
    trial.expect("y of image \(lane) alone", trial.image(lane, of: y)) { kernels, y in
      let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, 1)
      kernels.conv2d_forward(&shape, 1, image.values, taps, bias, nil, y, activation, scratch)
    }
  }

  /// A weight gradient of one image in two calls, each with some of the taps.
  @Test("some taps have the reference's bits", arguments: InstructionSet.available)
  func taps(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let inputs = Inputs(trial, block: 1)
      let (x, dz, hasBias) = (inputs.x.values, inputs.dz.values, inputs.bias != nil)
      var shape = inputs.shape
      let cut = trial.random.integer(0...Int32(shape.taps))
      let out = Int(shape.outChannels)
      trial.shape += " cut at \(cut)"
      let parts = trial.compare([
        "first": Int(cut) * out, "last": (shape.taps - Int(cut)) * out, "db": out,
      ]) { kernels, parts in
        let scratch = trial.scratch(&shape, CS_CONV2D_BACKWARD_WEIGHTS, 1)
        kernels.conv2d_backward_taps(
          &shape, 0, cut, x, dz, parts[0], hasBias ? parts[2] : nil, scratch)
        kernels.conv2d_backward_taps(&shape, cut, Int32(shape.taps), x, dz, parts[1], nil, scratch)
      }
      let whole = trial.output(shape.weights)
      whole.values.update(from: parts[0].values, count: parts[0].count)
      (whole.values + parts[0].count).update(from: parts[1].values, count: parts[1].count)
      trial.expect("dw of one call", whole) { kernels, dw in
        let scratch = trial.scratch(&shape, CS_CONV2D_BACKWARD_WEIGHTS, 1)
        kernels.conv2d_backward_weights(&shape, 1, x, dz, dw, nil, scratch)
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
      // The textbook has one order of the weights.
      let rows = block == 1 ? trial.transposed(inputs.w, rows: shape.taps).values : w
      kc_conv2d_forward(&shape, block, x, rows, bias, activation, y.values)
      kc_conv2d_backward(&shape, block, x, rows, dz, dx.values, dw.values, db.values)
      let found = trial.compare(["y": y.count, "dx": dx.count, "dw": dw.count, "db": db.count]) {
        let scratch = trial.scratch(&shape, CS_CONV2D_FORWARD, block)
        $0.conv2d_forward(&shape, block, x, w, bias, nil, $1[0], activation, scratch)
        $0.conv2d_backward_input(&shape, block, dz, w, $1[1], scratch)
        $0.conv2d_backward_weights(&shape, block, x, dz, $1[2], $1[3], scratch)
      }
      trial.expectNear("y", found[0], y, terms: shape.taps)
      trial.expectNear("dx", found[1], dx, terms: shape.weights / Int(shape.inChannels))
      let gradient = block == 1 ? trial.transposed(found[2], rows: shape.taps) : found[2]
      trial.expectNear("dw", gradient, dw, terms: shape.outPixels * Int(block))
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

    init(
      _ trial: Trial, values: kc_values? = nil, block chosen: Int32? = nil,
      shape given: cs_conv2d? = nil
    ) {
      shape = given ?? trial.random.convolution()
      block = chosen ?? trial.random.block()
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
