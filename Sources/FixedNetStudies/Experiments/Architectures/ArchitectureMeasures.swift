import FixedNet
import FixedNetCore

/// What a network needs before it has learnt anything: the same on every machine.
struct ArchitectureSizes {
  var parameters: Int
  var multiplyAdds: Int
  /// Bytes of the arena on one thread, weights included: running one image,
  var inference: Int
  /// training on one image, updated in the backward pass as `train --batch 1` does it, and on a mini-batch;
  var one: Int
  var batch: Int
  /// and the same with what can be computed again instead of kept; nil where the plan knows nothing to.
  var oneRecomputed: Recomputed?
  var batchRecomputed: Recomputed?

  /// Bytes, and the multiply-adds of an image that are done twice for them.
  struct Recomputed {
    var bytes: Int
    var multiplyAdds: Int
  }

  /// Throws: `ModelError`.
  init(_ architecture: Architecture) throws {
    let model = architecture.model
    func plan(_ batch: Int, isTraining: Bool, recomputes: Bool = false) throws -> NetworkPlan {
      var options = architecture.options(batch: batch, isTraining: isTraining)
      options.recomputes = recomputes
      options.updatesInBackward = isTraining && batch == 1
      return try NetworkPlan(model, options: options)
    }
    func recomputed(_ batch: Int) throws -> Recomputed? {
      let plan = try plan(batch, isTraining: true, recomputes: true)
      return plan.recomputedLayers.isEmpty && !plan.loadsInputAgain
        ? nil
        : Recomputed(bytes: plan.memory.byteCount, multiplyAdds: plan.recomputedMultiplyAdds)
    }
    parameters = try model.parameterCount()
    multiplyAdds = try model.multiplyAdds()
    inference = try plan(1, isTraining: false).memory.byteCount
    one = try plan(1, isTraining: true).memory.byteCount
    batch = try plan(architecture.batch, isTraining: true).memory.byteCount
    oneRecomputed = try recomputed(1)
    batchRecomputed = try recomputed(architecture.batch)
  }
}

/// Seconds of a step of training and of one image at inference: medians, of this machine.
struct ArchitectureTimes {
  var step: Double
  var image: Double

  private static let warmUp = 2

  /// Trains anew for a few steps on the study's threads, and runs one image again and again on one.
  /// Throws: `ModelError`, `NetworkError`, `TrainingError`, `StudyError.interrupted`.
  init(_ architecture: Architecture, _ samples: ArchitectureSamples, _ context: StudyContext) throws
  {
    let (steps, calls) = context.options.isQuick ? (3, 10) : (30, 300)
    let start = try architecture.model.initialWeights(seed: 0)
    func network(batch: Int, isTraining: Bool, threads: Int) throws -> Network {
      let options = architecture.options(batch: batch, isTraining: isTraining, threads: threads)
      let network = try Network(
        NetworkPlan(architecture.model, options: options), instructionSet: .selected())
      try network.load(start)
      return network
    }
    let images = samples.set.train
    let batch = min(architecture.batch, images.count)
    let trainer = try Trainer(
      network: network(batch: batch, isTraining: true, threads: context.options.threads),
      images: images, batch: batch, optimizer: architecture.optimizer, seed: 0)
    var ends = [StudyRunner.now]
    while ends.count <= steps + ArchitectureTimes.warmUp {
      try context.checkInterrupt()
      _ = try trainer.runEpoch { _ in
        ends.append(StudyRunner.now)
        return ends.count <= steps + ArchitectureTimes.warmUp && !context.isInterrupted
      }
    }
    step = ArchitectureTimes.median(ends)

    let single = try network(batch: 1, isTraining: false, threads: 1)
    let image = images.only(0)
    ends = [StudyRunner.now]
    for _ in 0..<calls + ArchitectureTimes.warmUp {
      _ = try single.predict(image)
      ends.append(StudyRunner.now)
    }
    self.image = ArchitectureTimes.median(ends)
  }

  /// Of the differences behind the first ones.
  private static func median(_ ends: [Double]) -> Double {
    let sorted = zip(ends.dropFirst(), ends).map { $0 - $1 }.dropFirst(warmUp).sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  // MARK: - As a part of a study

  var json: JSONValue { ["step": .number(step), "image": .number(image)] }

  /// nil where it is not what `json` gives.
  init?(_ json: JSONValue) {
    guard KeptFile.hasMembers(json, ["step", "image"]), let step = KeptFile.seconds(json["step"]),
      let image = KeptFile.seconds(json["image"])
    else { return nil }
    (self.step, self.image) = (step, image)
  }
}

extension ImageSet {
  /// One image, without its label or target.
  fileprivate func only(_ index: Int) -> ImageSet {
    ImageSet(
      shape: shape, pixels: pixels.images(at: [index], width: shape.elementCount), labels: [])
  }
}
