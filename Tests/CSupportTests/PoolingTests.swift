import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Pooling kernels")
struct PoolingTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      var shape = trial.random.pooling()
      let block = trial.random.block()
      trial.shape = "B = \(block) \(shape.text)"
      let x = trial.input(shape.inputs * Int(block))
      let dy = trial.input(shape.outputs * Int(block))
      let y = trial.compare(["y": dy.count]) { kernels, out in
        kernels.avgpool2d_forward(&shape, block, x.values, out[0])
      }[0]
      trial.compare(["dx": x.count]) { kernels, out in
        kernels.avgpool2d_backward(&shape, block, dy.values, out[0])
      }
      guard block == 16 else { return }
      let lane = trial.random.integer(0...15)
      let image = trial.image(lane, of: x)
      trial.expect("y of image \(lane) alone", trial.image(lane, of: y)) { kernels, y in
        kernels.avgpool2d_forward(&shape, 1, image.values, y)
      }
    }
  }

  /// In one draw of three many cells are equal.
  @Test("maxima have the reference's bits", arguments: InstructionSet.available)
  func maximumBits(set: InstructionSet) {
    Trial.run(set, draws: 600) { trial in
      var shape = trial.random.pooling()
      let block = trial.random.block()
      trial.shape = "B = \(block) \(shape.text)"
      let values = trial.random.once(in: 3) ? KC_INTEGERS : nil
      let x = trial.input(shape.inputs * Int(block), values)
      let dy = trial.input(shape.outputs * Int(block))
      let found = trial.compare(["y": dy.count, "dx": x.count]) { kernels, out in
        kernels.maxpool2d_forward(&shape, block, x.values, out[0])
        kernels.maxpool2d_backward(&shape, block, x.values, dy.values, out[1])
      }
      guard block == 16 else { return }
      let lane = trial.random.integer(0...15)
      let (image, gradient) = (trial.image(lane, of: x), trial.image(lane, of: dy))
      trial.expect("y of image \(lane) alone", trial.image(lane, of: found[0])) { kernels, y in
        kernels.maxpool2d_forward(&shape, 1, image.values, y)
      }
      trial.expect("dx of image \(lane) alone", trial.image(lane, of: found[1])) { kernels, dx in
        kernels.maxpool2d_backward(&shape, 1, image.values, gradient.values, dx)
      }
    }
  }

  @Test("the reference follows the formula and the chain rule")
  func textbook() {
    Trial.run(nil, draws: 200) { trial in
      var shape = trial.random.pooling()
      let block = trial.random.block()
      trial.shape = "B = \(block) \(shape.text)"
      let x = trial.input(shape.inputs * Int(block), KC_PLAIN).values
      let dy = trial.input(shape.outputs * Int(block), KC_PLAIN).values
      let y = ExactSums(shape.outputs * Int(block))
      let dx = ExactSums(shape.inputs * Int(block))
      kc_avgpool2d(&shape, block, x, dy, y.values, dx.values)
      let found = trial.compare(["y": y.count, "dx": dx.count]) { kernels, out in
        kernels.avgpool2d_forward(&shape, block, x, out[0])
        kernels.avgpool2d_backward(&shape, block, dy, out[1])
      }
      let window = Int(shape.poolHeight * shape.poolWidth)
      trial.expectNear("y", found[0], y, terms: window)
      trial.expectNear("dx", found[1], dx, terms: window)
    }
  }
}
