import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Dense kernels")
struct DenseTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let (input, output) = DenseTests.extents(trial)
      let block = trial.random.block()
      let activation = trial.random.activation()
      trial.shape = "B = \(block) \(input) -> \(output) activation \(activation.rawValue)"
      let x = trial.input(Int(input * block))
      let w = trial.input(Int(input * output)).values
      let dz = trial.input(Int(output * block)).values
      let bias = trial.random.once(in: 4) ? nil : trial.input(Int(output)).values
      let y = trial.compare(["y": Int(output * block)]) { kernels, out in
        kernels.dense_forward(input, output, block, x.values, w, bias, nil, out[0], activation)
      }[0]
      trial.compare(["dx": x.count]) { kernels, out in
        kernels.dense_backward_input(input, output, block, dz, w, out[0])
      }
      guard block == 16 else { return }
      let leading = (output + 15) / 16 * 16 + trial.random.element([0, 0, 16])
      trial.compare(["dzT": Int(16 * leading)]) { kernels, out in
        kernels.transpose16(output, leading, dz, out[0])
      }
      let lane = trial.random.integer(0...15)
      let image = trial.image(lane, of: x)
      trial.expect("y of image \(lane) alone", trial.image(lane, of: y)) { kernels, y in
        kernels.dense_forward(input, output, 1, image.values, w, bias, nil, y, activation)
      }
    }
  }

  /// Weights that are read in bands, and ahead of time.
  @Test("large layers have the reference's bits", arguments: InstructionSet.available)
  func large(set: InstructionSet) {
    Trial.run(set, draws: 4) { trial in
      let output = trial.random.integer(100...300)
      let input = (1 << 18) / output + trial.random.integer(1...40)
      let activation = trial.random.activation()
      trial.shape = "\(input) -> \(output) activation \(activation.rawValue)"
      let x = trial.input(Int(input * 16)).values
      let w = trial.input(Int(input * output)).values
      let dz = trial.input(Int(output * 16)).values
      let bias = trial.random.once(in: 4) ? nil : trial.input(Int(output)).values
      trial.compare(["y": Int(output * 16)]) { kernels, out in
        kernels.dense_forward(input, output, 16, x, w, bias, nil, out[0], activation)
      }
      trial.compare(["dx": Int(input * 16)]) { kernels, out in
        kernels.dense_backward_input(input, output, 16, dz, w, out[0])
      }
      // Few outputs, or many, of a batch that is larger than the cache.
      let (images, few): (Int32, Int32) = (180, trial.random.element([7, 20, 60]))
      let stride = Int(few + 15) / 16 * 16
      let batch = trial.input(12 * 16 * Int(input)).values
      let dzT = trial.input(12 * 16 * stride).values
      trial.compare(["dw": Int(input * few)]) { kernels, out in
        kernels.dense_backward_weights(
          0, input, few, 16, images, batch, Int(input) * 16, dzT, 16 * stride, stride, 0, out[0])
      }
    }
  }

  /// Whole and in parts: some rows in one call, and a batch cut in two.
  @Test("weight gradients have the reference's bits", arguments: InstructionSet.available)
  func weightGradients(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let (input, output) = DenseTests.extents(trial)
      let block = trial.random.block()
      // Batches above 128 go by in parts.
      let images = trial.random.integer(trial.random.integer(0...4) == 0 ? 129...260 : 1...50)
      let leading =
        block == 1 ? Int(output) + trial.random.count(0...9) : (Int(output) + 15) / 16 * 16
      let accumulates = trial.random.integer(0...1)
      let blocks = Int((images + block - 1) / block)
      let xStride = Int(input * block) + trial.random.count(0...20)
      let dzStride = leading * Int(block) + trial.random.count(0...20)
      let first = trial.random.integer(0...input - 1)
      let end = trial.random.integer(first...input)
      let cut = trial.random.integer(0...Int32(blocks))
      let head = min(cut * block, images)
      trial.shape =
        "B = \(block) \(input) -> \(output) images \(images) rows \(first) ..< \(end) "
        + "accumulates \(accumulates) leading \(leading) cut at \(head)"
      let x = trial.input(xStride * blocks).values
      let dzT = trial.input(dzStride * blocks).values

      let dw0 = trial.input(Int(input * output))
      let dw = trial.compare(["dw": dw0.count], from: [dw0]) { kernels, out in
        kernels.dense_backward_weights(
          first, end, output, block, images, x, xStride, dzT, dzStride, leading, accumulates, out[0]
        )
      }[0]
      trial.expect("dw of two calls", dw, from: dw0) { kernels, dw in
        kernels.dense_backward_weights(
          first, end, output, block, head, x, xStride, dzT, dzStride, leading, accumulates, dw)
        kernels.dense_backward_weights(
          first, end, output, block, images - head, x + Int(cut) * xStride, xStride,
          dzT + Int(cut) * dzStride, dzStride, leading, 1, dw)
      }

      let from = min(first, output - 1)
      let db0 = trial.input(Int(output))
      let db = trial.compare(["db": db0.count], from: [db0]) { kernels, out in
        kernels.dense_backward_bias(
          from, output, block, images, dzT, dzStride, leading, accumulates, out[0])
      }[0]
      trial.expect("db of two calls", db, from: db0) { kernels, db in
        kernels.dense_backward_bias(
          from, output, block, head, dzT, dzStride, leading, accumulates, db)
        kernels.dense_backward_bias(
          from, output, block, images - head, dzT + Int(cut) * dzStride, dzStride, leading, 1, db)
      }
    }
  }

  @Test("weight gradients by lane have the reference's bits", arguments: InstructionSet.available)
  func weightGradientsByLane(set: InstructionSet) {
    Trial.run(set, draws: 200) { trial in
      let (input, output) = DenseTests.extents(trial)
      let blocks = trial.random.integer(1...20)
      let xStride = Int(input * 16) + trial.random.count(0...20)
      let dzStride = Int(output * 16) + trial.random.count(0...20)
      trial.shape = "\(input) -> \(output) blocks \(blocks)"
      let x = trial.input(xStride * Int(blocks)).values
      let dz = trial.input(dzStride * Int(blocks)).values
      let accumulates = trial.random.integer(0...1)
      let dw0 = trial.input(Int(input * output))
      trial.compare(["dw": dw0.count], from: [dw0]) { kernels, out in
        kernels.dense_backward_weights_by_lane(
          input, output, blocks, x, xStride, dz, dzStride, accumulates, out[0])
      }
      let db0 = trial.input(Int(output))
      trial.compare(["db": db0.count], from: [db0]) { kernels, out in
        kernels.dense_backward_bias_by_lane(output, blocks, dz, dzStride, accumulates, out[0])
      }
    }
  }

  @Test("the reference follows the formula and the chain rule")
  func textbook() {
    Trial.run(nil, draws: 200) { trial in
      let (input, output) = DenseTests.extents(trial)
      let block = trial.random.block()
      let activation = trial.random.activation()
      let images = trial.random.integer(1...40)
      let blocks = (images + block - 1) / block
      trial.shape = "B = \(block) \(input) -> \(output) images \(images)"
      let (xCount, zCount) = (Int(input * block), Int(output * block))
      let leading = block == 1 ? output : (output + 15) / 16 * 16
      let x = trial.input(xCount * Int(blocks), KC_PLAIN).values
      let dz = trial.input(zCount * Int(blocks), KC_PLAIN).values
      let w = trial.input(Int(input * output), KC_PLAIN).values
      let bias = trial.random.once(in: 4) ? nil : trial.input(Int(output), KC_PLAIN).values
      let dw = ExactSums(Int(input * output))
      let db = ExactSums(Int(output))
      let kernels = cs_kernels_reference().pointee
      let dzT = block == 1 ? nil : trial.output(Int(16 * leading * blocks))

      for b in 0..<blocks {
        let (x, dz) = (x + Int(b) * xCount, dz + Int(b) * zCount)
        let y = ExactSums(zCount)
        let dx = ExactSums(xCount)
        kc_dense_forward(input, output, block, x, w, bias, activation, y.values)
        let lanes = min(block, images - b * block)
        kc_dense_backward(
          input, output, block, lanes, x, w, dz, dx.values, dw.values, db.values)
        let foundY = trial.output(zCount)
        kernels.dense_forward(input, output, block, x, w, bias, nil, foundY.values, activation)
        let foundDx = trial.output(xCount)
        kernels.dense_backward_input(input, output, block, dz, w, foundDx.values)
        trial.expectNear("y", foundY, y, terms: Int(input))
        trial.expectNear("dx", foundDx, dx, terms: Int(output))
        if let dzT { kernels.transpose16(output, leading, dz, dzT.values + Int(b * 16 * leading)) }
      }
      let foundDw = trial.output(dw.count)
      let foundDb = trial.output(db.count)
      let rows = dzT?.values ?? dz
      let stride = Int(leading * block)
      kernels.dense_backward_weights(
        0, input, output, block, images, x, xCount, rows, stride, Int(leading), 0, foundDw.values)
      kernels.dense_backward_bias(
        0, output, block, images, rows, stride, Int(leading), 0, foundDb.values)
      trial.expectNear("dw", foundDw, dw, terms: Int(images))
      trial.expectNear("db", foundDb, db, terms: Int(images))
      guard block == 16 else { return }
      for n in images..<blocks * 16 {
        for o in 0..<output { dz[Int((n / 16 * output + o) * 16 + n % 16)] = 0 }
      }
      kernels.dense_backward_weights_by_lane(
        input, output, blocks, x, xCount, dz, zCount, 0, foundDw.values)
      kernels.dense_backward_bias_by_lane(output, blocks, dz, zCount, 0, foundDb.values)
      trial.expectNear("dw by lane", foundDw, dw, terms: Int(images))
      trial.expectNear("db by lane", foundDb, db, terms: Int(images))
    }
  }

  private static func extents(_ trial: Trial) -> (input: Int32, output: Int32) {
    let input = trial.random.integer(1...trial.random.element([33, 33, 150]))
    return (input, trial.random.integer(1...trial.random.element([33, 33, 150])))
  }
}
