import CSupport

/// One run of a lane program: what every thread of the team reads.
struct LaneWork {
  let program: LaneProgram
  let run: LaneRun
  let arena: UnsafeMutableRawPointer
  var seed: UInt64 = 0
  var firstNetwork: UInt32 = 0
  var steps = 0..<0
  var rule = cs_rmsprop()

  init(program: LaneProgram, run: LaneRun, arena: UnsafeMutableRawPointer) {
    self.program = program
    self.run = run
    self.arena = arena
  }

  private var lanes: Int { LaneProgram.lanes }

  /// A thread's contiguous share of the groups.
  private func groups(of thread: Int) -> Range<Int> {
    let count = program.layout.blockCount
    return count * thread / run.threadCount..<count * (thread + 1) / run.threadCount
  }

  // MARK: - Starting

  func initialize(thread: Int) {
    for group in groups(of: thread) {
      for lane in 0..<lanes { initialize(group: group, lane: lane) }
      guard let velocity = program.velocity else { continue }
      at(velocity, group).update(repeating: 0, count: program.parameterCount * lanes)
    }
  }

  private func initialize(group: Int, lane: Int) {
    let number = firstNetwork &+ UInt32(truncatingIfNeeded: group * lanes + lane)
    // The high word of the stream, "lane", keeps these numbers apart from those of other uses.
    let philox = Philox(seed: seed, stream: Philox.join(low: number, high: 0x6C61_6E65))
    var reader = philox.reader()
    var place = at(program.parameters, group) + lane
    let (width, depth) = (Int(program.networks.width), Int(program.networks.depth))
    for layer in 0...depth {
      let fanIn = layer == 0 ? 1 : width
      let fanOut = layer == depth ? 1 : width
      let limit = (6 / Float(fanIn + fanOut)).squareRoot()
      for _ in 0..<fanIn * fanOut {
        place.pointee = (2 * reader.nextUnit() - 1) * limit
        place += lanes
      }
      for _ in 0..<fanOut {
        place.pointee = 0
        place += lanes
      }
    }
  }

  // MARK: - Training

  func train(thread: Int) {
    guard let velocity = program.velocity else { return }
    let kernels = run.kernels.pointee
    let count = program.parameterCount * lanes
    let gradients = at(program.gradients, thread)
    for group in groups(of: thread) {
      let (weights, squares) = (at(program.parameters, group), at(velocity, group))
      for step in steps {
        let first = step * program.batch
        let samples = min(program.batch, run.sampleCount - first)
        guard samples > 0 else { break }
        differentiate(group: group, thread: thread, first: first, samples: samples)
        withUnsafePointer(to: rule) {
          kernels.rmsprop_update(count, $0, gradients, squares, nil, nil, weights)
        }
      }
    }
  }

  /// The gradients of the mean squared error over some samples, into the thread's slots: a few samples after the others,
  /// whose activations stay in the L1 cache until they are read again.
  func differentiate(group: Int, thread: Int, first: Int, samples: Int) {
    let (inputs, targets) = (at(program.inputs) + first, at(program.targets) + first)
    let (weights, activations) = (at(program.parameters, group), at(program.activations, thread))
    let gradients = at(program.gradients, thread)
    let units = Int(program.networks.depth) * Int(program.networks.width) + 1
    let most = max(LaneWork.cachedFloats / (units * lanes), 8)
    let partCount = (samples + most - 1) / most
    var start = 0
    for part in 0..<partCount {
      let end = samples * (part + 1) / partCount
      let count = Int32(truncatingIfNeeded: end - start)
      withUnsafePointer(to: program.networks) {
        run.kernels.pointee.lanes_forward($0, count, inputs + start, weights, activations)
        run.kernels.pointee.lanes_backward(
          $0, count, inputs + start, targets + start, 1 / Float(samples), weights, activations,
          part == 0 ? 0 : 1, gradients, gradients + program.parameterCount * lanes)
      }
      start = end
    }
  }

  /// 24 KiB.
  private static let cachedFloats = 6 * 1024

  // MARK: - Evaluation

  /// The outputs of a group for some samples: [sample][16] in the thread's slot.
  func predict(group: Int, thread: Int, first: Int, samples: Int) -> UnsafeMutablePointer<Float> {
    let activations = at(program.activations, thread)
    withUnsafePointer(to: program.networks) {
      run.kernels.pointee.lanes_forward(
        $0, Int32(truncatingIfNeeded: samples), at(program.inputs) + first,
        at(program.parameters, group), activations)
    }
    let hidden = Int(program.networks.width) * Int(program.networks.depth)
    return activations + samples * hidden * lanes
  }

  func evaluate(thread: Int) {
    for group in groups(of: thread) {
      let outcome = at(program.outcome, group)
      outcome.update(repeating: .infinity, count: lanes)
      (outcome + lanes).update(repeating: -.infinity, count: lanes)
      (outcome + 2 * lanes).update(repeating: 0, count: lanes)
      var first = 0
      while first < run.sampleCount {
        let samples = min(program.batch, run.sampleCount - first)
        let outputs = predict(group: group, thread: thread, first: first, samples: samples)
        add(outputs, targets: at(program.targets) + first, samples: samples, to: outcome)
        first += samples
      }
    }
  }

  private func add(
    _ outputs: UnsafeMutablePointer<Float>, targets: UnsafeMutablePointer<Float>, samples: Int,
    to outcome: UnsafeMutablePointer<Float>
  ) {
    for lane in 0..<lanes {
      var (lowest, highest) = (outcome[lane], outcome[lanes + lane])
      var squaredError = outcome[2 * lanes + lane]
      for sample in 0..<samples {
        let output = outputs[sample * lanes + lane]
        let difference = output - targets[sample]
        squaredError += difference * difference
        // A NaN compares with nothing: once it is a bound, it stays.
        if output < lowest || output.isNaN { lowest = output }
        if output > highest || output.isNaN { highest = output }
      }
      (outcome[lane], outcome[lanes + lane]) = (lowest, highest)
      outcome[2 * lanes + lane] = squaredError
    }
  }

  // MARK: - Places

  func at(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (arena + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }

  func at(_ slot: ThreadSlot, _ thread: Int) -> UnsafeMutablePointer<Float> {
    let offset = program.layout.threadsOffset + thread * program.layout.threadStride
    return (arena + (offset + slot.byteOffset)).assumingMemoryBound(to: Float.self)
  }

  func at(_ slot: BlockSlot, _ group: Int) -> UnsafeMutablePointer<Float> {
    let offset = program.layout.blocksOffset + group * program.layout.blockStride
    return (arena + (offset + slot.byteOffset)).assumingMemoryBound(to: Float.self)
  }
}
