import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Gather kernels")
struct GatherTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let inputs = Inputs(trial)
      let (channels, pixels, block, lanes) = inputs.extents
      let (stride, divisor, indices) = (inputs.stride, inputs.divisor, inputs.indices)
      trial.compare(["x of bytes": inputs.count]) { kernels, out in
        kernels.gather_u8(
          channels, pixels, block, lanes, inputs.bytes, stride, indices, divisor, out[0])
      }
      let x = trial.compare(["x of floats": inputs.count]) { kernels, out in
        kernels.gather_f32(
          channels, pixels, block, lanes, inputs.floats.values, stride, indices, divisor, out[0])
      }[0]
      let size = Int(lanes - 1) * stride + Int(channels * pixels)
      trial.compare(["images": size]) { kernels, out in
        kernels.scatter_f32(channels, pixels, block, lanes, x.values, out[0], stride)
      }
    }
  }

  @Test("the reference moves every value to its place")
  func textbook() {
    Trial.run(nil, draws: 60) { trial in
      let inputs = Inputs(trial)
      let (channels, pixels, block, lanes) = inputs.extents
      let x = trial.output(inputs.count)
      let y = trial.output(inputs.count)
      let images = trial.output(Int(lanes) * inputs.stride)
      let kernels = cs_kernels_reference().pointee
      kernels.gather_u8(
        channels, pixels, block, lanes, inputs.bytes, inputs.stride, inputs.indices, inputs.divisor,
        x.values)
      kernels.gather_f32(
        channels, pixels, block, lanes, inputs.floats.values, inputs.stride, inputs.indices, 1,
        y.values)
      kernels.scatter_f32(
        channels, pixels, block, lanes, y.values, images.values, inputs.stride)
      var wrong: Int?
      for place in 0..<x.count where wrong == nil {
        let (n, p) = (place % Int(block), place / Int(block) % Int(pixels))
        let c = place / Int(block * pixels)
        let offset = p * Int(channels) + c
        guard n < lanes else {
          if x.values[place] != 0 || y.values[place] != 0 { wrong = place }
          continue
        }
        let source = Int(inputs.indices[n]) * inputs.stride + offset
        let back = images.values[n * inputs.stride + offset]
        if x.values[place] != Float(inputs.bytes[source]) / inputs.divisor
          || y.values[place].bitPattern != inputs.floats.values[source].bitPattern
          || back.bitPattern != y.values[place].bitPattern
        {
          wrong = place
        }
      }
      trial.expect("all values", at: wrong)
    }
  }

  /// Random images and the choice of some of them.
  private struct Inputs {
    var extents: (channels: Int32, pixels: Int32, block: Int32, lanes: Int32)
    /// Elements from one image to the next.
    var stride: Int
    var bytes: [UInt8]
    var floats: KernelBuffer
    var indices: [UInt32]
    var divisor: Float
    /// Of the gathered block.
    var count: Int

    init(_ trial: Trial) {
      let channels = trial.random.element([1, trial.random.integer(1...5)])
      let pixels = trial.random.integer(1...80)
      let block = trial.random.block()
      let lanes = trial.random.integer(1...block)
      extents = (channels, pixels, block, lanes)
      count = Int(channels * pixels * block)
      stride = Int(channels * pixels) + trial.random.count(0...5)
      let images = trial.random.integer(1...12)
      divisor = trial.random.element([255, 1, 0.3, -17])
      trial.shape = "B = \(block) channels \(channels) pixels \(pixels) lanes \(lanes)"
      indices = (0..<lanes).map { _ in UInt32(trial.random.integer(0...images - 1)) }
      let size = Int(images - 1) * stride + Int(channels * pixels)
      floats = trial.input(size)
      let words = UnsafeRawBufferPointer(start: floats.values, count: size)
      bytes = [UInt8](words)
    }
  }
}
