import FixedNet
import ToolSupport

/// Some work whose time is taken apart, layer by layer. Of several rounds the fastest counts, as the one that was
/// disturbed least.
final class ProfiledWork {
  /// What it is, of one step or call.
  let name: String
  let batch: Int
  let threads: Int
  /// The fastest round's: seconds of a step, and of each layer in a step, all threads together.
  private(set) var stepSeconds = Double.infinity
  private(set) var rows: [NetworkProfile.Row] = []
  /// What the threads waited for.
  private(set) var waiting = (forAll: 0.0, forBlock: 0.0)
  /// GFLOP/s that one thread reaches in registers while all are busy: the best of all rounds.
  private(set) var peak = 0.0
  /// Useful operations of a step by layer.
  private let flops: [String: Double]
  private let profile: NetworkProfile
  /// Does some steps. Returns how many.
  private let run: () throws -> Int

  /// `imageCount`: of a step, on average.
  private init(
    _ name: String, _ network: Network, batch: Int, imageCount: Double,
    run: @escaping () throws -> Int
  ) throws {
    let model = network.plan.model
    (self.name, self.batch, self.run) = (name, batch, run)
    threads = network.plan.options.threads
    let flops = try model.flops(isTraining: network.plan.options.isTraining)
      .map { Double($0) * imageCount }
    self.flops = Dictionary(uniqueKeysWithValues: zip(model.layers.map(\.name), flops))
    profile = NetworkProfile(of: network.plan)
    try network.measure(with: profile)
  }

  convenience init(_ item: TrainingCase) throws {
    try self.init(
      "training \(item.name)", item.trainer.network, batch: item.batch,
      imageCount: Double(item.imageCount) / Double(item.stepCount)
    ) {
      _ = try item.trainer.runEpoch()
      return item.stepCount
    }
  }

  convenience init(_ item: GradientCase, sampleCount: Int) throws {
    try self.init(
      "gradient of 400-20-20-10", item.trainer.network, batch: sampleCount,
      imageCount: Double(sampleCount)
    ) {
      for _ in 0..<100 { _ = item.trainer.evaluateInPlace() }
      return 100
    }
  }

  convenience init(_ item: InferenceCase) throws {
    try self.init(
      "inference of \(item.name)", item.network, batch: item.batch, imageCount: Double(item.batch)
    ) {
      let count = max(10, 2_000 / item.batch)
      for _ in 0..<count { _ = try item.network.predict(item.images) }
      return count
    }
  }

  /// `peak`: GFLOP/s of all its threads.
  func measure(peak: Double) throws {
    profile.reset()
    var count = 0
    let elapsed = try seconds { () throws in count = try run() }
    self.peak = max(self.peak, peak / Double(threads))
    guard elapsed / Double(count) < stepSeconds else { return }
    stepSeconds = elapsed / Double(count)
    waiting = (
      profile.waiting.forAll / Double(count), profile.waiting.forBlock / Double(count)
    )
    rows = profile.rows.map { row in
      var row = row
      row.forward /= Double(count)
      row.backward /= Double(count)
      row.update /= Double(count)
      return row
    }
  }

  /// Seconds of a step that the threads have together, busy or waiting.
  var threadSeconds: Double { stepSeconds * Double(threads) }
  /// What no layer has: threads waiting for each other or for the caller, which shuffles, sums up losses and, at inference,
  /// finds memory for the outputs; the step under clipping by norm.
  var restSeconds: Double { max(0, threadSeconds - rows.reduce(0) { $0 + $1.seconds }) }
  /// Of it, what is not one of the two causes of `waiting`.
  var otherSeconds: Double { max(0, restSeconds - waiting.forAll - waiting.forBlock) }
  /// Useful operations of a layer in a step; 0 for layers without multiply-adds that count.
  func flops(of layer: String) -> Double { flops[layer] ?? 0 }
  var totalFlops: Double { flops.values.reduce(0, +) }
}
