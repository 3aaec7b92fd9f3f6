import CSupport

/// How much work an operation is for one block, and whether several threads can do it together. Known when the network is
/// planned: what is cut depends on nothing else.
package struct BlockWork: Equatable, Sendable {
  /// About how many vectors of 16 numbers are multiplied and added, or as long as that takes.
  package var cost: Int
  /// Into how many parts of about the same size it can be cut at most; 1: one thread does it.
  package var slices: Int

  package init(cost: Int, slices: Int) {
    self.cost = cost
    self.slices = max(1, slices)
  }

  /// What one thread does, whatever it costs.
  package static let whole = BlockWork(cost: 0, slices: 1)

  /// What a meeting of the threads takes with what they then read out of each other's caches, as a `cost`: somewhat more
  /// than half a microsecond.
  package static let meetingCost = 2000

  /// Whether the threads that share a block do it together: half of the work is well more than the meeting.
  package var isCut: Bool { slices > 1 && cost >= 4 * BlockWork.meetingCost }

  /// Whether two threads are well faster than one with all operations of a block.
  static func isShared(
    _ operations: UnsafeBufferPointer<Operation>, forwardCount: Int,
    _ steps: UnsafeBufferPointer<BackwardStep>, blockSize: Int
  ) -> Bool {
    var (alone, together) = (0, 0)
    func add(_ work: BlockWork) {
      alone += work.cost
      together += work.isCut ? work.cost / 2 + meetingCost : work.cost
    }
    for operation in operations[..<forwardCount] {
      add(operation.forwardWork(blockSize: blockSize))
    }
    for step in steps {
      let operation = operations[step.operation]
      add(
        step.isAgain
          ? operation.forwardWork(blockSize: blockSize)
          : operation.backwardWork(blockSize: blockSize))
    }
    return alone * 10 >= together * 13
  }
}

extension Operation {
  /// Of `forward`, and of what it gathers before.
  package func forwardWork(blockSize: Int) -> BlockWork {
    switch self {
    case .convolution(let operation): operation.pointee.forwardWork(blockSize)
    case .depthwise(let operation): operation.pointee.work(blockSize, passes: 1)
    case .dense(let operation): operation.pointee.forwardWork(blockSize)
    case .pooling(let operation): operation.pointee.work(blockSize, reads: 1)
    case .batchNormalization(let operation):
      channels(operation.pointee.channels, operation.pointee.pixels, blockSize)
    case .batchNormalizationInference(let operation):
      channels(operation.pointee.channels, operation.pointee.pixels, blockSize)
    case .normalization(let operation):
      channels(Int(operation.pointee.channels), Int(operation.pointee.pixels), blockSize)
    case .activation(let operation): elements(operation.pointee.count, blockSize, each: 8)
    case .function(let operation): elements(operation.pointee.count, blockSize, each: 8)
    case .rectifier(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .rescaling(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .copy(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .gather(let operation):
      BlockWork(
        cost: 4 * vectors(operation.pointee.outputCount, blockSize),
        slices: operation.pointee.outputCount)
    case .transposedConvolution, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .crossEntropy, .squaredError, .logisticLoss,
      .outputLoss, .gradientSum, .merge, .input:
      .whole
    }
  }

  /// Of `backward`, and of what it gathers before.
  package func backwardWork(blockSize: Int) -> BlockWork {
    switch self {
    case .convolution(let operation): operation.pointee.backwardWork(blockSize)
    case .depthwise(let operation): operation.pointee.work(blockSize, passes: 2)
    case .dense(let operation): operation.pointee.backwardWork(blockSize)
    case .pooling(let operation): operation.pointee.backwardWork(blockSize)
    case .gradientSum(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .gather(let operation):
      BlockWork(cost: 4 * vectors(operation.pointee.outputCount, blockSize), slices: 1)
    case .batchNormalization, .batchNormalizationInference, .normalization, .activation,
      .function, .rectifier, .rescaling, .copy:
      forwardWork(blockSize: blockSize)
    case .transposedConvolution, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .crossEntropy, .squaredError, .logisticLoss,
      .outputLoss, .merge, .input:
      .whole
    }
  }

  /// An operation that works on one number at a time, each as long as `each` multiply-adds.
  private func elements(_ count: Int, _ blockSize: Int, each: Int) -> BlockWork {
    BlockWork(cost: each * vectors(count, blockSize), slices: vectors(count, blockSize))
  }

  /// One that normalises channels.
  private func channels(_ channels: Int, _ pixels: Int, _ blockSize: Int) -> BlockWork {
    BlockWork(cost: 2 * vectors(channels * pixels, blockSize), slices: channels)
  }
}

/// Vectors of 16 numbers, where there are `count` for each image.
private func vectors(_ count: Int, _ blockSize: Int) -> Int { count * blockSize / 16 }

extension ConvolutionOperation {
  private func product(_ blockSize: Int) -> Int {
    let taps = groupExtents.weight / Int(shape.outChannels)
    return vectors(outputCount * taps, blockSize)
  }

  fileprivate func forwardWork(_ blockSize: Int) -> BlockWork {
    let pixels = Int(shape.outHeight) * Int(shape.outWidth)
    // A slice of pixels has several of them, a slice of one image several rows.
    let slices = max(Int(shape.outChannels), blockSize > 1 ? pixels / 16 : Int(shape.outHeight))
    return BlockWork(cost: product(blockSize), slices: dilation == nil ? slices : 1)
  }

  /// What is smallest cuts it: the channels or taps of dW, the rows of dX, and in Winograd's kernels 16 input channels.
  fileprivate func backwardWork(_ blockSize: Int) -> BlockWork {
    guard let training else { return .whole }
    let hasWeights = training.weight != nil && training.pieces == nil
    let passes = (hasWeights ? 1 : 0) + (training.inputGradient == nil ? 0 : 1)
    var slices = Int(shape.inHeight)
    if transformedWeight != nil {
      slices = (Int(shape.inChannels) + 15) / 16
    } else if hasWeights {
      let rows = blockSize > 1 ? filters : groupExtents.weight / Int(shape.outChannels)
      slices = training.inputGradient == nil ? rows : min(slices, rows)
    }
    return BlockWork(cost: passes * product(blockSize), slices: dilation == nil ? slices : 1)
  }
}

extension DepthwiseOperation {
  /// A number is read for one product, where a convolution reads it for many. Of one image the weights of a channel do not
  /// lie side by side.
  fileprivate func work(_ blockSize: Int, passes: Int) -> BlockWork {
    let taps = Int(shape.kernelHeight) * Int(shape.kernelWidth)
    return BlockWork(
      cost: passes * 2 * taps * vectors(outputCount, blockSize),
      slices: blockSize > 1 ? Int(shape.channels) : 1)
  }
}

extension DenseOperation {
  fileprivate func forwardWork(_ blockSize: Int) -> BlockWork {
    BlockWork(
      cost: vectors(inputCount * outputCount, blockSize),
      slices: blockSize > 1 ? outputCount : outputCount / 16)
  }

  /// Of dX: dW is the update's.
  fileprivate func backwardWork(_ blockSize: Int) -> BlockWork {
    guard training?.inputGradient != nil else {
      return BlockWork(cost: 4 * vectors(outputCount, blockSize), slices: 1)
    }
    return BlockWork(cost: vectors(inputCount * outputCount, blockSize), slices: inputCount)
  }
}

extension PoolingOperation {
  /// `reads`: how often a window is gone through.
  fileprivate func work(_ blockSize: Int, reads: Int) -> BlockWork {
    let outputs = Int(shape.channels) * Int(shape.outHeight) * Int(shape.outWidth)
    let window = Int(shape.poolHeight) * Int(shape.poolWidth)
    return BlockWork(
      cost: reads * 2 * vectors(outputs * window, blockSize), slices: Int(shape.channels))
  }

  /// With the convolution before it, where the pooling computes that once more.
  fileprivate func backwardWork(_ blockSize: Int) -> BlockWork {
    var own = work(blockSize, reads: 2)
    guard let recomputed = delta?.recomputed else { return own }
    let again = recomputed.forwardWork(blockSize)
    own.cost += again.cost
    own.slices = again.slices > 1 ? own.slices : 1
    return own
  }
}
