import CSupport

/// The slots of a loss's R-operator.
package struct LossTangent: BitwiseCopyable, Sendable {
  /// R{z} (or R{y} where the loss is on the outputs).
  package var input: BlockSlot
  /// R{dz}
  package var gradient: BlockSlot
  /// Values of one block.
  package var scratch: ThreadSlot

  package init(input: BlockSlot, gradient: BlockSlot, scratch: ThreadSlot) {
    self.input = input
    self.gradient = gradient
    self.scratch = scratch
  }
}

/// L = -log softmax(z)[label], the mean over the batch, computed on the logits so that it is finite and exact
/// where the probabilities saturate. dL/dz = (softmax(z) - onehot(label)) / images.
///
/// Shapes: logits [classes][B] per block; labels, losses and hits one per image.
package struct CrossEntropyOperation: OperationDescription {
  package var classCount: Int32
  package var logits: BlockSlot
  /// The block's 16 labels, gathered from the data set: a byte each, of more than 256 classes two.
  package var labels: BlockSlot
  /// nil where only the loss is wanted.
  package var gradient: BlockSlot?
  /// R-operator; nil in a plan of first order.
  package var tangent: LossTangent?

  package static func operation(at place: UnsafePointer<CrossEntropyOperation>) -> Operation {
    .crossEntropy(place)
  }

  package init(classCount: Int32, logits: BlockSlot, labels: BlockSlot, gradient: BlockSlot?) {
    self.classCount = classCount
    self.logits = logits
    self.labels = labels
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    guard c.hasTargets, let losses = c.losses, let hits = c.hits else { return }
    let labels = UnsafeRawPointer(c(labels))
    c.kernels.pointee.softmax_cross_entropy(
      classCount, c.blockSize, c.lanes, c(logits), labels, c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
    c.weigh(classCount, gradient)
  }

  /// R{dz} = scale p (R{z} - sum_k p_k R{z_k}).
  func tangent(_ c: BlockContext) {
    guard let tangent else { return }
    let kernels = c.kernels.pointee
    let (scratch, rdz) = (c(tangent.scratch), c(tangent.gradient))
    kernels.softmax(classCount, c.blockSize, c(logits), scratch)
    kernels.softmax_backward(classCount, c.blockSize, scratch, c(tangent.input), rdz)
    kernels.affine(Int(classCount) * Int(c.blockSize), c.gradientScale, 0, rdz, rdz)
    c.weigh(classCount, gradient: rdz)
  }
}

/// L = weight sum_k (y_k - t_k)^2, the mean over the batch; weight = 1 / outputs is Keras' mean squared error.
///
/// Shapes: y, t [outputs][B] per block.
package struct SquaredErrorOperation: OperationDescription {
  package var outputCount: Int32
  package var weight: Float
  package var outputs: BlockSlot
  package var targets: BlockSlot
  /// nil where only the loss is wanted.
  package var gradient: BlockSlot?
  /// R-operator; nil in a plan of first order.
  package var tangent: LossTangent?

  package static func operation(at place: UnsafePointer<SquaredErrorOperation>) -> Operation {
    .squaredError(place)
  }

  package init(
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
    c.weigh(outputCount, gradient)
  }

  /// R{dy} = 2 weight scale R{y}.
  func tangent(_ c: BlockContext) {
    guard let tangent else { return }
    c.kernels.pointee.affine(
      Int(outputCount) * Int(c.blockSize), 2 * weight * c.gradientScale, 0, c(tangent.input),
      c(tangent.gradient))
    c.weigh(outputCount, gradient: c(tangent.gradient))
  }
}

/// L = -weight sum_k (t_k log h_k + (1 - t_k) log(1 - h_k)) with h = sigmoid(slope z), the mean over the batch, computed
/// on the logits z. weight = 1 / outputs is Keras' binary cross-entropy; slope 2 belongs to the scaled sigmoid.
///
/// Shapes: z, t [outputs][B] per block.
package struct LogisticLossOperation: OperationDescription {
  package var outputCount: Int32
  package var slope: Float
  package var weight: Float
  package var logits: BlockSlot
  package var targets: BlockSlot
  /// nil where only the loss is wanted.
  package var gradient: BlockSlot?
  /// R-operator; nil in a plan of first order.
  package var tangent: LossTangent?
  /// What dL/dz is multiplied by besides: 1, unless a study wants another gradient.
  package var gradientFactor: Float = 1

  package static func operation(at place: UnsafePointer<LogisticLossOperation>) -> Operation {
    .logisticLoss(place)
  }

  package init(
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
      outputCount, c.blockSize, c.lanes, c(logits), c(targets), slope, weight,
      c.gradientScale * gradientFactor, gradient.map { c($0) }, losses + c.firstImage,
      hits + c.firstImage)
    c.weigh(outputCount, gradient)
  }

  /// R{dz} = weight scale slope R{h}, R{h} = h' R{z}.
  func tangent(_ c: BlockContext) {
    guard let tangent else { return }
    let kernels = c.kernels.pointee
    let count = Int(outputCount) * Int(c.blockSize)
    let (scratch, rdz) = (c(tangent.scratch), c(tangent.gradient))
    let activation = slope == 1 ? CS_SIGMOID : CS_SCALED_SIGMOID
    kernels.activation_forward(count, activation, c(logits), scratch)
    kernels.activation_backward(count, activation, scratch, c(tangent.input), rdz)
    kernels.affine(count, weight * c.gradientScale * slope * gradientFactor, 0, rdz, rdz)
    c.weigh(outputCount, gradient: rdz)
  }
}

/// The other losses: of every output by itself, or of the outputs together; see `cs_loss_kind`. The mean over the batch.
///
/// Shapes: y, t [outputs][B] per block.
package struct OutputLossOperation: OperationDescription {
  package var outputCount: Int32
  package var loss: cs_loss
  /// Targets that are all 0 or 1 in a mini-batch stand for -1 and 1.
  package var convertsBinaryTargets: Bool
  package var outputs: BlockSlot
  package var targets: BlockSlot
  /// nil where only the loss is wanted.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<OutputLossOperation>) -> Operation {
    .outputLoss(place)
  }

  package init(
    outputCount: Int32, loss: cs_loss, convertsBinaryTargets: Bool, outputs: BlockSlot,
    targets: BlockSlot, gradient: BlockSlot?
  ) {
    self.outputCount = outputCount
    self.loss = loss
    self.convertsBinaryTargets = convertsBinaryTargets
    self.outputs = outputs
    self.targets = targets
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    guard c.hasTargets, let losses = c.losses, let hits = c.hits else { return }
    var loss = loss
    if convertsBinaryTargets, c.targetsAreBinary { (loss.targetScale, loss.targetOffset) = (2, -1) }
    let isJoint = loss.kind.rawValue >= CS_SOFTMAX_CROSS_ENTROPY.rawValue
    let kernel = isJoint ? c.kernels.pointee.class_loss : c.kernels.pointee.output_loss
    kernel(
      &loss, outputCount, c.blockSize, c.lanes, c(outputs), c(targets), c.gradientScale,
      gradient.map { c($0) }, losses + c.firstImage, hits + c.firstImage)
    c.weigh(outputCount, gradient)
  }
}

extension BlockContext {
  /// Multiplies losses and gradients of the block's images by their weights, where they have some.
  func weigh(_ outputCount: Int32, _ gradient: BlockSlot?) {
    weigh(outputCount, gradient: gradient.map { self($0) }, losses: losses)
  }

  func weigh(
    _ outputCount: Int32, gradient: UnsafeMutablePointer<Float>?,
    losses: UnsafeMutablePointer<Float>? = nil
  ) {
    guard let imageWeights else { return }
    kernels.pointee.weigh_images(
      outputCount, blockSize, lanes, imageWeights + firstImage, gradient,
      losses.map { $0 + firstImage })
  }
}
