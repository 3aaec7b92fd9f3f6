import CSupport

/// The extents, constants and slots of a layer: what a plan describes and a program runs.
package protocol OperationDescription: BitwiseCopyable, Sendable {
  /// The operation that reads them at `place`, where they stay as long as the program runs.
  static func operation(at place: UnsafePointer<Self>) -> Operation
}

/// One operation of a program, ready to run. Some have many slots and are called twice for each block, so they are read
/// where they are.
///
/// A forward pass calls, in program order, `forward` for every block; the backward pass calls `backward` in
/// reverse order; at the end of a training step `update` runs once per thread. An operation that couples the
/// images of a batch is entered twice: `gather...` for every block, then, when all threads have met,
/// `combine...` once per thread, and then its `forward` or `backward`.
package enum Operation: BitwiseCopyable {
  case convolution(UnsafePointer<ConvolutionOperation>)
  case transposedConvolution(UnsafePointer<TransposedConvolutionOperation>)
  case depthwise(UnsafePointer<DepthwiseOperation>)
  case dense(UnsafePointer<DenseOperation>)
  case pooling(UnsafePointer<PoolingOperation>)
  case activation(UnsafePointer<ActivationOperation>)
  case rectifier(UnsafePointer<RectifierOperation>)
  case rescaling(UnsafePointer<RescalingOperation>)
  case normalization(UnsafePointer<NormalizationOperation>)
  case dropout(UnsafePointer<DropoutOperation>)
  case spatialDropout(UnsafePointer<SpatialDropoutOperation>)
  case gaussianNoise(UnsafePointer<GaussianNoiseOperation>)
  case softmax(UnsafePointer<SoftmaxOperation>)
  case columnSoftmax(UnsafePointer<ColumnSoftmaxOperation>)
  case layerNormalization(UnsafePointer<LayerNormalizationOperation>)
  case prelu(UnsafePointer<PReLUOperation>)
  case batchNormalization(UnsafePointer<BatchNormalizationOperation>)
  case batchNormalizationInference(UnsafePointer<BatchNormalizationInferenceOperation>)
  case crossEntropy(UnsafePointer<CrossEntropyOperation>)
  case squaredError(UnsafePointer<SquaredErrorOperation>)
  case logisticLoss(UnsafePointer<LogisticLossOperation>)
  case outputLoss(UnsafePointer<OutputLossOperation>)
  case function(UnsafePointer<FunctionOperation>)
  case gradientSum(UnsafePointer<GradientSumOperation>)
  case merge(UnsafePointer<MergeOperation>)
  case gather(UnsafePointer<GatherOperation>)
  case copy(UnsafePointer<CopyOperation>)
  case input(UnsafePointer<InputOperation>)

  /// Whether the team must meet between `gather...` and `forward` or `backward`.
  var couplesBatch: Bool {
    if case .batchNormalization = self { true } else { false }
  }

  /// The same on the way back.
  var couplesGradients: Bool {
    if case .batchNormalization(let operation) = self {
      operation.pointee.gradient != nil
    } else {
      false
    }
  }

  /// Once per thread before the first block of a run.
  func prepare(_ c: BatchContext) {
    switch self {
    case .convolution(let operation): operation.pointee.prepare(c)
    case .depthwise(let operation): operation.pointee.normalization?.prepare(c)
    case .dense(let operation): operation.pointee.normalization?.prepare(c)
    case .batchNormalizationInference(let operation): operation.pointee.prepare(c)
    case .columnSoftmax, .layerNormalization, .prelu, .transposedConvolution,
      .pooling, .activation, .function, .rectifier,
      .rescaling,
      .normalization, .dropout,
      .spatialDropout, .gaussianNoise, .softmax,
      .batchNormalization, .crossEntropy, .squaredError, .logisticLoss, .outputLoss, .gradientSum,
      .merge, .gather, .copy, .input:
      break
    }
  }

  func gatherForward(_ c: BlockContext) {
    if case .batchNormalization(let operation) = self { operation.pointee.gatherForward(c) }
  }

  func combineForward(_ c: BatchContext) {
    if case .batchNormalization(let operation) = self { operation.pointee.combineForward(c) }
  }

  func forward(_ c: BlockContext) {
    switch self {
    case .convolution(let operation): operation.forward(c)
    case .transposedConvolution(let operation): operation.pointee.forward(c)
    case .depthwise(let operation): operation.pointee.forward(c)
    case .dense(let operation): operation.forward(c)
    case .pooling(let operation): operation.forward(c)
    case .activation(let operation): operation.pointee.forward(c)
    case .rectifier(let operation): operation.pointee.forward(c)
    case .function(let operation): operation.pointee.forward(c)
    case .rescaling(let operation): operation.pointee.forward(c)
    case .normalization(let operation): operation.pointee.forward(c)
    case .dropout(let operation): operation.pointee.forward(c)
    case .spatialDropout(let operation): operation.pointee.forward(c)
    case .gaussianNoise(let operation): operation.pointee.forward(c)
    case .softmax(let operation): operation.pointee.forward(c)
    case .columnSoftmax(let operation): operation.pointee.forward(c)
    case .layerNormalization(let operation): operation.pointee.forward(c)
    case .prelu(let operation): operation.pointee.forward(c)
    case .batchNormalization(let operation): operation.pointee.forward(c)
    case .batchNormalizationInference(let operation): operation.pointee.forward(c)
    case .crossEntropy(let operation): operation.pointee.forward(c)
    case .squaredError(let operation): operation.pointee.forward(c)
    case .logisticLoss(let operation): operation.pointee.forward(c)
    case .outputLoss(let operation): operation.pointee.forward(c)
    case .merge(let operation): operation.pointee.forward(c)
    case .gather(let operation): operation.pointee.forward(c)
    case .copy(let operation): operation.pointee.forward(c)
    // The run's: it knows where the data set is.
    case .input: break
    case .gradientSum: break
    }
  }

  /// R-operator: the derivative of `forward`, or of a loss's gradient, along the directions of the parameters.
  func forwardTangent(_ c: BlockContext) {
    switch self {
    case .dense(let operation): operation.pointee.forwardTangent(c)
    case .crossEntropy(let operation): operation.pointee.tangent(c)
    case .squaredError(let operation): operation.pointee.tangent(c)
    case .logisticLoss(let operation): operation.pointee.tangent(c)
    // A plan of second order has no others.
    case .columnSoftmax, .layerNormalization, .prelu, .convolution, .transposedConvolution,
      .depthwise, .pooling, .activation, .function,
      .rectifier,
      .rescaling, .normalization,
      .dropout, .spatialDropout, .gaussianNoise, .softmax, .batchNormalization,
      .batchNormalizationInference, .outputLoss, .gradientSum, .merge, .gather, .copy, .input:
      break
    }
  }

  /// R-operator: the derivative of `backward`.
  func backwardTangent(_ c: BlockContext) {
    if case .dense(let operation) = self { operation.pointee.backwardTangent(c) }
  }

  /// R-operator: one thread's share of the products with the Hessian.
  func multiply(_ c: BatchContext) {
    if case .dense(let operation) = self { operation.pointee.multiply(c) }
  }

  func gatherBackward(_ c: BlockContext) {
    if case .batchNormalization(let operation) = self { operation.pointee.gatherBackward(c) }
  }

  func combineBackward(_ c: BatchContext) {
    if case .batchNormalization(let operation) = self { operation.pointee.combineBackward(c) }
  }

  func backward(_ c: BlockContext) {
    switch self {
    case .convolution(let operation): operation.backward(c)
    case .transposedConvolution(let operation): operation.pointee.backward(c)
    case .depthwise(let operation): operation.pointee.backward(c)
    case .dense(let operation): operation.backward(c)
    case .pooling(let operation): operation.backward(c)
    case .activation(let operation): operation.pointee.backward(c)
    case .rectifier(let operation): operation.pointee.backward(c)
    case .function(let operation): operation.pointee.backward(c)
    case .rescaling(let operation): operation.pointee.backward(c)
    case .normalization(let operation): operation.pointee.backward(c)
    case .dropout(let operation): operation.pointee.backward(c)
    case .spatialDropout(let operation): operation.pointee.backward(c)
    case .softmax(let operation): operation.pointee.backward(c)
    case .columnSoftmax(let operation): operation.pointee.backward(c)
    case .layerNormalization(let operation): operation.pointee.backward(c)
    case .prelu(let operation): operation.pointee.backward(c)
    case .batchNormalization(let operation): operation.pointee.backward(c)
    case .batchNormalizationInference(let operation): operation.pointee.backward(c)
    case .gradientSum(let operation): operation.pointee.backward(c)
    case .merge(let operation): operation.pointee.backward(c)
    case .gather(let operation): operation.pointee.backward(c)
    case .copy(let operation): operation.pointee.backward(c)
    case .gaussianNoise(let operation): operation.pointee.backward(c)
    case .crossEntropy, .squaredError, .logisticLoss, .outputLoss, .input: break
    }
  }

  /// Full batches: the gradients over a stripe of blocks whose backward pass is done.
  func sumStripe(_ blocks: Range<Int>, _ c: BatchContext) {
    if case .dense(let operation) = self { operation.pointee.sumStripe(blocks, c) }
  }

  /// The gradients of the operation's parameters over the whole batch, and the optimiser's step, for one
  /// thread's share.
  func update(_ c: BatchContext) {
    switch self {
    case .convolution(let operation): operation.pointee.update(c)
    case .transposedConvolution(let operation): operation.pointee.gradients?.update(c)
    case .depthwise(let operation): operation.pointee.gradients?.update(c)
    case .dense(let operation): operation.pointee.update(c)
    case .batchNormalization(let operation): operation.pointee.update(c)
    case .layerNormalization(let operation): operation.pointee.gradients?.update(c)
    case .prelu(let operation): operation.pointee.gradients?.update(c)
    case .columnSoftmax, .pooling, .activation, .function, .rectifier, .rescaling, .normalization,
      .dropout,
      .spatialDropout, .gaussianNoise, .softmax,
      .batchNormalizationInference, .crossEntropy, .squaredError, .logisticLoss, .outputLoss,
      .gradientSum, .merge, .gather, .copy, .input:
      break
    }
  }
}
