import CSupport
import FixedNetCore

/// What an operation costs, in multiply-adds of a convolution's kernel. Estimates for comparing parts of a run with each
/// other; they know no cache and no instruction set.
struct OperationCost {
  /// Once per thread before the first block.
  var preparation = 0.0
  /// Of an image. Batch normalisation's are in two halves, between which the threads meet.
  var forward = 0.0
  var backward = 0.0
  /// Of an image, of what the update computes over all blocks: a dense layer's weight gradient.
  var updateOfImage = 0.0
  /// Of each block, and once: sums of the blocks' gradients, and the optimiser's step.
  var updateOfBlock = 0.0
  var step = 0.0
  /// Into how many units the update can be shared; 0: one thread does it.
  var updateUnits = 1

  /// What one value costs that is passed over once.
  static let element = 4.0
  /// What a value of the input costs, which is read, divided and put into its lane.
  static let input = 16.0

  /// `elements`: of the output, of one image.
  init(_ operation: FixedNetCore.Operation, elements: Int) {
    let pass = OperationCost.element * Double(elements)
    switch operation {
    case .convolution(let operation): add(operation.pointee, pass: pass)
    case .transposedConvolution(let operation):
      let (operation, shape) = (operation.pointee, operation.pointee.shape)
      let product = OperationCost.product(shape)
      forward = product + pass
      backward =
        pass + (operation.inputGradient == nil ? 0 : product)
        + (operation.gradients == nil ? 0 : product)
      addUpdate(operation.gradients)
    case .depthwise(let operation):
      let (operation, shape) = (operation.pointee, operation.pointee.shape)
      // A value is read for one multiply-add, where a convolution reads it for many.
      let product = pass * Double(shape.kernelHeight * shape.kernelWidth) / 2
      forward = product + pass
      backward =
        pass + (operation.inputGradient == nil ? 0 : product)
        + (operation.gradients == nil ? 0 : product)
      addUpdate(operation.gradients)
    case .dense(let operation): add(operation.pointee, pass: pass)
    case .batchNormalization(let operation):
      forward = 2 * pass
      backward = operation.pointee.gradient == nil ? 0 : 3 * pass
      let channels = operation.pointee.channels
      step = 4 * OperationCost.element * Double(channels)
      updateUnits = (channels + 15) / 16
    case .layerNormalization(let operation):
      (forward, backward) = (3 * pass, 5 * pass)
      addUpdate(operation.pointee.gradients)
    case .prelu(let operation):
      (forward, backward) = (pass, 2 * pass)
      addUpdate(operation.pointee.gradients)
    // They read several values for each that they write.
    case .pooling: (forward, backward) = (2 * pass, 4 * pass)
    case .softmax, .columnSoftmax, .function: (forward, backward) = (4 * pass, 2 * pass)
    case .crossEntropy, .squaredError, .logisticLoss, .outputLoss: forward = 4 * pass
    case .dropout, .gaussianNoise: (forward, backward) = (8 * pass, pass)
    case .gradientSum: backward = pass
    case .input: forward = OperationCost.input * Double(elements)
    case .activation, .rectifier, .rescaling, .normalization, .spatialDropout,
      .batchNormalizationInference, .merge, .gather, .copy:
      (forward, backward) = (pass, pass)
    }
  }

  private mutating func add(_ operation: ConvolutionOperation, pass: Double) {
    let product = Double(operation.groups) * OperationCost.product(operation.shape)
    forward = product + pass
    let weights = operation.groups * operation.groupExtents.weight
    if operation.folding != nil || operation.transformedWeight != nil || operation.dilation != nil {
      preparation = 2 * OperationCost.element * Double(weights)
    }
    guard let training = operation.training else { return }
    backward = pass + (training.inputGradient == nil ? 0 : product)
    guard let weight = training.weight else { return }
    backward += product
    addUpdate(count: weight.count)
    if operation.folding != nil { updateUnits = 0 }
  }

  private mutating func add(_ operation: DenseOperation, pass: Double) {
    let product = Double(operation.inputCount) * Double(operation.outputCount)
    forward = product + pass
    guard let training = operation.training else { return }
    backward = 2 * pass + (training.inputGradient == nil ? 0 : product)
    guard let weight = training.weight else { return }
    step = 2 * OperationCost.element * Double(weight.count)
    if training.stripes == nil {
      updateOfImage = product
      updateUnits = (operation.inputCount + 5) / 6
    } else {
      backward += product
      updateUnits = (weight.count + 15) / 16
    }
  }

  private mutating func addUpdate(_ gradients: PartialGradients?) {
    guard let gradients else { return }
    addUpdate(count: gradients.first.count + (gradients.second?.count ?? 0))
  }

  private mutating func addUpdate(count: Int) {
    updateOfBlock = OperationCost.element * Double(count)
    step = 2 * OperationCost.element * Double(count)
    updateUnits = (count + 15) / 16
  }

  private static func product(_ shape: cs_conv2d) -> Double {
    [
      shape.outChannels, shape.inChannels, shape.kernelHeight, shape.kernelWidth, shape.outHeight,
      shape.outWidth,
    ].reduce(1) { $0 * Double($1) }
  }
}
