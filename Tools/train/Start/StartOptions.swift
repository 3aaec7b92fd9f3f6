import ArgumentParser
import FixedNet
import FixedNetFiles
import ToolSupport

/// The options that say how the model of a new run starts.
struct StartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Start from the weights in this file (.weights.h5, .h5, .keras), without an optimiser; --model "
        + "says what they belong to.", valueName: "file"), completion: .path)
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "How the kernels of all layers start: \(Initializer.help). (default: what the model says)",
      valueName: "name"))
  var initializer: String?

  @Flag(
    help: "Give Normalization layers the mean and variance of the training images before the start."
  )
  var adapt = false

  @Flag(
    help: """
      Put a Normalization layer in front of the model, with the mean and variance of every feature (of \
      images: every channel) of the training part; the model takes raw values from then on.
      """)
  var standardize = false

  @Option(
    name: .customLong("l1"), parsing: .unconditional,
    help: ArgumentHelp(
      "Add this times the sum of the magnitudes of every kernel to the loss: Keras' L1. (default: "
        + "what the model says)", valueName: "lambda"))
  var magnitudePenalty: Double?

  @Option(
    name: .customLong("l2"), parsing: .unconditional,
    help: ArgumentHelp(
      "Add this times the sum of the squares of every kernel to the loss: Keras' L2. (default: what "
        + "the model says)", valueName: "lambda"))
  var squarePenalty: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(ClassWeight.help, valueName: "class=weight,..."),
    completion: .names(["balanced"]),
    transform: ClassWeight.option)
  var classWeight: ClassWeight?

  func validate() throws {
    if let initializer, Initializer(text: initializer) == nil {
      throw ValidationError("--initializer must be \(Initializer.help), found '\(initializer)'")
    }
    for (option, penalty) in [("--l1", magnitudePenalty), ("--l2", squarePenalty)] {
      if let penalty, !(penalty >= 0 && penalty <= 1e6) {
        throw ValidationError("\(option) must be from 0 to 1e6, found \(penalty)")
      }
    }
    if initializer != nil, weights != nil {
      throw ValidationError("--initializer and --weights exclude each other; give one")
    }
  }

  /// The first option that was given.
  var firstGiven: String? {
    let given = [
      ("--weights", weights != nil), ("--initializer", initializer != nil), ("--adapt", adapt),
      ("--standardize", standardize),
      ("--l1", magnitudePenalty != nil), ("--l2", squarePenalty != nil),
      ("--class-weight", classWeight != nil),
    ]
    return given.first(where: \.1)?.0
  }

  /// The model and its weights as these options want them, and the loss: `asked`, or what the files say.
  /// Throws: `ToolError`, `ModelError`, `CheckpointError`.
  func start(_ source: ModelSource, data: DataSet, seed: UInt64, loss asked: Loss?) throws -> (
    model: Model, weights: [LayerWeights], loss: Loss?
  ) {
    var model = try source.model(for: data, loss: asked)
    var weights = source.weights
    var (stated, file) = (source.lossStatement, source.name)
    if let path = self.weights {
      let read = try ModelSource.readWeights(path, of: model)
      (model, weights) = (read.model, read.weights)
      if read.lossStatement != .none { (stated, file) = (read.lossStatement, path) }
    }
    if let initializer {
      guard weights == nil else {
        throw ToolError(
          "--initializer: '\(source.name)' has weights already; give its architecture as a .json")
      }
      model.changeKernels {
        $0.kernelInitializer = Initializer(text: initializer) ?? .glorotUniform
      }
    }
    if let magnitudePenalty {
      model.changeKernels { $0.kernelRegularizer.l1 = Float(magnitudePenalty) }
    }
    if let squarePenalty {
      model.changeKernels { $0.kernelRegularizer.l2 = Float(squarePenalty) }
    }
    if adapt { try model.adapt(to: data.train) }
    if standardize { try model.standardize(on: data.train, &weights) }
    let loss = try asked ?? stated.usable(of: file) ?? source.loss(for: data)
    return (model, try weights ?? model.initialWeights(seed: seed), loss)
  }
}

extension Model {
  /// Adapts Normalization layers to the images that reach them, which must not have gone through weights before.
  /// Throws: `ToolError`.
  fileprivate mutating func adapt(to images: ImageSet) throws {
    let places = layers.indices.filter { layers[$0] is Normalization }
    guard let place = places.first, let normalization = layers[place] as? Normalization else {
      throw ToolError("--adapt: model '\(name)' has no Normalization layer")
    }
    guard places.count == 1 else {
      throw ToolError("--adapt: model '\(name)' has more than one Normalization layer")
    }
    func shaped(_ images: ImageSet, _ shape: Shape) -> ImageSet {
      ImageSet(
        shape: shape, pixels: images.pixels, labels: images.labels, targets: images.targets,
        targetWidth: images.targetWidth, sampleWeights: images.sampleWeights)
    }
    // A model of vectors takes images as they lie, and has a mean for every pixel.
    var seen =
      images.shape.elementCount == input.elementCount ? shaped(images, input) : images
    let sources = try sources()
    var path: [Int] = []
    var position = sources[place][0]
    while position >= 0 {
      path.append(position)
      position = sources[position][0]
    }
    for layer in path.reversed().map({ layers[$0] }) where !(layer is Dropout) {
      guard layer is Flatten else {
        throw ToolError(
          "--adapt: layer '\(layer.name)' stands in front of the Normalization layer; only Flatten "
            + "and Dropout may")
      }
      seen = shaped(seen, .vector(seen.shape.elementCount))
    }
    layers[place] = try normalization.adapted(to: seen)
  }
}
