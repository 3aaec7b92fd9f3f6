import FixedNet
import ToolSupport

/// A plan in words and as JSON.
struct PlanReport {
  /// As the user named it.
  var model: String
  var plan: NetworkPlan
  /// nil for inference.
  var optimizer: String?

  private var memory: MemoryPlan { plan.memory }
  private var options: PlanOptions { plan.options }

  /// What was planned, in one line, and a line for everything that saves memory.
  var header: [String] {
    get throws {
      let parameters = Format.grouped(try plan.model.parameterCount())
      let threads = "\(options.threads) thread\(options.threads == 1 ? "" : "s")"
      let blockSize = options.resolvedBlockSize
      let images = "\(blockSize) image\(blockSize == 1 ? "" : "s")"
      let first =
        "\(model): \(optimizer.map { "training (\($0))" } ?? "inference"), "
        + "batch \(options.batch) in blocks of \(images), \(threads), \(parameters) parameters"
      return [first] + plan.savings
    }
  }

  /// One object; the keys are stable. Units: bytes.
  var json: JSONValue {
    var regions: [String: JSONValue] = [:]
    for region in Region.allCases {
      regions[region.rawValue] = .integer(memory.byteCount(of: region))
    }
    return .object([
      "model": .string(model), "batch": .integer(options.batch),
      "blockSize": .integer(options.resolvedBlockSize), "threads": .integer(options.threads),
      "optimizer": optimizer.map { .string($0) } ?? .null,
      "loss": plan.loss.map { .string($0.name) } ?? .null,
      "lossFunction": plan.loss.map { .string($0.description) } ?? .null,
      "training": .bool(options.isTraining), "totalBytes": .integer(memory.byteCount),
      "lowerBoundBytes": .integer(memory.lowerBound),
      "leastBytes": memory.leastByteCount.map { .integer($0) } ?? .null,
      "updatesInBackward": .bool(options.updatesInBackward),
      "recomputed": .array(plan.recomputedLayers.map { .string($0) }),
      "recomputedMultiplyAdds": .integer(plan.recomputedMultiplyAdds),
      "recomputationSavedBytes": .integer(plan.recomputationSavedByteCount),
      "regions": .object(regions),
      "slots": .array(memory.slotsByOffset.map(slot)),
      "steps": .array(memory.steps.map { .string($0) }),
    ])
  }

  private func slot(_ slot: PlannedSlot) -> JSONValue {
    [
      "name": .string(slot.name), "shape": .array(slot.shape.map { .integer($0) }),
      "region": .string(slot.region.rawValue), "scope": .string(slot.scope.rawValue),
      "copies": .integer(memory.copies(of: slot)),
      "offset": .integer(memory.arenaOffset(of: slot)), "bytes": .integer(slot.byteCount),
      "firstStep": .integer(slot.firstStep), "lastStep": .integer(slot.lastStep),
    ]
  }
}
