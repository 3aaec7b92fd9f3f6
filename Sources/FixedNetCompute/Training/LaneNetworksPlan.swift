import CSupport
import FixedNetCore

/// What many small networks that train side by side have in common: one input, `depth` hidden layers of `width` units,
/// one output.
package struct LaneShape: Equatable, Sendable {
  /// Units of a hidden layer, 1 ... 10.
  package var width: Int
  /// Hidden layers, 1 ... 1024.
  package var depth: Int
  /// Of the hidden units below 0: 0 is ReLU, 0.01 a LeakyReLU.
  package var negativeSlope: Float
  /// Whether the output is max(z, 0), else z.
  package var outputIsRectified: Bool

  package init(
    width: Int, depth: Int, negativeSlope: Float = 0, outputIsRectified: Bool = false
  ) {
    self.width = width
    self.depth = depth
    self.negativeSlope = negativeSlope
    self.outputIsRectified = outputIsRectified
  }

  package static let maxWidth = Int(CS_LANE_NETWORK_MAX_WIDTH)

  package static let maxDepth = Model.layerLimit

  /// Weights and biases of one network; 0 for a shape that no plan can have.
  package var parameterCount: Int {
    guard hasExtents else { return 0 }
    return 2 * width + (depth - 1) * (width + 1) * width + width + 1
  }

  private var hasExtents: Bool {
    (1...LaneShape.maxWidth).contains(width) && (1...LaneShape.maxDepth).contains(depth)
  }

  /// Throws: `NetworkError.option` for a shape that no plan can have.
  func check() throws(NetworkError) {
    guard hasExtents else {
      throw .option(
        name: "the shape",
        expected: "1 to \(LaneShape.maxWidth) units and 1 to \(LaneShape.maxDepth) hidden layers",
        found: "\(width) units, \(depth) layers")
    }
    guard negativeSlope >= 0, negativeSlope.isFinite else {
      throw .option(
        name: "negativeSlope", expected: "a number of at least 0", found: "\(negativeSlope)")
    }
  }

  var networks: cs_lane_networks {
    cs_lane_networks(
      width: Int32(width), depth: Int32(depth), hiddenSlope: negativeSlope,
      outputSlope: outputIsRectified ? 0 : 1)
  }
}

/// Where `networkCount` networks of one shape live, before any of them runs: 16 to a group, whose lanes they are.
package struct LaneNetworksPlan: Sendable {
  package let shape: LaneShape
  package let networkCount: Int
  /// Samples of a mini-batch.
  package let batch: Int
  /// Samples that the arena has room for.
  package let sampleCapacity: Int
  package let threads: Int
  /// Its blocks are the groups. `print(plan.memory)` is the memory at a glance.
  package let memory: MemoryPlan
  let program: LaneProgram

  /// Throws: `NetworkError.option` for a shape or counts that no plan can have; `.configuration` for more memory than
  /// there are addresses for.
  package init(
    _ shape: LaneShape, networkCount: Int, sampleCapacity: Int, batch: Int = 64,
    isTraining: Bool = true, threads: Int = 1
  ) throws(NetworkError) {
    try shape.check()
    for (name, count, limit) in [
      ("networkCount", networkCount, Shape.elementLimit),
      ("sampleCapacity", sampleCapacity, Shape.elementLimit), ("batch", batch, Shape.elementLimit),
      ("threads", threads, PlanOptions.threadLimit),
    ] where !(1...limit).contains(count) {
      throw .option(name: name, expected: "from 1 to \(limit)", found: "\(count)")
    }
    self.shape = shape
    self.networkCount = networkCount
    self.batch = batch
    self.sampleCapacity = sampleCapacity
    self.threads = threads

    let lanes = LaneProgram.lanes
    let parameters = [shape.parameterCount, lanes]
    var builder = LaneSlots()
    let inputs = builder.reserve("inputs", [sampleCapacity], .activations, .shared)
    let targets = builder.reserve("targets", [sampleCapacity], .activations, .shared)
    let weights = builder.reserve("parameters", parameters, .parameters, .block)
    let velocity =
      isTraining ? builder.reserve("velocity", parameters, .optimizer, .block) : nil
    let outcome = builder.reserve("outcome", [3, lanes], .scratch, .block)
    let activations = builder.reserve(
      "activations", [batch, shape.depth * shape.width + 1, lanes], .activations, .thread)
    let gradients = builder.reserve(
      "gradients and losses", [shape.parameterCount + 1, lanes], .gradients, .thread)
    let layout = ArenaLayout(
      sharedByteCount: builder.byteCount(of: .shared), threadCount: threads,
      threadStride: builder.byteCount(of: .thread), blockCount: (networkCount + lanes - 1) / lanes,
      blockStride: builder.byteCount(of: .block), blockSize: lanes)
    do { try layout.check() } catch { throw .configuration(error) }
    var memory = MemoryPlan(
      slots: builder.slots, layout: layout, steps: ["every step"], lowerBound: 0)
    memory.lowerBound = memory.slots.reduce(0) { $0 + $1.byteCount * memory.copies(of: $1) }
    self.memory = memory
    program = LaneProgram(
      networks: shape.networks, parameterCount: shape.parameterCount, layout: layout, batch: batch,
      inputs: SharedSlot(byteOffset: inputs), targets: SharedSlot(byteOffset: targets),
      parameters: BlockSlot(byteOffset: weights),
      velocity: velocity.map { BlockSlot(byteOffset: $0) },
      outcome: BlockSlot(byteOffset: outcome), activations: ThreadSlot(byteOffset: activations),
      gradients: ThreadSlot(byteOffset: gradients))
  }

  /// Mini-batches of an epoch over `count` samples.
  package func stepCount(samples count: Int) -> Int { (count + batch - 1) / batch }
}

/// Slots one behind the other in their scopes: all of them live as long as the networks do.
private struct LaneSlots {
  var slots: [PlannedSlot] = []

  /// Returns the slot's place in its scope. Units: bytes.
  mutating func reserve(_ name: String, _ shape: [Int], _ region: Region, _ scope: Scope) -> Int {
    let offset = byteCount(of: scope)
    slots.append(
      PlannedSlot(
        name: name, shape: shape, region: region, scope: scope, firstStep: 0, lastStep: 0,
        byteCount: shape.reduce(MemoryLayout<Float>.stride, *), byteOffset: offset))
    return offset
  }

  func byteCount(of scope: Scope) -> Int {
    slots.filter { $0.scope == scope }.reduce(0) { $0 + $1.alignedByteCount }
  }
}
