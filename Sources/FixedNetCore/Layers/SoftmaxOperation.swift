import CSupport

/// p_i = exp(z_i) / sum_j exp(z_j) over the features of each image.
///
/// Shapes: z, p [classes][B] per block.
public struct SoftmaxOperation: BitwiseCopyable, Sendable {
  public var classCount: Int32
  public var input: BlockSlot
  public var output: BlockSlot
  /// dP on entry, dZ afterwards.
  public var gradient: BlockSlot?

  public init(classCount: Int32, input: BlockSlot, output: BlockSlot, gradient: BlockSlot?) {
    self.classCount = classCount
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    c.kernels.pointee.softmax(classCount, c.blockSize, c(input), c(output))
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    c.kernels.pointee.softmax_backward(
      classCount, c.blockSize, c(output), c(gradient), c(gradient))
  }
}

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
    guard c.labels != nil, let losses = c.losses, let hits = c.hits else { return }
    let labels = UnsafeRawPointer(c(labels)).assumingMemoryBound(to: UInt8.self)
    c.kernels.pointee.softmax_cross_entropy(
      classCount, c.blockSize, c.lanes, c(logits), labels, c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
  }
}
