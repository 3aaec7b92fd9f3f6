import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// One training of the perceptron study: what is trained, and how.
struct PerceptronCase: Equatable {
  /// Units of the hidden layers: [20, 20] for three layers of weights, [25] for two.
  var hidden: [Int]
  var method: FullBatchMethod
  var usesReferenceGradient: Bool
  var seed: Int

  var network: String { hidden.count == 2 ? "three layers" : "two layers" }
  var methodName: String { method == .lbfgs ? "L-BFGS" : "truncated Newton" }
  var gradient: String { usesReferenceGradient ? "reference's" : "exact" }
  /// The name of its part.
  var name: String { "\(network), \(method.rawValue), \(gradient), seed \(seed)" }

  /// "three layers, L-BFGS, exact gradient"
  var label: String { "\(network), \(methodName), \(gradient) gradient" }

  /// All parameters, biases too, start uniform in +-1/8; J has 1 / (2 m) times the sum of squared kernel weights.
  func model(sampleCount: Int) -> Model {
    let start = Initializer.randomUniform(low: -0.125, high: 0.125)
    let options = WeightOptions(kernelInitializer: start, biasInitializer: start)
    let layers = (hidden + [10]).enumerated().map { index, units in
      Dense(
        name: "dense\(index + 1)", units: units, activation: .scaledSigmoid, options: options)
    }
    var model = Model(name: "perceptron", input: .vector(400), layers: layers)
    model.changeKernels { $0.kernelRegularizer = .l2(1 / (2 * Float(sampleCount))) }
    return model
  }

  /// Trains, and says what came of it.
  /// Throws: `StudyError.interrupted` where the user asked to stop; errors of the engine.
  func run(_ images: ImageSet, evaluations: Int, _ context: StudyContext) throws
    -> PerceptronResult
  {
    let model = model(sampleCount: images.count)
    let plan = try FullBatchTrainer.plan(
      model, method, sampleCount: images.count, threads: context.options.threads,
      loss: .binaryCrossEntropy(isSum: true), usesReferenceGradient: usesReferenceGradient)
    let network = try Network(plan, instructionSet: .selected())
    try network.load(try model.initialWeights(seed: UInt64(seed)))
    let trainer = try FullBatchTrainer(network: network, images: images, method: method)
    let before = trainer.evaluate().loss
    var result = PerceptronResult(before: before, beforePenalty: network.penalty)
    result.curve = [(1, before)]
    let started = StudyRunner.now
    let solved = try trainer.run(limits: SolverLimits(evaluations: evaluations)) { progress in
      result.curve.append((progress.total, progress.value))
      return !context.isInterrupted
    }
    try context.checkInterrupt()
    result.seconds = StudyRunner.now - started
    result.after = solved.progress.value
    result.iterations = solved.progress.iterations
    result.evaluations = solved.progress.evaluations
    result.products = solved.progress.products
    let outputs = try network.predict(images).outputs.values
    result.confusion = PerceptronResult.confusion(outputs, images.labels)
    result.hash = WeightsDigest.sha256(network.weights)
    return result
  }
}

/// What a training gave.
struct PerceptronResult {
  /// J at the start, penalty included, and the penalty.
  var before: Double
  var beforePenalty: Double
  var after = 0.0
  var iterations = 0
  var evaluations = 0
  /// Hessian products; they count as evaluations.
  var products = 0
  var seconds = 0.0
  var hash = ""
  /// confusion[label][prediction]
  var confusion: [[Int]] = []
  /// J after so many evaluations.
  var curve: [(evaluations: Int, loss: Double)] = []

  init(before: Double, beforePenalty: Double) {
    self.before = before
    self.beforePenalty = beforePenalty
  }

  /// In percent, of the training samples.
  var accuracy: Double {
    let hits = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
    return 100 * Double(hits) / Double(max(1, confusion.joined().reduce(0, +)))
  }

  /// The prediction is the first largest output.
  fileprivate static func confusion(_ outputs: [Float], _ labels: [UInt16]) -> [[Int]] {
    let width = outputs.count / max(1, labels.count)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: width), count: width)
    for (sample, label) in labels.enumerated() {
      let values = outputs[sample * width..<(sample + 1) * width]
      let largest = values.indices.reduce(values.startIndex) { values[$1] > values[$0] ? $1 : $0 }
      counts[Int(label)][largest - values.startIndex] += 1
    }
    return counts
  }

  // MARK: - Kept

  var json: JSONValue {
    [
      "before": .number(before), "beforePenalty": .number(beforePenalty), "after": .number(after),
      "iterations": .integer(iterations), "evaluations": .integer(evaluations),
      "products": .integer(products), "seconds": .number(seconds), "hash": .string(hash),
      "confusion": .array(confusion.map { .array($0.map { .integer($0) }) }),
      "curve": .array(curve.map { [.integer($0.evaluations), .number($0.loss)] }),
    ]
  }

  /// nil for anything that `json` did not write.
  init?(_ json: JSONValue) {
    func count(_ value: JSONValue?) -> Int? {
      guard case .integer(let count)? = value, (0...10_000_000).contains(count) else { return nil }
      return count
    }
    func finite(_ value: JSONValue?) -> Double? {
      value?.double.flatMap { $0.isFinite ? $0 : nil }
    }
    let names: Set = [
      "before", "beforePenalty", "after", "iterations", "evaluations", "products", "seconds",
      "hash", "confusion", "curve",
    ]
    guard KeptFile.hasMembers(json, names), let before = finite(json["before"]),
      let penalty = finite(json["beforePenalty"]), let after = finite(json["after"]),
      let iterations = count(json["iterations"]), let evaluations = count(json["evaluations"]),
      let products = count(json["products"]), let seconds = KeptFile.seconds(json["seconds"]),
      let hash = KeptFile.text(json["hash"]), KeptFile.isSHA256(hash),
      case .array(let rows)? = json["confusion"], case .array(let points)? = json["curve"],
      rows.count == 10, points.count <= 1_000_000
    else { return nil }
    self.init(before: before, beforePenalty: penalty)
    (self.after, self.iterations, self.evaluations) = (after, iterations, evaluations)
    (self.products, self.seconds, self.hash) = (products, seconds, hash)
    for case .array(let row) in rows {
      let counts = row.compactMap { count($0) }
      guard row.count == 10, counts.count == 10 else { return nil }
      confusion.append(counts)
    }
    for case .array(let pair) in points {
      guard pair.count == 2, let evaluations = count(pair[0]), let loss = finite(pair[1]) else {
        return nil
      }
      curve.append((evaluations, loss))
    }
    guard confusion.count == 10, curve.count == points.count else { return nil }
  }
}
