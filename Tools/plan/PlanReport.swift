import FixedNet
import ToolSupport

/// A plan in words and as JSON.
struct PlanReport {
  /// As the user named it.
  var model: String
  var plan: NetworkPlan
  /// nil for inference.
  var optimizer: String?
  /// Of the same for one thread.
  var oneThreadByteCount: Int

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
      let subnormals =
        "subnormal numbers: \(options.subnormals == .flush ? "count as zero" : "kept")"
      return [first, subnormals] + plan.savings + schedule
    }
  }

  /// What the threads can gain, and what they cost.
  private var schedule: [String] {
    let schedule = RunSchedule(plan)
    func amount(_ cost: Double) -> String { Format.grouped(Int(cost.rounded())) }
    let more = memory.byteCount - oneThreadByteCount
    return [
      "work: \(amount(schedule.work)) multiply-adds (estimated), longest path "
        + "\(amount(schedule.longestPath)), \(schedule.meetingCount) meetings",
      "\(options.threads) thread\(options.threads == 1 ? "" : "s"): at most "
        + "\(Format.fixed(schedule.bound(threads: options.threads), 2)) times as fast as one, "
        + "\(Format.grouped(more)) bytes more",
    ]
  }

  private var scheduleJSON: JSONValue {
    let schedule = RunSchedule(plan)
    return [
      "work": .number(schedule.work), "longestPath": .number(schedule.longestPath),
      "meetings": .integer(schedule.meetingCount),
      "speedupBound": .number(schedule.bound(threads: options.threads)),
      "oneThreadBytes": .integer(oneThreadByteCount),
    ]
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
      "subnormals": .string(options.subnormals.rawValue),
      "loadsInputAgain": .bool(plan.loadsInputAgain),
      "recomputed": .array(plan.recomputedLayers.map { .string($0) }),
      "recomputedMultiplyAdds": .integer(plan.recomputedMultiplyAdds),
      "recomputationSavedBytes": .integer(plan.recomputationSavedByteCount),
      "regions": .object(regions), "schedule": scheduleJSON,
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
