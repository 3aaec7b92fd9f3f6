import CSupport
import FixedNet
import ToolSupport

/// One kernel on one layer's extents.
struct KernelResult {
  var name: String
  /// Useful operations of one call; 0 where a kernel only moves and compares.
  var flops: Double
  /// Bytes of its operands, each counted once.
  var bytes: Double
  /// Seconds of a call in every round, and the share of the one-thread peak measured right before.
  var calls = Samples()
  var peakShares = Samples()

  /// GFLOP/s and GB/s, by the median.
  var gflops: Double { flops / calls.median * 1e-9 }
  var bandwidth: Double { bytes / calls.median * 1e-9 }
}

/// Kernels alone, on one thread, with blocks of 16 images.
final class KernelBench {
  private(set) var results: [KernelResult] = []
  private var calls: [() -> Void] = []
  let kernels: cs_kernels
  let batch: Int
  let memory: FloatMemory
  static let block = 16

  init(batch: Int, kernels: UnsafePointer<cs_kernels>) throws {
    self.batch = batch
    self.kernels = kernels.pointee
    memory = FloatMemory(capacity: 24 << 20)
    try addLayers(BuiltInModel.lenetPlain)
    try addLayers(BuiltInModel.cnn)
    addOddShapes()
    addElementWise()
    addNormalization()
    addUpdates()
    addLanes()
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
      let call = elapsed / Double(count)
      results[index].calls.add(call)
      results[index].peakShares.add(results[index].flops / call * 1e-9 / top)
    }
  }

  /// `floats`: of all operands.
  func add(_ name: String, multiplyAdds: Int, floats: Int, _ call: @escaping () -> Void) {
    let bytes = floats * MemoryLayout<Float>.stride
    results.append(
      KernelResult(name: name, flops: 2 * Double(multiplyAdds), bytes: Double(bytes)))
    calls.append(call)
  }
}

// MARK: - Layers

extension KernelBench {
  private func addLayers(_ builtIn: BuiltInModel) throws {
    let model = builtIn.model()
    let shapes = try model.shapes()
    for (index, layer) in model.layers.enumerated() {
      let name = "\(builtIn.rawValue) \(layer.name)"
      if let layer = layer as? Conv2D {
        addConvolution(name, layer, shapes.inputs[index][0], shapes.outputs[index])
      }
      if let layer = layer as? Dense { addDense(name, layer, shapes.inputs[index][0].elementCount) }
    }
  }

  /// Extents that no tile was made for.
  private func addOddShapes() {
    let odd: [(Conv2D, Shape)] = [
      (
        Conv2D(name: "", filters: 13, kernelSize: (3, 3)),
        .image(height: 17, width: 15, channels: 7)
      ),
      (
        Conv2D(name: "", filters: 10, kernelSize: (5, 5), strides: (2, 2), padding: .same),
        .image(height: 32, width: 32, channels: 3)
      ),
      (
        Conv2D(name: "", filters: 24, kernelSize: (1, 1)),
        .image(height: 9, width: 9, channels: 40)
      ),
    ]
    for (layer, input) in odd {
      guard let output = try? layer.outputShape(for: input) else { continue }
      let (height, width) = layer.kernelSize
      let stride = layer.strides.height > 1 ? " stride \(layer.strides.height)" : ""
      addConvolution(
        "\(height)x\(width)\(stride), \(input.channels) to \(layer.filters) channels", layer,
        input, output)
    }
    for (inputs, outputs) in [(100, 37), (333, 7), (400, 20)] {
      addDense("dense \(inputs) to \(outputs)", Dense(name: "", units: outputs), inputs)
    }
  }

  private func addConvolution(_ name: String, _ layer: Conv2D, _ input: Shape, _ output: Shape) {
    var shape = layer.kernelShape(for: input)
    let block = Int32(KernelBench.block)
    let passes = [
      CS_CONV2D_FORWARD, CS_CONV2D_BACKWARD_INPUT, CS_CONV2D_BACKWARD_WEIGHTS,
    ]
    let suitsWinograd = cs_winograd_suits(&shape) != 0
    let direct = passes.map { Int(cs_conv2d_scratch(&shape, $0, block)) }.max() ?? 0
    let scratch = memory.take(
      suitsWinograd ? max(direct, Int(cs_winograd_scratch(&shape, 1))) : direct)
    let x = memory.take(input.elementCount * KernelBench.block)
    let dX = memory.take(input.elementCount * KernelBench.block)
    let y = memory.take(output.elementCount * KernelBench.block)
    let dZ = memory.take(output.elementCount * KernelBench.block)
    let weightCount =
      input.channels * layer.filters * layer.kernelSize.height * layer.kernelSize.width
    let (w, dW) = (memory.take(weightCount), memory.take(weightCount))
    let (b, dB) = (memory.take(layer.filters), memory.take(layer.filters))
    let multiplyAdds = layer.multiplyAdds(for: input) * KernelBench.block
    let floats = (input.elementCount + output.elementCount) * KernelBench.block + weightCount
    let activation = activation(layer.activation)
    let kernels = kernels
    let description = shape
    add("\(name) forward", multiplyAdds: multiplyAdds, floats: floats) {
      withUnsafePointer(to: description) {
        kernels.conv2d_forward($0, block, x, w, b, nil, y, activation, scratch)
      }
    }
    add("\(name) dW", multiplyAdds: multiplyAdds, floats: floats) {
      withUnsafePointer(to: description) {
        kernels.conv2d_backward_weights($0, block, x, dZ, dW, dB, scratch)
      }
    }
    add("\(name) dX", multiplyAdds: multiplyAdds, floats: floats) {
      withUnsafePointer(to: description) {
        kernels.conv2d_backward_input($0, block, dZ, w, dX, scratch)
      }
    }
    guard suitsWinograd else { return }
    // They take 4 products for 9; their rate counts the 9.
    let u = memory.take(input.channels * layer.filters * 32)
    add("\(name) weights, Winograd", multiplyAdds: 0, floats: 41 * input.channels * layer.filters) {
      withUnsafePointer(to: description) { kernels.winograd_weights($0, w, u) }
    }
    add("\(name) forward, Winograd", multiplyAdds: multiplyAdds, floats: floats) {
      withUnsafePointer(to: description) {
        kernels.winograd_forward($0, x, u, b, y, activation, scratch)
      }
    }
    add("\(name) dW and dX, Winograd", multiplyAdds: 2 * multiplyAdds, floats: floats) {
      withUnsafePointer(to: description) {
        kernels.winograd_backward($0, x, dZ, u, dW, dB, dX, scratch)
      }
    }
  }

  private func activation(_ function: ActivationFunction) -> cs_activation {
    switch function {
    case .tanh: CS_TANH
    case .relu: CS_RELU
    default: CS_LINEAR
    }
  }

  private func addDense(_ name: String, _ layer: Dense, _ inputCount: Int) {
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
    let multiplyAdds = inputCount * layer.units * KernelBench.block
    let floats =
      (inputCount + layer.units) * KernelBench.block + inputCount * layer.units
    let activation = activation(layer.activation)
    let kernels = kernels
    let batch = batch
    add("\(name) forward", multiplyAdds: multiplyAdds, floats: floats) {
      kernels.dense_forward(rows, columns, block, x, w, b, nil, y, activation)
    }
    add(
      "\(name) dW", multiplyAdds: inputCount * layer.units * batch,
      floats: (inputCount + layer.units) * batch + inputCount * layer.units
    ) {
      kernels.dense_backward_weights(
        0, rows, columns, block, Int32(batch), x, xStride, dZ, dZStride, leading, 0, dW)
    }
    if layer.units <= 24 {
      // As a full batch of a small network has it: whole blocks as they are.
      add(
        "\(name) dW by lane", multiplyAdds: multiplyAdds * blockCount,
        floats: (inputCount + layer.units) * KernelBench.block * blockCount
          + inputCount * layer.units
      ) {
        kernels.dense_backward_weights_by_lane(
          rows, columns, Int32(blockCount), x, xStride, dZ, dZStride, 0, dW)
      }
    }
    add("\(name) dX", multiplyAdds: multiplyAdds, floats: floats) {
      kernels.dense_backward_input(rows, columns, block, dZ, w, dX)
    }
  }
}
