import CSupport

/// L = -log softmax(z)[label], the mean over the batch, computed on the logits so that it is finite and exact
/// where the probabilities saturate. dL/dz = (softmax(z) - onehot(label)) / images.
///
/// Shapes: logits [classes][B] per block; labels, losses and hits one per image.
public struct CrossEntropyOperation: BitwiseCopyable, Sendable {
  public var classCount: Int32
  public var logits: BlockSlot
  /// The block's 16 labels, gathered from the data set. Units: bytes.
  public var labels: BlockSlot
  /// nil where only the loss is wanted.
  public var gradient: BlockSlot?

  public init(classCount: Int32, logits: BlockSlot, labels: BlockSlot, gradient: BlockSlot?) {
    self.classCount = classCount
    self.logits = logits
    self.labels = labels
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    guard c.hasTargets, let losses = c.losses, let hits = c.hits else { return }
    let labels = UnsafeRawPointer(c(labels)).assumingMemoryBound(to: UInt8.self)
    c.kernels.pointee.softmax_cross_entropy(
      classCount, c.blockSize, c.lanes, c(logits), labels, c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
  }
}

/// L = weight sum_k (y_k - t_k)^2, the mean over the batch; weight = 1 / outputs is Keras' mean squared error.
///
/// Shapes: y, t [outputs][B] per block.
public struct SquaredErrorOperation: BitwiseCopyable, Sendable {
  public var outputCount: Int32
  public var weight: Float
  public var outputs: BlockSlot
  public var targets: BlockSlot
  /// nil where only the loss is wanted.
  public var gradient: BlockSlot?

  public init(
    outputCount: Int32, weight: Float, outputs: BlockSlot, targets: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.outputCount = outputCount
    self.weight = weight
    self.outputs = outputs
    self.targets = targets
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    guard c.hasTargets, let losses = c.losses, let hits = c.hits else { return }
    c.kernels.pointee.squared_error(
      outputCount, c.blockSize, c.lanes, c(outputs), c(targets), weight, c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
  }
}

/// L = -weight sum_k (t_k log h_k + (1 - t_k) log(1 - h_k)) with h = sigmoid(slope z), the mean over the batch, computed
/// on the logits z. weight = 1 / outputs is Keras' binary cross-entropy; slope 2 belongs to the scaled sigmoid.
///
/// Shapes: z, t [outputs][B] per block.
public struct LogisticLossOperation: BitwiseCopyable, Sendable {
  public var outputCount: Int32
  public var slope: Float
  public var weight: Float
  public var logits: BlockSlot
  public var targets: BlockSlot
  /// nil where only the loss is wanted.
  public var gradient: BlockSlot?

  public init(
    outputCount: Int32, slope: Float, weight: Float, logits: BlockSlot, targets: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.outputCount = outputCount
    self.slope = slope
    self.weight = weight
    self.logits = logits
    self.targets = targets
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    guard c.hasTargets, let losses = c.losses, let hits = c.hits else { return }
    c.kernels.pointee.logistic_loss(
      outputCount, c.blockSize, c.lanes, c(logits), c(targets), slope, weight, c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
  }
}
