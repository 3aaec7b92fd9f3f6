import FixedNet

// What the interface has beyond the first hour, used from outside the package: what became internal by mistake does not
// compile here.

/// A type that FixedNet does not know.
private struct Doubling: Layer {
  static let className = "Doubling"
  var name = "doubling"
  var config: [String: JSONValue] { [:] }
  func outputShape(for input: Shape) throws(ModelError) -> Shape { input }
}

/// Returns: how many of the checks hold.
func interface() throws -> Int {
  var holding = 0
  func check(_ isSo: Bool) { if isSo { holding += 1 } }

  // Layers over rows, and a plan before any memory.
  let model = Model(
    input: .matrix(rows: 12, columns: 3),
    layers: [
      Conv1D(filters: 4, kernelSize: 3, padding: .causal, activation: .relu),
      SeparableConv1D(filters: 6, kernelSize: 3, strides: 2, padding: .same),
      DepthwiseConv1D(kernelSize: 3, dilation: 1), MaxPooling1D(poolSize: 2),
      UpSampling1D(size: 2), GlobalAveragePooling1D(),
      Dense(
        units: 2, activation: .softmax, options: WeightOptions(kernelRegularizer: .l2(0.001))),
    ])
  // 12 rows, 6, 4, 2, 4.
  check(
    try model.shapes().outputs.map(\.dimensions) == [
      [12, 4], [6, 6], [4, 6], [2, 6], [4, 6], [6], [2],
    ])
  var options = PlanOptions(batch: 8, isTraining: true, threads: 1)
  options.optimizer = .rmsprop(momentum: 0.9)
  options.clipping = .globalNorm(1)
  let plan = try NetworkPlan(model, options: options)
  check(plan.memory.slots.contains { $0.region == .optimizer } && plan.memory.byteCount > 0)

  // A loop of one's own.
  let values = (0..<32 * 36).map { index in Float(index * 7 % 11) / 11 }
  let labels = (0..<32).map { UInt16($0 % 2) }
  let samples = ImageSet(
    shape: .matrix(rows: 12, columns: 3), pixels: .floats(values), labels: labels)
  let network = try Network(plan)
  try network.initialize(seed: 3)
  let first = try samples.samples(at: Array(0..<8))
  for step in 0..<3 {
    let rate = Schedule.step(initial: 0.01, factor: 0.5, every: 2).rate(at: step)
    _ = try network.step(
      first, update: options.optimizer.rule(at: step, learningRate: Float(rate)), step: step)
  }
  check(try network.evaluate(samples).images == 32)
  check(network.optimizerState.slots.count == 2)
  let trainer = try Trainer(
    network: network, images: samples, batch: 8,
    optimizer: OptimizerConfiguration(
      optimizer: options.optimizer, schedule: .constant(0.001)), seed: 1)
  if case .finished(let sums) = try trainer.runEpoch() { check(sums.images == 32) }

  // A full-batch solver.
  let small = Model(
    input: .vector(2),
    layers: [Dense(units: 3, activation: .tanh), Dense(units: 2, activation: .softmax)])
  let corners = try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
  let whole = try Network(FullBatchTrainer.plan(small, .lbfgs, sampleCount: 4, threads: 1))
  try whole.initialize(seed: 1)
  let solver = try FullBatchTrainer(network: whole, images: corners, method: .lbfgs)
  let result = try solver.run(limits: SolverLimits(evaluations: 40))
  check(result.progress.evaluations <= 40)

  // Measures, files, hashes.
  let (outputs, _) = try network.predict(samples)
  check(RankMetrics.rocAUC(outputs, labels: labels) != nil)
  try KerasFile.write(KerasModelFile(model: model, weights: network.weights), to: "rows.keras")
  let read = try KerasFile.read(path: "rows.keras")
  check(WeightsDigest.sha256(read.weights) == WeightsDigest.sha256(network.weights))
  try ArrayFile.write([NamedArray("outputs", outputs)], to: "outputs.npz")
  var names = DataFileOptions()
  names.arrays = DataArrayNames(x: "outputs")
  check(
    try DataSamples.load(path: "outputs.npz", input: .vector(2), options: names).count == 32)

  // A layer that nobody knows is refused, and by its name.
  do {
    _ = try Training(
      Model(input: .vector(2), layers: [Doubling(), Dense(units: 2, activation: .softmax)]),
      on: corners)
  } catch ModelError.unsupportedLayer(let className, let layer, _) {
    check(className == "Doubling" && layer == "doubling")
  }
  return holding
}
