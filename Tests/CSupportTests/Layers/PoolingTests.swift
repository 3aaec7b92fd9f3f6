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

  @Test("the reference finds the first largest cell")
  func maximumTextbook() {
    Trial.run(nil, draws: 200) { trial in
      var shape = trial.random.pooling()
      let block = trial.random.block()
      trial.shape = "B = \(block) \(shape.text)"
      let values = trial.random.element([KC_PLAIN, KC_INTEGERS])
      let x = trial.input(shape.inputs * Int(block), values).values
      let dy = trial.input(shape.outputs * Int(block), KC_PLAIN).values
      let y = ExactSums(shape.outputs * Int(block))
      let dx = ExactSums(shape.inputs * Int(block))
      kc_maxpool2d(&shape, block, x, dy, y.values, dx.values)
      let found = trial.compare(["y": y.count, "dx": dx.count]) { kernels, out in
        kernels.maxpool2d_forward(&shape, block, x, out[0])
        kernels.maxpool2d_backward(&shape, block, x, dy, out[1])
      }
      trial.expectNear("y", found[0], y, terms: 0)
      trial.expectNear("dx", found[1], dx, terms: Int(shape.poolHeight * shape.poolWidth))
    }
  }

  @Test(
    "with the activation in front: its derivative of the pooling's gradient, bit by bit",
    arguments: InstructionSet.available)
  func deltas(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      var shape = trial.random.pooling()
      let isHalving = trial.random.once(in: 2)
      if isHalving {
        (shape.poolHeight, shape.poolWidth, shape.strideHeight, shape.strideWidth) = (2, 2, 2, 2)
        (shape.padTop, shape.padLeft) = (0, 0)
        (shape.inHeight, shape.inWidth) = (2 * shape.outHeight, 2 * shape.outWidth)
      }
      let block = trial.random.block()
      let activation = trial.random.activation()
      trial.shape = "B = \(block) \(shape.text) \(activation)"
      let y = trial.input(shape.inputs * Int(block), trial.random.once(in: 3) ? KC_INTEGERS : nil)
      let dy = trial.input(shape.outputs * Int(block))
      let channel = trial.output(y.count / Int(shape.channels))
      let expected = trial.compare(["average": y.count, "max": y.count], from: [y, y]) {
        kernels, out in
        kernels.avgpool2d_backward_delta(
          &shape, block, activation, dy.values, out[0], channel.values)
        kernels.maxpool2d_backward_delta(
          &shape, block, activation, dy.values, out[1], channel.values)
      }
      // In two steps, which the other tests compare with the formula.
      trial.expect("average in two steps", expected[0]) { kernels, dz in
        kernels.avgpool2d_backward(&shape, block, dy.values, dz)
        kernels.activation_backward(y.count, activation, y.values, dz, dz)
      }
      trial.expect("max in two steps", expected[1]) { kernels, dz in
        kernels.maxpool2d_backward(&shape, block, y.values, dy.values, dz)
        kernels.activation_backward(y.count, activation, y.values, dz, dz)
      }
    }
  }

  /// Padding is no cell: a window of negative numbers has a negative maximum.
  @Test("maxima of a padded image", arguments: InstructionSet.available)
  func samePadding(set: InstructionSet) {
    var shape = cs_pool2d(
      channels: 1, inHeight: 3, inWidth: 3, outHeight: 2, outWidth: 2, poolHeight: 2,
      poolWidth: 2, strideHeight: 2, strideWidth: 2, padTop: 0, padLeft: 0)
    let x: [Float] = [-4, -2, -3, -1, -5, -6, -9, -8, -.infinity]
    let (y, dx) = PoolingTests.maxima(set, &shape, x, dy: [1, 2, 3, 4])
    #expect(y == [-1, -3, -8, -.infinity])
    #expect(dx == [0, 0, 2, 1, 0, 0, 0, 3, 4])
  }

  /// The first NaN of a window is its largest cell, whatever else it holds.
  @Test("a NaN is the maximum", arguments: InstructionSet.available)
  func notANumber(set: InstructionSet) {
    let windows: [(cells: [Float], first: Int)] = [
      ([.nan, 1, 2, 3], 0), ([1, .nan, .infinity, 3], 1), ([1, 2, .nan, .nan], 2),
      ([4, 3, 2, .nan], 3), ([.nan, .nan, .nan, .nan], 0),
    ]
    for window in windows {
      var shape = cs_pool2d(
        channels: 1, inHeight: 2, inWidth: 2, outHeight: 1, outWidth: 1, poolHeight: 2,
        poolWidth: 2, strideHeight: 2, strideWidth: 2, padTop: 0, padLeft: 0)
      let (y, dx) = PoolingTests.maxima(set, &shape, window.cells, dy: [5])
      var expected: [Float] = [0, 0, 0, 0]
      expected[window.first] = 5
      #expect(y[0].isNaN && dx == expected, "\(window)")
      // Side by side, four windows, so that the row's fast path sees them too.
      (shape.inWidth, shape.outWidth) = (8, 4)
      let top = (0..<4).flatMap { _ in window.cells[0..<2] }
      let wide = top + (0..<4).flatMap { _ in window.cells[2..<4] }
      let four = PoolingTests.maxima(set, &shape, wide, dy: [1, 1, 1, 1]).y
      #expect(!four.contains { !$0.isNaN })
    }
  }

  /// Of one image, after checking that a block of 16 such images gives the same in each lane.
  private static func maxima(
    _ set: InstructionSet, _ shape: inout cs_pool2d, _ x: [Float], dy: [Float]
  ) -> (y: [Float], dx: [Float]) {
    let kernels = set.kernels.pointee
    func spread(_ values: [Float]) -> [Float] {
      values.flatMap { [Float](repeating: $0, count: 16) }
    }
    var (y, dx) = (dy, x)
    kernels.maxpool2d_forward(&shape, 1, x, &y)
    kernels.maxpool2d_backward(&shape, 1, x, dy, &dx)
    var (blockY, blockDx) = (spread(dy), spread(x))
    kernels.maxpool2d_forward(&shape, 16, spread(x), &blockY)
    kernels.maxpool2d_backward(&shape, 16, spread(x), spread(dy), &blockDx)
    let isSame = zip(blockY, spread(y)).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
    #expect(isSame)
    #expect(blockDx == spread(dx))
    return (y, dx)
  }
}
