import CSupport
import FixedNet
import ToolSupport

/// One kernel on one layer's extents.
struct KernelResult {
  var name: String
  /// Useful operations of one call.
  var flops: Double
  /// GFLOP/s of every round, and the share of the one-thread peak measured right before.
  var rates = Samples()
  var peakShares = Samples()
}

/// Every kernel of a model alone, on one thread, with blocks of 16 images.
final class KernelBench {
  private(set) var results: [KernelResult] = []
  private var calls: [() -> Void] = []
  private let kernels: UnsafePointer<cs_kernels>
  private let batch: Int
  private let memory: FloatMemory
  private static let block = 16

  init(_ model: SequentialModel, batch: Int, kernels: UnsafePointer<cs_kernels>) throws {
    self.batch = batch
    self.kernels = kernels
    let shapes = try model.shapes()
    memory = FloatMemory(capacity: 4 << 20)
    for (index, layer) in model.layers.enumerated() {
      if let layer = layer as? Conv2D { addConvolution(layer, shapes[index], shapes[index + 1]) }
      if let layer = layer as? Dense { addDense(layer, shapes[index].elementCount) }
    }
  }

  /// Runs each kernel for about `budget` seconds.
  func measure(peak: PeakMeter, seconds budget: Double) {
    for (index, call) in calls.enumerated() {
      let top = peak.measure()
      var count = 1
      var elapsed = seconds { call() }
      while elapsed < budget {
        count = min(count * 2, max(count + 1, Int(Double(count) * 1.2 * budget / elapsed)))
        elapsed = seconds { for _ in 0..<count { call() } }
      }
      let rate = results[index].flops * Double(count) / elapsed * 1e-9
      results[index].rates.add(rate)
      results[index].peakShares.add(rate / top)
    }
  }

  private func add(_ name: String, multiplyAdds: Int, images: Int, _ call: @escaping () -> Void) {
    results.append(KernelResult(name: name, flops: 2 * Double(multiplyAdds) * Double(images)))
    calls.append(call)
  }
}

// MARK: - Layers

extension KernelBench {
  private func addConvolution(_ layer: Conv2D, _ input: Shape, _ output: Shape) {
    var shape = layer.kernelShape(for: input)
    let block = Int32(KernelBench.block)
    let passes = [
      CS_CONV2D_FORWARD, CS_CONV2D_BACKWARD_INPUT, CS_CONV2D_BACKWARD_WEIGHTS,
    ]
    let scratch = memory.take(passes.map { Int(cs_conv2d_scratch(&shape, $0, block)) }.max() ?? 0)
    let x = memory.take(input.elementCount * KernelBench.block)
    let dX = memory.take(input.elementCount * KernelBench.block)
    let y = memory.take(output.elementCount * KernelBench.block)
    let dZ = memory.take(output.elementCount * KernelBench.block)
    let weightCount =
      input.channels * layer.filters * layer.kernelSize.height * layer.kernelSize.width
    let (w, dW) = (memory.take(weightCount), memory.take(weightCount))
    let (b, dB) = (memory.take(layer.filters), memory.take(layer.filters))
    let multiplyAdds = layer.multiplyAdds(for: input)
    let activation = layer.activation == .tanh ? CS_TANH : CS_LINEAR
    let kernels = kernels.pointee
    let description = shape
    add("\(layer.name) forward", multiplyAdds: multiplyAdds, images: KernelBench.block) {
      withUnsafePointer(to: description) {
        kernels.conv2d_forward($0, block, x, w, b, y, activation, scratch)
      }
    }
    add("\(layer.name) dW", multiplyAdds: multiplyAdds, images: KernelBench.block) {
      withUnsafePointer(to: description) {
        kernels.conv2d_backward_weights($0, block, x, dZ, dW, dB, scratch)
      }
    }
    add("\(layer.name) dX", multiplyAdds: multiplyAdds, images: KernelBench.block) {
      withUnsafePointer(to: description) {
        kernels.conv2d_backward_input($0, block, dZ, w, dX, scratch)
      }
    }
  }

  private func addDense(_ layer: Dense, _ inputCount: Int) {
    let block = Int32(KernelBench.block)
    let blockCount = (batch + KernelBench.block - 1) / KernelBench.block
    let leading = (layer.units + 15) / 16 * 16
    let (rows, columns) = (Int32(inputCount), Int32(layer.units))
    let xStride = inputCount * KernelBench.block
    let dZStride = leading * KernelBench.block
    let x = memory.take(xStride * blockCount)
    let dZ = memory.take(dZStride * blockCount)
    let (y, dX) = (memory.take(dZStride), memory.take(xStride))
    let (w, dW) = (memory.take(inputCount * layer.units), memory.take(inputCount * layer.units))
    let b = memory.take(layer.units)
    let multiplyAdds = inputCount * layer.units
    let activation = layer.activation == .tanh ? CS_TANH : CS_LINEAR
    let kernels = kernels.pointee
    let batch = batch
    add("\(layer.name) forward", multiplyAdds: multiplyAdds, images: KernelBench.block) {
      kernels.dense_forward(rows, columns, block, x, w, b, y, activation)
    }
    add("\(layer.name) dW", multiplyAdds: multiplyAdds, images: batch) {
      kernels.dense_backward_weights(
        0, rows, columns, block, Int32(batch), x, xStride, dZ, dZStride, leading, 0, dW)
    }
    add("\(layer.name) dX", multiplyAdds: multiplyAdds, images: KernelBench.block) {
      kernels.dense_backward_input(rows, columns, block, dZ, w, dX)
    }
  }

}

/// All operands in one allocation, each on a cache line, filled with small numbers.
private final class FloatMemory {
  private let base: UnsafeMutablePointer<Float>
  private let capacity: Int
  private var used = 0

  init(capacity: Int) {
    self.capacity = capacity
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: capacity * MemoryLayout<Float>.stride, alignment: 64)
    base = bytes.bindMemory(to: Float.self, capacity: capacity)
    for index in 0..<capacity {
      base[index] = Float((index &* 2_654_435_761) >> 7 & 1023) / 1024 - 0.5
    }
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    precondition(used + count <= capacity, "the models measured here fit")
    defer { used += (count + 15) / 16 * 16 }
    return base + used
  }
}
