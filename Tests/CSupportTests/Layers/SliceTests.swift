import CSupport
import FixedNet
import KernelCheck
import Testing

/// Slices are threads' shares of one output: together they are the whole, with its bits.
@Suite("Slices of kernels")
struct SliceTests {
  /// Fills `count` numbers with a pattern, slice after slice, in an order that is not theirs, and compares.
  private func expectWhole(
    _ count: Int, _ what: String, whole: (UnsafeMutablePointer<Float>) -> Void,
    slice: (cs_slice, UnsafeMutablePointer<Float>) -> Void
  ) {
    var expected = [Float](repeating: .nan, count: count)
    expected.withUnsafeMutableBufferPointer { whole($0.baseAddress!) }
    for slices in [2, 3, 7, 16] as [Int32] {
      var writers = [Int](repeating: 0, count: count)
      var found = [Float](repeating: .nan, count: count)
      for index in (0..<slices).reversed() {
        var own = [Float](repeating: .nan, count: count)
        own.withUnsafeMutableBufferPointer {
          slice(cs_slice(index: index, count: slices), $0.baseAddress!)
        }
        for i in 0..<count where !own[i].isNaN {
          writers[i] += 1
          found[i] = own[i]
        }
      }
      #expect(writers.allSatisfy { $0 == 1 }, "\(what): an element is of one of \(slices) slices")
      #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(what), \(slices) slices")
    }
  }

  private func numbers(_ count: Int, _ seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(Int32(bitPattern: state) >> 8) / Float(1 << 22)
    }
  }

  @Test("of dense layers", arguments: InstructionSet.available, [16, 1] as [Int32])
  func dense(set: InstructionSet, block: Int32) {
    let kernels = set.kernels.pointee
    for (inputs, outputs) in [(5, 3), (40, 16), (70, 20), (33, 84), (9, 130)] {
      let (x, w) = (numbers(inputs * Int(block), 1), numbers(inputs * outputs, 2))
      let bias = numbers(outputs, 3)
      for activation in [CS_LINEAR, CS_TANH, CS_RELU] {
        expectWhole(outputs * Int(block), "\(inputs) to \(outputs)") {
          kernels.dense_forward(
            Int32(inputs), Int32(outputs), block, x, w, bias, nil, $0, activation)
        } slice: {
          kernels.dense_forward_slice(
            $0, Int32(inputs), Int32(outputs), block, x, w, bias, nil, $1, activation)
        }
      }
      guard block == 16 else { continue }
      let leading = (outputs + 15) / 16 * 16
      let dz = numbers(outputs * 16, 4)
      expectWhole(16 * leading, "\(outputs) transposed") {
        kernels.transpose16(Int32(outputs), Int32(leading), dz, $0)
      } slice: {
        kernels.transpose16_slice($0, Int32(outputs), Int32(leading), dz, $1)
      }
    }
  }

  @Test("of convolutions", arguments: InstructionSet.available, [16, 1] as [Int32])
  func convolution(set: InstructionSet, block: Int32) {
    let kernels = set.kernels.pointee
    for size in [3, 5, 9, 14, 20] as [Int32] {
      for (inChannels, outChannels) in [(1, 3), (3, 6), (4, 20), (17, 33)] as [(Int32, Int32)] {
        for (kernel, stride, pad) in [(1, 1, 0), (3, 1, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0)]
          as [(Int32, Int32, Int32)]
        {
          let out = (size + 2 * pad - kernel) / stride + 1
          var shape = cs_conv2d(
            inChannels: inChannels, inHeight: size, inWidth: size, outChannels: outChannels,
            outHeight: out, outWidth: out, kernelHeight: kernel, kernelWidth: kernel,
            strideHeight: stride, strideWidth: stride, padTop: pad, padLeft: pad, padBottom: pad,
            padRight: pad, isTight: 0)
          compare(&shape, kernels, block)
        }
      }
    }
  }

  @Test("of convolutions by Winograd", arguments: InstructionSet.available)
  func winograd(set: InstructionSet) {
    let kernels = set.kernels.pointee
    for (size, inChannels, outChannels, pad) in [(9, 24, 27, 0), (8, 40, 24, 1)]
      as [(Int32, Int32, Int32, Int32)]
    {
      let out = size + 2 * pad - 2
      var shape = cs_conv2d(
        inChannels: inChannels, inHeight: size, inWidth: size, outChannels: outChannels,
        outHeight: out, outWidth: out, kernelHeight: 3, kernelWidth: 3, strideHeight: 1,
        strideWidth: 1, padTop: pad, padLeft: pad, padBottom: pad, padRight: pad,
        isTight: 0)
      let (ins, outs) = (Int(inChannels), Int(outChannels))
      let (inputs, outputs) = (ins * Int(size * size) * 16, outs * Int(out * out) * 16)
      let (x, w, dz) = (numbers(inputs, 5), numbers(9 * ins * outs, 6), numbers(outputs, 7))
      let bias = numbers(outs, 8)
      var u = [Float](repeating: 0, count: 32 * ins * outs)
      kernels.winograd_weights(&shape, w, &u)
      let room = max(cs_winograd_scratch(&shape, 0), cs_winograd_scratch(&shape, 1))
      let scratch = canary(room)
      defer { scratch.deallocate() }
      let what = "\(shape)"
      expectWhole(outputs, "y of \(what)") {
        kernels.winograd_forward(&shape, x, u, bias, $0, CS_TANH, scratch)
      } slice: {
        kernels.winograd_forward_slice(&shape, $0, x, u, bias, $1, CS_TANH, scratch)
      }
      let dw = 9 * ins * outs
      expectWhole(dw + outs + inputs, "gradients of \(what)") {
        kernels.winograd_backward(&shape, x, dz, u, $0, $0 + dw, $0 + dw + outs, scratch)
      } slice: {
        kernels.winograd_backward_slice(&shape, $0, x, dz, u, $1, $1 + dw, $1 + dw + outs, scratch)
      }
      #expect((0..<16).allSatisfy { scratch[room + $0] == 42 }, "scratch of \(what)")
    }
  }

  /// Scratch of `room` floats. A canary behind them tells whether a slice needs more than the plan gives.
  private func canary(_ room: Int) -> UnsafeMutablePointer<Float> {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: room * 4 + 64, alignment: 64)
      .assumingMemoryBound(to: Float.self)
    for i in 0..<16 { scratch[room + i] = 42 }
    return scratch
  }

  private func compare(_ shape: inout cs_conv2d, _ kernels: cs_kernels, _ block: Int32) {
    let inputs = Int(shape.inChannels * shape.inHeight * shape.inWidth * block)
    let outputs = Int(shape.outChannels * shape.outHeight * shape.outWidth * block)
    let weights = Int(
      shape.inChannels * shape.outChannels * shape.kernelHeight * shape.kernelWidth)
    let (x, w, dz) = (numbers(inputs, 5), numbers(weights, 6), numbers(outputs, 7))
    let bias = numbers(Int(shape.outChannels), 8)
    let room = max(
      cs_conv2d_scratch(&shape, CS_CONV2D_FORWARD, block),
      cs_conv2d_scratch(&shape, CS_CONV2D_BACKWARD_INPUT, block), 16)
    let scratch = canary(room)
    defer { scratch.deallocate() }
    let what = "\(shape)"
    expectWhole(outputs, "y of \(what)") {
      kernels.conv2d_forward(&shape, block, x, w, bias, nil, $0, CS_TANH, scratch)
    } slice: {
      kernels.conv2d_forward_slice(&shape, $0, block, x, w, bias, nil, $1, CS_TANH, scratch)
    }
    expectWhole(inputs, "dx of \(what)") {
      kernels.conv2d_backward_input(&shape, block, dz, w, $0, scratch)
    } slice: {
      kernels.conv2d_backward_input_slice(&shape, $0, block, dz, w, $1, scratch)
    }
    #expect((0..<16).allSatisfy { scratch[room + $0] == 42 }, "scratch of \(what)")
  }
}
