import CSupport
import FixedNet

// The kernels that move more than they multiply: GB/s count every operand once.

extension KernelBench {
  /// A block of 16 images of the cnn's second convolution, pooled; and LeNet's first one.
  func addElementWise() {
    let kernels = kernels
    let block = Int32(KernelBench.block)
    let wide = cs_pool2d(
      channels: 64, inHeight: 24, inWidth: 24, outHeight: 12, outWidth: 12, poolHeight: 2,
      poolWidth: 2, strideHeight: 2, strideWidth: 2, padTop: 0, padLeft: 0)
    let count = 64 * 24 * 24 * KernelBench.block
    let (x, dX) = (memory.take(count), memory.take(count))
    let (y, dY) = (memory.take(count / 4), memory.take(count / 4))
    add("max pooling forward", multiplyAdds: 0, floats: count + count / 4) {
      withUnsafePointer(to: wide) { kernels.maxpool2d_forward($0, block, x, y) }
    }
    add("max pooling backward", multiplyAdds: 0, floats: 2 * count + count / 4) {
      withUnsafePointer(to: wide) { kernels.maxpool2d_backward($0, block, x, dY, dX) }
    }
    var narrow = wide
    narrow.channels = 6
    let pool = narrow
    let pooled = 6 * 24 * 24 * KernelBench.block
    add("average pooling forward", multiplyAdds: 0, floats: pooled + pooled / 4) {
      withUnsafePointer(to: pool) { kernels.avgpool2d_forward($0, block, x, y) }
    }
    add("average pooling backward", multiplyAdds: 0, floats: pooled + pooled / 4) {
      withUnsafePointer(to: pool) { kernels.avgpool2d_backward($0, block, dY, dX) }
    }
    add("tanh", multiplyAdds: 0, floats: 2 * pooled) {
      kernels.activation_forward(pooled, CS_TANH, x, dX)
    }
    add("tanh backward", multiplyAdds: 0, floats: 3 * pooled) {
      kernels.activation_backward(pooled, CS_TANH, x, dX, dX)
    }
    add("ReLU backward", multiplyAdds: 0, floats: 3 * count) {
      kernels.activation_backward(count, CS_RELU, x, dX, dX)
    }
    let scratch = memory.take(24 * 24 * KernelBench.block)
    add("max pooling and ReLU backward", multiplyAdds: 0, floats: 2 * count + count / 4) {
      withUnsafePointer(to: wide) {
        kernels.maxpool2d_backward_delta($0, block, CS_RELU, dY, dX, scratch)
      }
    }
    add("average pooling and tanh backward", multiplyAdds: 0, floats: 2 * pooled + pooled / 4) {
      withUnsafePointer(to: pool) {
        kernels.avgpool2d_backward_delta($0, block, CS_TANH, dY, dX, scratch)
      }
    }
    let rule = cs_dropout(
      seed: (1, 2), step: 3, stream: 4, threshold: 1 << 30, scale: Float(4) / 3)
    add("dropout", multiplyAdds: 0, floats: count / 2) {
      withUnsafePointer(to: rule) { kernels.dropout(count / 4 / 16, block, $0, 0, y, dY) }
    }
    addLosses()
  }

  private func addLosses() {
    let kernels = kernels
    let (block, lanes) = (Int32(KernelBench.block), Int32(KernelBench.block))
    let (z, target, dZ) = (memory.take(160), memory.take(160), memory.take(160))
    let (loss, hit, outputs) = (memory.take(16), memory.take(16), memory.take(160))
    let labels = UnsafeMutableRawPointer(memory.take(4)).bindMemory(to: UInt8.self, capacity: 16)
    for index in 0..<16 { labels[index] = UInt8(index % 10) }
    add("softmax and cross-entropy, 10 classes", multiplyAdds: 0, floats: 320) {
      kernels.softmax_cross_entropy(10, block, lanes, z, labels, 1, dZ, loss, hit)
    }
    add("softmax, 10 classes", multiplyAdds: 0, floats: 320) {
      kernels.softmax(10, block, z, outputs)
    }
    add("logistic loss, 10 outputs", multiplyAdds: 0, floats: 480) {
      kernels.logistic_loss(10, block, lanes, z, target, 1, 0.1, 1, dZ, loss, hit)
    }
    add("squared error, 10 outputs", multiplyAdds: 0, floats: 480) {
      kernels.squared_error(10, block, lanes, z, target, 0.1, 1, dZ, loss, hit)
    }
  }

  /// Behind LeNet's first pooling.
  func addNormalization() {
    let kernels = kernels
    let (block, lanes) = (Int32(KernelBench.block), Int32(KernelBench.block))
    let (channels, pixels) = (Int32(6), Int32(144))
    let count = 6 * 144 * KernelBench.block
    let (x, y, dY, dX) = (
      memory.take(count), memory.take(count), memory.take(count), memory.take(count)
    )
    let c = (0..<5).map { _ in memory.take(6) }
    add("batch norm statistics", multiplyAdds: 0, floats: count) {
      kernels.batchnorm_statistics(channels, pixels, block, lanes, x, c[0], c[1])
    }
    add("batch norm apply", multiplyAdds: 0, floats: 2 * count) {
      kernels.batchnorm_apply(channels, pixels, block, 0, x, c[0], c[1], c[2], y)
    }
    add("batch norm backward sums", multiplyAdds: 0, floats: 2 * count) {
      kernels.batchnorm_backward_sums(
        channels, pixels, block, lanes, x, dY, c[0], c[1], nil, nil, c[2], c[3])
    }
    add("batch norm backward input", multiplyAdds: 0, floats: 3 * count) {
      kernels.batchnorm_backward_input(
        channels, pixels, block, lanes, x, dY, c[0], c[1], c[2], nil, c[3], c[4], dX)
    }
  }

  /// The optimisers' steps on as many weights as LeNet-5 has. The rates are 0: the weights stay as they are.
  func addUpdates() {
    let kernels = kernels
    let count = 44_426
    let (w, dW) = (memory.take(count), memory.take(count))
    let (m, v) = (memory.take(count), memory.take(count))
    for index in 0..<count { v[index] = v[index].magnitude }
    add("sgd", multiplyAdds: 0, floats: 3 * count) { kernels.sgd_update(count, 0, dW, w) }
    add("momentum", multiplyAdds: 0, floats: 5 * count) {
      kernels.momentum_update(count, 0, 0.9, 0, dW, m, w)
    }
    let rmsprop = cs_rmsprop(
      learningRate: 0, rho: 0.9, gradientShare: 0.1, momentum: 0, epsilon: 1e-7, isLegacy: 0)
    add("rmsprop", multiplyAdds: 0, floats: 5 * count) {
      withUnsafePointer(to: rmsprop) { kernels.rmsprop_update(count, $0, dW, v, nil, nil, w) }
    }
    let adam = cs_adam(rate: 0, gradientShare: 0.1, squareShare: 0.001, epsilon: 1e-7)
    add("adam", multiplyAdds: 0, floats: 7 * count) {
      withUnsafePointer(to: adam) { kernels.adam_update(count, $0, dW, m, v, w) }
    }
    let nadam = cs_nadam(
      momentumRate: 0, gradientRate: 0, gradientShare: 0.1, squareShare: 0.001, squareScale: 1,
      epsilon: 1e-7)
    add("nadam", multiplyAdds: 0, floats: 7 * count) {
      withUnsafePointer(to: nadam) { kernels.nadam_update(count, $0, dW, m, v, w) }
    }
    add("adagrad", multiplyAdds: 0, floats: 5 * count) {
      kernels.adagrad_update(count, 0, 1e-7, dW, v, w)
    }
    add("weight decay", multiplyAdds: 0, floats: 2 * count) { kernels.decay(count, 0, w) }
    add("sum of 8 partial gradients", multiplyAdds: 0, floats: 9 * 2_572) {
      kernels.sum_partials(2_572, 8, dW, 2_576, 0, w)
    }
  }

  /// Sixteen networks 10 deep and 2 wide, a mini-batch of 64 samples.
  func addLanes() {
    let kernels = kernels
    let shape = cs_lane_networks(width: 2, depth: 10, hiddenSlope: 0, outputSlope: 0)
    let (samples, weights) = (64, 2 * 2 + 9 * 6 + 3)
    let values = samples * 21 * KernelBench.block
    let (x, target) = (memory.take(samples), memory.take(samples))
    let (w, dW) = (memory.take(weights * 16), memory.take(weights * 16))
    let (y, loss) = (memory.take(values), memory.take(16))
    let perSample = (2 + 9 * 4 + 2) * 16
    add("lanes forward", multiplyAdds: perSample * samples, floats: values) {
      withUnsafePointer(to: shape) { kernels.lanes_forward($0, Int32(samples), x, w, y) }
    }
    add("lanes backward", multiplyAdds: (2 * perSample - 32) * samples, floats: 2 * values) {
      withUnsafePointer(to: shape) {
        kernels.lanes_backward($0, Int32(samples), x, target, 1 / 64, w, y, 0, dW, loss)
      }
    }
  }
}
