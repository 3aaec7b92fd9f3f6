import CSupport
import FixedNetCore

/// How a full-batch solver finds its way.
public enum FullBatchMethod: String, CaseIterable, Sendable {
  /// Newton steps whose equations are solved roughly by conjugate gradients on exact Hessian products.
  case truncatedNewton = "truncated-newton"
  /// Limited-memory BFGS.
  case lbfgs

  /// Floats that the method works in, for `count` parameters: the point besides its own.
  func workspaceCount(_ count: Int) -> Int {
    let own =
      switch self {
      case .truncatedNewton: TruncatedNewton.workspaceCount(parameters: count)
      case .lbfgs: LBFGS.workspaceCount(parameters: count)
      }
    return FullBatchMethod.padded(count) + own
  }

  /// Up to a whole number of cache lines.
  static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}

/// Lowers the mean loss over all training samples at once, penalties included, with a solver whose vectors and the
/// network's values for every sample are in one planned arena. Counts evaluations (loss with gradient) and Hessian
/// products alike, as SciPy counts.
public final class FullBatchTrainer {
  /// Whose weights are trained.
  public let network: Network
  /// All of them are one mini-batch.
  public let images: ImageSet
  /// The solver.
  public let method: FullBatchMethod
  /// Whether `evaluateInPlace` has loaded the samples.
  private var holdsSamples = false

  /// The plan of a network for a method: one batch of all `sampleCount` samples and the solver's workspace.
  /// Throws: `ModelError.notTrainable` for layers whose output is not a function of the sample and the weights alone
  /// (batch normalisation, dropout), and for truncated Newton where a layer has no R-operator.
  public static func plan(
    _ model: Model, _ method: FullBatchMethod, sampleCount: Int, threads: Int,
    loss: Loss? = nil, usesReferenceGradient: Bool = false
  ) throws(ModelError) -> NetworkPlan {
    for layer in model.layers
    where layer is BatchNormalization || layer is Dropout || layer is any SpatialDropout
      || layer is GaussianNoise || layer is GaussianDropout
    {
      throw .notTrainable(
        "layer '\(layer.name)' (\(type(of: layer).className)) is not for full-batch solvers; use "
          + "sgd, rmsprop or adam")
    }
    for (layer, weights) in zip(model.layers, try model.weightDescriptions()) {
      guard let weight = weights.first(where: { $0.regularizer.l1 != 0 }) else { continue }
      throw .notTrainable(
        "layer '\(layer.name)' has an L1 regulariser on its \(weight.name), which has no derivative at "
          + "0; full-batch solvers need one, use sgd, rmsprop or adam")
    }
    if let frozen = model.frozenLayers.sorted().first {
      throw .notTrainable("layer '\(frozen)' is frozen; a full-batch solver trains every layer")
    }
    let hasScaledSigmoid = try Graph(model).lowered(fuses: true).nodes.contains {
      ($0.layer.kernelActivation ?? $0.function) == .scaledSigmoid
    }
    guard hasScaledSigmoid || !usesReferenceGradient else {
      throw .notTrainable(
        "the reference gradient is about the scaled sigmoid, which none of its layers has")
    }
    var options = PlanOptions(
      batch: sampleCount, isTraining: true, threads: threads, loss: loss)
    options.keepsInput = true
    options.isSecondOrder = method == .truncatedNewton
    options.usesReferenceGradient = usesReferenceGradient
    let count = try NetworkPlan(model, options: options).parameterRegionCount
    options.workspaceCount = method.workspaceCount(count)
    return try NetworkPlan(model, options: options)
  }

  /// `network`: of a plan that `plan` made for `images`, its weights the start.
  /// Throws: `NetworkError` where the images do not suit it; `.planned` for a plan that was not made for the method.
  public init(network: Network, images: ImageSet, method: FullBatchMethod) throws(NetworkError) {
    try network.checkTraining(images)
    let plan = network.plan
    let needed = method.workspaceCount(plan.parameterRegionCount)
    guard plan.workspace != nil, plan.options.workspaceCount >= needed, plan.options.keepsInput,
      plan.options.isSecondOrder || method != .truncatedNewton
    else {
      throw .planned(
        for: "another trainer", needed: "FullBatchTrainer.plan for \(method.rawValue)")
    }
    guard images.count == plan.options.batch else {
      throw .option(
        name: "images", expected: "the \(plan.options.batch) that the plan is for",
        found: "\(images.count)")
    }
    self.network = network
    self.images = images
    self.method = method
  }

  /// Runs the solver from the network's weights, which end at the best point. `onStep` sees every step, with the
  /// network's weights where the step led; where it returns false the run stops. It must not run the network: samples and
  /// values stay in the arena from call to call.
  /// Throws: `NetworkError.option` for limits that allow no evaluation or are no numbers; `.isSolving` inside of `onStep`.
  public func run(
    limits: SolverLimits, onStep: (SolverProgress) -> Bool = { _ in true }
  ) throws(NetworkError) -> SolverResult {
    guard !network.isSolving else { throw .isSolving }
    guard limits.evaluations > 0 else {
      throw .option(
        name: "limits.evaluations", expected: "at least 1", found: "\(limits.evaluations)")
    }
    guard !limits.gradientNorm.isNaN, !limits.relativeDecrease.isNaN else {
      throw .option(name: "limits", expected: "numbers", found: "\(limits)")
    }
    network.isSolving = true
    defer { network.isSolving = false }
    return images.withPointers { source, targets in
      guard let targets else { preconditionFailure("checked by init") }
      var objective = NetworkObjective(network, source, targets)
      let point = network.workspace
      objective.copyWeights(to: point)
      let rest = point + FullBatchMethod.padded(objective.count)
      let kernels = network.instructionSet.kernels
      // A copy, which knows the same places: the solver has the other one.
      let places = objective
      func report(_ progress: SolverProgress) -> Bool {
        // The last point that was evaluated may be another one.
        places.setWeights(point)
        return onStep(progress)
      }
      let result: SolverResult
      switch method {
      case .lbfgs:
        var solver = LBFGS(
          parameters: objective.count, limits: limits, kernels: kernels,
          workspace: UnsafeMutableRawPointer(rest))
        result = solver.minimize(&objective, parameters: point, onStep: report)
      case .truncatedNewton:
        var solver = TruncatedNewton(
          parameters: objective.count, limits: limits, kernels: kernels,
          workspace: UnsafeMutableRawPointer(rest))
        result = solver.minimize(&objective, parameters: point, onStep: report)
      }
      objective.setWeights(point)
      return result
    }
  }

  /// The mean loss, penalties included, and its gradient at the network's weights: one evaluation.
  public func evaluate() -> (loss: Double, gradients: [LayerWeights]) {
    images.withPointers { source, targets in
      guard let targets else { preconditionFailure("checked by init") }
      let sums = network.trainFullBatch(source, targets, isLoaded: false)
      return (sums.meanLoss, network.gradients)
    }
  }

  /// What broke first where the loss or its gradient is not finite at the network's weights; nil where both are.
  public var brokenValue: BrokenValue? {
    guard evaluate().loss.isFinite else {
      let count = images.count
      let run = Network.TrainingRun(count: count, reduction: BatchReduction(count: count))
      return network.brokenStep(images, [run], isUpdated: false) { $0 }
    }
    return network.brokenGradient
  }

  /// The mean loss at the network's weights; the gradient stays where the network has it: an evaluation as a solver makes
  /// it. The samples stay in the arena from the first call on, so nothing else may run the network in between.
  package func evaluateInPlace() -> Double {
    images.withPointers { source, targets in
      guard let targets else { preconditionFailure("checked by init") }
      defer { holdsSamples = true }
      return network.trainFullBatch(source, targets, isLoaded: holdsSamples).meanLoss
    }
  }

  /// The product of the Hessian with `direction`, one tensor per weight in Keras' layout, at the network's weights.
  /// Throws: `ModelError.option` for a plan of first order; `.weights` for a direction that is not the weights'.
  public func hessianProduct(_ direction: [LayerWeights]) throws(ModelError) -> [LayerWeights] {
    guard network.plan.options.isSecondOrder else {
      throw .option(key: "the plan's isSecondOrder", expected: "true", found: "false")
    }
    _ = evaluate()
    try network.loadDirections(direction)
    images.withPointers { source, targets in
      network.multiplyFullBatch(source, isWeighted: targets?.weights != nil)
    }
    return network.products
  }
}

/// A network's loss over all samples as a function of the parameters, which lie in the arena as one vector: each weight
/// begins on a cache line, and the floats between them are zero and stay so.
///
/// The reference gradient is D g, g the loss's gradient and D a power of 1/2 for each layer: the gradient in another
/// metric. The solver then works in the variables u = w / sqrt(D), where what it is given, D g / sqrt(D), is a gradient
/// and D H has a symmetric form; else its products would be no Hessian's.
struct NetworkObjective: SecondOrderObjective {
  private let network: Network
  private let source: ImageSource
  private let targets: TargetSource
  private var isLoaded = false
  private let weights: UnsafeMutablePointer<Float>
  private let gradients: UnsafeMutablePointer<Float>
  private let directions: UnsafeMutablePointer<Float>
  private let products: UnsafeMutablePointer<Float>
  /// sqrt(D) of each parameter, where it is not 1.
  private let metric: [(first: Int, count: Int, root: Float)]
  let count: Int

  init(_ network: Network, _ source: ImageSource, _ targets: TargetSource) {
    self.network = network
    self.source = source
    self.targets = targets
    weights = network.region(.parameters)
    gradients = network.region(.gradients)
    directions = network.region(.directions)
    products = network.region(.products)
    count = network.plan.parameterRegionCount
    metric = network.plan.referenceMetric
  }

  /// The vector's parameters times sqrt(D), or divided by it.
  private func scale(_ vector: UnsafeMutablePointer<Float>, isDivided: Bool) {
    for part in metric {
      let factor = isDivided ? 1 / part.root : part.root
      let values = vector + part.first
      network.instructionSet.kernels.pointee.affine(part.count, factor, 0, values, values)
    }
  }

  func copyWeights(to point: UnsafeMutablePointer<Float>) {
    point.update(from: weights, count: count)
    scale(point, isDivided: true)
  }

  func setWeights(_ point: UnsafePointer<Float>) {
    weights.update(from: point, count: count)
    scale(weights, isDivided: false)
  }

  mutating func evaluate(
    _ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    setWeights(parameters)
    let sums = network.trainFullBatch(source, targets, isLoaded: isLoaded)
    isLoaded = true
    gradient.update(from: gradients, count: count)
    scale(gradient, isDivided: true)
    return sums.meanLoss
  }

  mutating func hessianProduct(
    _ vector: UnsafePointer<Float>, into product: UnsafeMutablePointer<Float>
  ) {
    directions.update(from: vector, count: count)
    scale(directions, isDivided: false)
    network.multiplyFullBatch(source, isWeighted: targets.weights != nil)
    product.update(from: products, count: count)
    scale(product, isDivided: true)
  }
}

extension NetworkPlan {
  /// Floats from the first parameter to the end of the last one's cache line; gradients, directions and products lie in
  /// the same way where every layer is trained.
  var parameterRegionCount: Int {
    let bytes =
      memory.slots.filter { $0.region == .parameters }
      .map { $0.byteOffset + $0.alignedByteCount }.max() ?? 0
    return bytes / MemoryLayout<Float>.stride
  }

  /// sqrt(D) of each parameter, see `NetworkObjective`: D is 1/2 for every scaled sigmoid from the layer's output on.
  /// Places count floats from the first parameter. Empty unless the gradient is the reference's.
  var referenceMetric: [(first: Int, count: Int, root: Float)] {
    guard options.usesReferenceGradient else { return [] }
    var share: Float = 1
    var shares: [String: Float] = [:]
    for node in (try? Graph(model).lowered(fuses: true).nodes.reversed()) ?? [] {
      if (node.layer.kernelActivation ?? node.function) == .scaledSigmoid { share /= 2 }
      shares[node.layer.name] = share
    }
    return parameters.map {
      (
        $0.weight.byteOffset / MemoryLayout<Float>.stride, $0.count,
        (shares[$0.layerName] ?? 1).squareRoot()
      )
    }
  }

  /// The first byte of a region of the shared part.
  func start(of region: Region) -> SharedSlot {
    let offsets = memory.slots.filter { $0.region == region && $0.scope == .shared }
      .map(\.byteOffset)
    return SharedSlot(byteOffset: offsets.min() ?? 0)
  }
}
