import CSupport

/// How much work an operation is for one block, and whether several threads can do it together. Known when the network is
/// planned: what is cut depends on nothing else.
public struct BlockWork: Equatable, Sendable {
  /// About how many vectors of 16 numbers are multiplied and added, or as long as that takes.
  public var cost: Int
  public var isDivisible: Bool

  public init(cost: Int, isDivisible: Bool) {
    self.cost = cost
    self.isDivisible = isDivisible
  }

  /// Next to no work, which one thread does.
  public static let whole = BlockWork(cost: 0, isDivisible: false)

  /// What a meeting of the threads takes, as a `cost`: about a sixth of a microsecond.
  public static let meetingCost = 1000

  /// Whether the threads that share a block do it together: half of the work is more than the meeting.
  public var isCut: Bool { isDivisible && cost >= 2 * BlockWork.meetingCost }

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
  public func forwardWork(blockSize: Int) -> BlockWork {
    switch self {
    case .convolution(let operation): operation.pointee.work(blockSize, passes: 1)
    case .dense(let operation):
      BlockWork(
        cost: vectors(operation.pointee.inputCount * operation.pointee.outputCount, blockSize),
        isDivisible: true)
    case .pooling(let operation): operation.pointee.work(blockSize)
    case .batchNormalization(let operation):
      BlockWork(
        cost: 2 * vectors(operation.pointee.channels * operation.pointee.pixels, blockSize),
        isDivisible: true)
    case .batchNormalizationInference(let operation):
      BlockWork(
        cost: 2 * vectors(operation.pointee.channels * operation.pointee.pixels, blockSize),
        isDivisible: true)
    case .normalization(let operation):
      BlockWork(
        cost: 2 * vectors(Int(operation.pointee.channels * operation.pointee.pixels), blockSize),
        isDivisible: true)
    case .activation(let operation): elements(operation.pointee.count, blockSize, each: 8)
    case .function(let operation): elements(operation.pointee.count, blockSize, each: 8)
    case .rectifier(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .rescaling(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .copy(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .gather(let operation): elements(operation.pointee.outputCount, blockSize, each: 4)
    case .transposedConvolution, .depthwise, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .crossEntropy, .squaredError, .logisticLoss,
      .outputLoss, .gradientSum, .merge:
      .whole
    }
  }

  /// Of `backward`, and of what it gathers before.
  public func backwardWork(blockSize: Int) -> BlockWork {
    switch self {
    case .convolution(let operation): operation.pointee.work(blockSize, passes: 2)
    case .gradientSum(let operation): elements(operation.pointee.count, blockSize, each: 2)
    case .gather(let operation):
      BlockWork(cost: 4 * vectors(operation.pointee.outputCount, blockSize), isDivisible: false)
    case .dense, .pooling, .batchNormalization, .batchNormalizationInference, .normalization,
      .activation, .function, .rectifier, .rescaling, .copy:
      forwardWork(blockSize: blockSize)
    case .transposedConvolution, .depthwise, .dropout, .spatialDropout, .gaussianNoise, .softmax,
      .columnSoftmax, .layerNormalization, .prelu, .crossEntropy, .squaredError, .logisticLoss,
      .outputLoss, .merge:
      .whole
    }
  }

  /// Vectors of 16 numbers, where there are `count` for each image.
  private func vectors(_ count: Int, _ blockSize: Int) -> Int { count * blockSize / 16 }

  /// An operation that works on one number at a time, each as long as `each` multiply-adds.
  private func elements(_ count: Int, _ blockSize: Int, each: Int) -> BlockWork {
    BlockWork(cost: each * vectors(count, blockSize), isDivisible: true)
  }
}

extension ConvolutionOperation {
  /// Winograd's kernels, and the spread weights of a dilated kernel, are one thread's.
  fileprivate func work(_ blockSize: Int, passes: Int) -> BlockWork {
    let taps = groupExtents.weight / Int(shape.outChannels)
    return BlockWork(
      cost: passes * outputCount * taps * blockSize / 16,
      isDivisible: transformedWeight == nil && dilation == nil)
  }
}

extension PoolingOperation {
  fileprivate func work(_ blockSize: Int) -> BlockWork {
    let outputs = Int(shape.channels) * Int(shape.outHeight) * Int(shape.outWidth)
    return BlockWork(
      cost: outputs * Int(shape.poolHeight) * Int(shape.poolWidth) * blockSize / 8,
      isDivisible: delta?.recomputed?.transformedWeight == nil
        && delta?.recomputed?.dilation == nil)
  }
}
