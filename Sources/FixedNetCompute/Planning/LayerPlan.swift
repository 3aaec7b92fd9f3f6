import FixedNetCore

/// A value between layers while they are planned: its slot, its extents, and how its features are ordered.
package struct Value {
  package var slot: Slot
  package var shape: Shape
  /// For a flattened image: its channels and pixels. The engine keeps [channel][pixel]; Keras counts [pixel][channel].
  package var flattened: (channels: Int, pixels: Int)?
  /// R-operator: the value's derivative along a direction of the weights; nil for data.
  var tangent: Slot?
  /// The convolution that the value is the output of, where one layer alone reads it.
  var convolution: PlannedConvolution?
  /// What the layer that makes the value does with its sums; nil where that is settled.
  var stage: OutputStage?
  /// Whether a batch normalisation's rectifier made the value: it is not negative, and what is 0 has no gradient.
  var isRectified = false
  /// The normalisation of the data that the convolution reading this takes in.
  var normalization: FoldedNormalization?

  package init(slot: Slot, shape: Shape, flattened: (channels: Int, pixels: Int)? = nil) {
    self.slot = slot
    self.shape = shape
    self.flattened = flattened
  }

  /// The engine's number of the element that Keras, channels last, counts as number `index`.
  func engineIndex(_ index: Int) -> Int {
    let (channels, pixels) = flattened ?? (shape.channels, shape.pixels)
    let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
    return channel * pixels + pixel
  }

  /// How the engine orders one value per feature (or per channel of an image).
  var flattenedLayout: ParameterLayout {
    guard let flattened else { return .plain }
    return .flattened(channels: flattened.channels, pixels: flattened.pixels)
  }
}

/// What a layer does with its sums at inference. The batch normalisation that alone reads them may leave its work to that
/// layer, before the program is written.
final class OutputStage {
  /// Of the output.
  let channels, pixels: Int
  var normalization: OutputNormalization?
  /// Whether ReLU follows the normalisation.
  var rectifies = false

  /// nil where the sums are not the output, or others want to look at it.
  init?(_ activation: ActivationFunction, _ shape: Shape, _ plan: Planner) {
    guard activation == .linear, !plan.isTraining, plan.options.fusesLayers else { return nil }
    channels = shape.channels
    pixels = shape.pixels
  }
}

/// A layer whose forward pass is planned.
package struct LayerPlan {
  /// What the backward pass of a layer is asked for.
  package struct Backward {
    /// Holds dY.
    package var outputGradient: Slot
    /// Whether dX is needed, for each input.
    package var needsInputGradients: [Bool]

    var needsInputGradient: Bool { needsInputGradients[0] }
  }

  package struct Finished {
    /// In the order of the forward pass; none for a layer that only renames.
    package var operations: [any OperationDescription]
    /// Where the backward pass leaves dX, for each input; nil where it is not needed.
    package var inputGradients: [Slot?]

    init(_ operation: (any OperationDescription)?, inputGradients: [Slot?] = []) {
      self.init(operation.map { [$0] } ?? [], inputGradients: inputGradients)
    }

    init(_ operations: [any OperationDescription], inputGradients: [Slot?] = []) {
      self.operations = operations
      self.inputGradients = inputGradients
    }
  }

  package var output: Value
  /// Reserves what the backward pass needs, where there is one, and writes the layer's operation.
  package let finish: (Backward?) -> Finished

  package init(output: Value, finish: @escaping (Backward?) -> Finished) {
    self.output = output
    self.finish = finish
  }
}
