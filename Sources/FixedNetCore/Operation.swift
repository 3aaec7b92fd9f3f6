import CSupport

/// One operation of a program: the extents, constants and slots of a layer, ready to run.
///
/// A forward pass calls, in program order, `forward` for every block; the backward pass calls `backward` in
/// reverse order; at the end of a training step `update` runs once per thread. An operation that couples the
/// images of a batch is entered twice: `gather...` for every block, then, when all threads have met,
/// `combine...` once per thread, and then its `forward` or `backward`.
public enum Operation: BitwiseCopyable, Sendable {
  case convolution(ConvolutionOperation)
  case dense(DenseOperation)
  case pooling(PoolingOperation)
  case activation(ActivationOperation)
  case rectifier(RectifierOperation)
  case rescaling(RescalingOperation)
  case normalization(NormalizationOperation)
  case dropout(DropoutOperation)
  case softmax(SoftmaxOperation)
  case batchNormalization(BatchNormalizationOperation)
  case batchNormalizationInference(BatchNormalizationInferenceOperation)
  case crossEntropy(CrossEntropyOperation)
  case squaredError(SquaredErrorOperation)
  case logisticLoss(LogisticLossOperation)

  /// Whether the team must meet between `gather...` and `forward` or `backward`.
  var couplesBatch: Bool {
    if case .batchNormalization = self { true } else { false }
  }

  /// The same on the way back.
  var couplesGradients: Bool {
    if case .batchNormalization(let operation) = self { operation.gradient != nil } else { false }
  }

  /// Once per thread before the first block of a run.
  func prepare(_ c: BatchContext) {
    switch self {
    case .convolution(let operation): operation.prepare(c)
    case .batchNormalizationInference(let operation): operation.prepare(c)
    default: break
    }
  }

  func gatherForward(_ c: BlockContext) {
    if case .batchNormalization(let operation) = self { operation.gatherForward(c) }
  }

  func combineForward(_ c: BatchContext) {
    if case .batchNormalization(let operation) = self { operation.combineForward(c) }
  }

  func forward(_ c: BlockContext) {
    switch self {
    case .convolution(let operation): operation.forward(c)
    case .dense(let operation): operation.forward(c)
    case .pooling(let operation): operation.forward(c)
    case .activation(let operation): operation.forward(c)
    case .rectifier(let operation): operation.forward(c)
    case .rescaling(let operation): operation.forward(c)
    case .normalization(let operation): operation.forward(c)
    case .dropout(let operation): operation.forward(c)
    case .softmax(let operation): operation.forward(c)
    case .batchNormalization(let operation): operation.forward(c)
    case .batchNormalizationInference(let operation): operation.forward(c)
    case .crossEntropy(let operation): operation.forward(c)
    case .squaredError(let operation): operation.forward(c)
    case .logisticLoss(let operation): operation.forward(c)
    }
  }

  /// R-operator: the derivative of `forward`, or of a loss's gradient, along the directions of the parameters.
  func forwardTangent(_ c: BlockContext) {
    switch self {
    case .dense(let operation): operation.forwardTangent(c)
    case .crossEntropy(let operation): operation.tangent(c)
    case .squaredError(let operation): operation.tangent(c)
    case .logisticLoss(let operation): operation.tangent(c)
    default: break
    }
  }

  /// R-operator: the derivative of `backward`.
  func backwardTangent(_ c: BlockContext) {
    if case .dense(let operation) = self { operation.backwardTangent(c) }
  }

  /// R-operator: one thread's share of the products with the Hessian.
  func multiply(_ c: BatchContext) {
    if case .dense(let operation) = self { operation.multiply(c) }
  }

  func gatherBackward(_ c: BlockContext) {
    if case .batchNormalization(let operation) = self { operation.gatherBackward(c) }
  }

  func combineBackward(_ c: BatchContext) {
    if case .batchNormalization(let operation) = self { operation.combineBackward(c) }
  }

  func backward(_ c: BlockContext) {
    switch self {
    case .convolution(let operation): operation.backward(c)
    case .dense(let operation): operation.backward(c)
    case .pooling(let operation): operation.backward(c)
    case .activation(let operation): operation.backward(c)
    case .rectifier(let operation): operation.backward(c)
    case .rescaling(let operation): operation.backward(c)
    case .normalization(let operation): operation.backward(c)
    case .dropout(let operation): operation.backward(c)
    case .softmax(let operation): operation.backward(c)
    case .batchNormalization(let operation): operation.backward(c)
    case .batchNormalizationInference(let operation): operation.backward(c)
    case .crossEntropy, .squaredError, .logisticLoss: break
    }
  }

  /// Full batches: the gradients over a stripe of blocks whose backward pass is done.
  func sumStripe(_ blocks: Range<Int>, _ c: BatchContext) {
    if case .dense(let operation) = self { operation.sumStripe(blocks, c) }
  }

  /// The gradients of the operation's parameters over the whole batch, and the optimiser's step, for one
  /// thread's share.
  func update(_ c: BatchContext) {
    switch self {
    case .convolution(let operation): operation.update(c)
    case .dense(let operation): operation.update(c)
    case .batchNormalization(let operation): operation.update(c)
    default: break
    }
  }
}
