import CSupport
import FixedNetCore

/// A convolution with its slots. The layer that reads it may leave dZ in the place of the output.
final class PlannedConvolution {
  private let layer: Conv2D
  private var shape: cs_conv2d
  private let input: Value
  let output: Value
  /// nil where nothing can be added to it.
  let stage: OutputStage?
  private let weight: PlacedParameter
  private let bias: PlacedParameter?
  private let forwardScratch: Slot
  /// Winograd's form of the weights; nil where the other kernels run: at inference, whose outputs do not depend on the
  /// size of the blocks, in blocks of one image, and for shapes that do not gain by it.
  private let transformedWeight: ThreadSlot?
  /// The normalisation that is folded in.
  private let folding: NormalizationFolding?
  /// The kernel with zeros between its taps; nil where there are none.
  private var dilation: KernelDilation?

  /// `descriptions`: of the kernel and the bias.
  init(
    _ layer: Conv2D, _ input: Value, _ descriptions: [WeightDescription], _ plan: Planner
  ) {
    self.layer = layer
    self.input = input
    shape = layer.kernelShape(for: input.shape)
    shape.isTight = plan.blockSize == 1 && plan.options.computesAgain ? 1 : 0
    let channels = (input.shape.channels / layer.groups, layer.filters)
    (weight, bias) = plan.reserveKernel(
      layer: layer.name, descriptions,
      layout: .kernel(
        layer.kernelSize, inChannels: channels.0, outChannels: channels.1, groups: layer.groups,
        blockSize: plan.blockSize))
    plan.use(input.slot)
    output = plan.reserveOutput(
      layer.name,
      shape: .image(
        height: Int(shape.outHeight), width: Int(shape.outWidth), channels: layer.filters))
    stage = OutputStage(layer.activation, output.shape, plan)
    let usesWinograd =
      plan.isTraining && plan.blockSize == 16 && layer.isPlain
      && withUnsafePointer(to: shape) { cs_winograd_suits($0) } != 0
    transformedWeight =
      usesWinograd
      ? plan.reserve(
        "\(layer.name)/transformed kernel", shape: [2, 16, channels.0, channels.1],
        region: .scratch, scope: .thread, lasting: true
      ).thread : nil
    forwardScratch = PlannedConvolution.scratch(
      "\(layer.name)/scratch", [CS_CONV2D_FORWARD], shape, plan, usesWinograd: usesWinograd)
    folding =
      plan.folding?.convolution == layer.name
      ? input.normalization?.folding(into: layer.name, [weight.count, layer.filters], plan) : nil
    planDilation(plan)
  }

  private func planDilation(_ plan: Planner) {
    guard layer.dilation != (1, 1) else { return }
    let count = Int(shape.kernelHeight) * Int(shape.kernelWidth) * Int(shape.inChannels)
    let spread = plan.reserve(
      "\(layer.name)/kernel with zeros", shape: [count * layer.filters], region: .scratch,
      scope: .thread, lasting: true)
    dilation = KernelDilation(
      height: layer.dilation.height, width: layer.dilation.width,
      kernelHeight: layer.kernelSize.height, kernelWidth: layer.kernelSize.width,
      weight: spread.thread, gradient: nil)
  }

  var activation: cs_activation { layer.activation.kernelCode }

  /// The slot where the reader leaves dZ: the output's, or one that the output is computed into once more by the
  /// operation beside it.
  func planDelta(_ plan: Planner) -> (slot: Slot, recomputed: ConvolutionOperation?) {
    guard plan.options.recomputes else {
      plan.use(output.slot)
      plan.deltas[layer.name] = output.slot
      return (output.slot, nil)
    }
    plan.use(input.slot)
    let slot = plan.reserveActivation("\(layer.name)/output again", shape: output.shape)
    let scratch = PlannedConvolution.scratch(
      "\(layer.name)/scratch again", [CS_CONV2D_FORWARD], shape, plan,
      usesWinograd: transformedWeight != nil)
    plan.noteRecomputed(layer.name, layer.multiplyAdds(for: input.shape))
    plan.deltas[layer.name] = slot
    return (slot, operation(output: slot, scratch: scratch))
  }

  /// Room for the largest of the passes: they run one after the other.
  private static func scratch(
    _ name: String, _ passes: [cs_conv2d_pass], _ shape: cs_conv2d, _ plan: Planner,
    usesWinograd: Bool
  ) -> Slot {
    let count = withUnsafePointer(to: shape) { shape in
      passes.map {
        usesWinograd
          ? cs_winograd_scratch(shape, $0 == CS_CONV2D_FORWARD ? 0 : 1)
          : cs_conv2d_scratch(shape, $0, Int32(plan.blockSize))
      }.max() ?? 0
    }
    return plan.reserveKernelScratch(name, count: Int(count))
  }

  func finish(_ backward: LayerPlan.Backward?, _ plan: Planner) -> LayerPlan.Finished {
    let operation = operation(output: output.slot, scratch: forwardScratch)
    guard let backward else { return LayerPlan.Finished(operation) }
    let needsInputGradient = backward.needsInputGradient && folding == nil
    plan.use(backward.outputGradient)
    let hasDelta = plan.deltas[layer.name] != nil
    if !hasDelta, layer.activation != .linear { plan.use(output.slot) }
    var training = ConvolutionOperation.Training(
      outputGradient: backward.outputGradient.block, hasDelta: hasDelta, inputGradient: nil,
      partial: backward.outputGradient.block, scratch: ThreadSlot(byteOffset: 0),
      weight: weight.trained, bias: bias?.trained, updatesInBackward: false, pieces: nil)
    let partial = weight.isTrained ? planGradients(&training, plan) : nil
    let scratch =
      PlannedConvolution.scratch(
        "\(layer.name)/backward scratch",
        (weight.isTrained ? [CS_CONV2D_BACKWARD_WEIGHTS] : [])
          + (needsInputGradient ? [CS_CONV2D_BACKWARD_INPUT] : []), shape, plan,
        usesWinograd: transformedWeight != nil)
    training.scratch = scratch.thread
    var gradient: Slot?
    if needsInputGradient, replacesInput(plan) {
      plan.beginStep("backward \(layer.name)/input")
      for slot in [backward.outputGradient, scratch, partial].compactMap(\.self) {
        plan.use(slot)
      }
    }
    if needsInputGradient {
      gradient = plan.reserveActivation("\(layer.name)/input gradient", shape: input.shape)
    }
    training.inputGradient = gradient?.block
    var trained = operation
    trained.training = training
    trained.dilation = dilation
    return LayerPlan.Finished(trained, inputGradients: [gradient])
  }

  /// Whether dX may lie where the input was, in a step of its own: dW is worked out before it, all of it and not piece by
  /// piece, which takes less than that spares.
  private func replacesInput(_ plan: Planner) -> Bool {
    plan.replacesInputs && layer.isPlain && weight.isTrained
      && input.shape.elementCount >= 2 * weight.count
  }

  /// The block's part of the weights' gradients, which is returned; pieces of about 512 floats where they are used at once.
  private func planGradients(_ training: inout ConvolutionOperation.Training, _ plan: Planner)
    -> Slot?
  {
    plan.use(input.slot)
    training.updatesInBackward = plan.options.updatesInBackward
    if training.updatesInBackward, plan.blockSize == 1, layer.isPlain, !replacesInput(plan) {
      let taps = weight.count / layer.filters
      let rowCount = min(max(512 / layer.filters / 16, 1) * 16, taps)
      training.pieces = plan.reservePieces(
        layer: layer.name, rowCount: rowCount, columnCount: layer.filters, bias: bias != nil)
      return nil
    }
    let count = weight.count + (bias == nil ? 0 : layer.filters)
    let partial = plan.reserve(
      "\(layer.name)/partial", shape: [count], region: .gradients, scope: .block)
    if !training.updatesInBackward { plan.keepUntilUpdate(partial) }
    training.partial = partial.block
    if dilation != nil {
      dilation?.gradient =
        plan.reserve(
          "\(layer.name)/gradient with zeros",
          shape: [
            Int(shape.kernelHeight), Int(shape.kernelWidth), Int(shape.inChannels),
            Int(shape.outChannels),
          ], region: .scratch, scope: .thread
        ).thread
    }
    return partial
  }

  private func operation(output: Slot, scratch: Slot) -> ConvolutionOperation {
    var operation = ConvolutionOperation(
      shape: shape, activation: activation, input: input.slot.block, output: output.block,
      weight: weight.weight, bias: bias?.weight, scratch: scratch.thread, training: nil)
    operation.folding = folding
    operation.groups = layer.groups
    operation.dilation = dilation
    operation.transformedWeight = transformedWeight
    operation.normalization = stage?.normalization
    if stage?.rectifies == true { operation.activation = CS_RELU }
    return operation
  }
}

extension Conv2D {
  /// Whether it is one convolution of taps side by side.
  var isPlain: Bool { groups == 1 && dilation == (1, 1) }
}
