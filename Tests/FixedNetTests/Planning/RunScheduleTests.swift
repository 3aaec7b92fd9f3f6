import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("RunSchedule and ThreadChoice") struct RunScheduleTests {
  private typealias Phase = RunSchedule.Phase
  private typealias Item = RunSchedule.Item

  @Test("shares, meetings and the longest path, by hand")
  func byHand() {
    // Eight blocks of 2 + 4, then a gradient of three rows beside one that one thread makes.
    let schedule = RunSchedule([
      Phase([Item(16, .units(8)), Item(32, .units(8)), Item(1, .everyThread)], isChain: true),
      Phase([Item(9, .units(3)), Item(4, .oneThread)], isChain: false),
    ])
    #expect(schedule.work == 49 + 13)
    #expect(schedule.longestPath == 2 + 4 + 1 + 4)
    #expect(schedule.meetingCount == 3)
    // Of three rows the first of two threads has one, and the other work beside it.
    #expect(schedule.cost(threads: 2) == 25 + 7)
    // Blocks 2, 3, 3; a row each.
    #expect(schedule.cost(threads: 3) == 19 + 7)
    #expect(schedule.bound(threads: 1) == 1)
    #expect(schedule.bound(threads: 2) == 62.0 / 32)
    // Of sixteen threads eight have a block. The first has no row.
    #expect(schedule.cost(threads: 16) == 7 + 4)
    #expect(RunSchedule([]).bound(threads: 4) == 1)
  }

  @Test("blocks that are left over are shared, by hand")
  func shared() {
    // Three blocks: an operation of 10 each, in up to four slices, and one of 2 that is not cut.
    let schedule = RunSchedule([
      Phase([Item(30, .blocks(3, slices: 4)), Item(6, .blocks(3, slices: 1))], isChain: true)
    ])
    #expect(schedule.work == 36)
    #expect(schedule.longestPath == 2.5 + 2)
    // A block each, and half of the third one while the other waits for the small operation.
    #expect(schedule.cost(threads: 2) == 12 + 5 + 2 && schedule.groupSize(threads: 2) == 2)
    #expect(schedule.cost(threads: 3) == 12 && schedule.groupSize(threads: 3) == 1)
    // Two threads for two blocks, the third thread's is its own: the smallest group counts.
    #expect(schedule.cost(threads: 4) == 12 && schedule.groupSize(threads: 4) == 1)
    #expect(schedule.cost(threads: 6) == 5 + 2)
    // Of three threads one has two of four slices.
    #expect(schedule.cost(threads: 9) == 5 + 2)
    #expect(schedule.cost(threads: 256) == 2.5 + 2)
  }

  private static func plan(
    _ model: Model, batch: Int, isTraining: Bool = true, threads: Int = 1
  ) throws -> NetworkPlan {
    try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: isTraining, threads: threads))
  }

  @Test("the bound of a plan is that of its blocks, whatever number of threads it is for")
  func plans() throws {
    let model = BuiltInModel.lenetPlain.model()
    let schedule = RunSchedule(try Self.plan(model, batch: 128))
    #expect(RunSchedule(try Self.plan(model, batch: 128, threads: 5)) == schedule)
    #expect(schedule.bound(threads: 8) > 7.5 && schedule.bound(threads: 8) <= 8)
    #expect(schedule.bound(threads: 2) > 1.95 && schedule.bound(threads: 2) <= 2)
    // Three blocks: two threads share the third. Small ones are not shared: two of them on one thread.
    let three = RunSchedule(try Self.plan(model, batch: 48))
    #expect(three.bound(threads: 2) > 1.8 && three.bound(threads: 2) < 2)
    let small = RunSchedule(try Self.plan(BuiltInModel.perceptron.model(), batch: 48))
    #expect(small.bound(threads: 2) > 1.5 && small.bound(threads: 2) < 1.7)
    #expect(schedule.longestPath <= schedule.cost(threads: 256))
    // One image whose weights are updated on the way back is one thread's work.
    var options = PlanOptions(batch: 1, isTraining: true)
    options.updatesInBackward = true
    let early = RunSchedule(try NetworkPlan(model, options: options))
    #expect(early.bound(threads: 2) == 1 && early.longestPath == early.work)
    // At the begin, before the update and at the end; one of every normalisation, and one on the way back of those that
    // pass a gradient on: all but the data's.
    #expect(schedule.meetingCount == 3)
    let coupled = RunSchedule(try Self.plan(BuiltInModel.lenet.model(), batch: 128))
    #expect(coupled.meetingCount == 3 + 5 + 4)
    let call = RunSchedule(try Self.plan(model, batch: 128, isTraining: false))
    #expect(call.meetingCount == 2 && call.bound(threads: 4) > 3.9)
  }

  @Test(
    "sixteen threads share the eight blocks of a batch of 128",
    arguments: [(BuiltInModel.lenetPlain, 13.0), (.cnn, 13.0), (.lenet, 11.0)])
  func manyCores(_ builtIn: BuiltInModel, least: Double) throws {
    let schedule = RunSchedule(try Self.plan(builtIn.model(), batch: 128))
    #expect(schedule.bound(threads: 16) >= least, "\(schedule.bound(threads: 16))")
    #expect(schedule.bound(threads: 16) <= 16)
  }

  /// When the last of some threads is done that follow the program as `Work` does: every thread has a clock, and where they
  /// meet all clocks show what the last one does.
  private static func simulate(
    _ plan: NetworkPlan, _ costs: [RunSchedule.Costs], threads: Int
  ) throws -> Double {
    let program = try #require(plan.training)
    let blocks = plan.options.blockCount
    var clocks = [Double](repeating: 0, count: threads)
    func meet() { clocks = clocks.map { _ in clocks.max() ?? 0 } }
    let loaded = LoadedProgram(program)
    let whole = blocks / threads
    func run(_ cost: Double, _ work: BlockWork) {
      if loaded.program.sharesBlocks {
        for thread in 0..<threads { clocks[thread] += Double(whole) * cost / Double(blocks) }
        share(cost / Double(blocks), work)
        return
      }
      for block in 0..<blocks {
        // The thread whose contiguous share has the block.
        let thread = (0..<threads).first { block < blocks * ($0 + 1) / threads } ?? 0
        clocks[thread] += cost / Double(blocks)
      }
    }
    /// The blocks that are left over: each thread of a group does its slices, then waits for the others.
    func share(_ cost: Double, _ work: BlockWork) {
      let rest = blocks % threads
      let slices = work.isCut ? work.slices : 1
      for group in 0..<rest {
        let members = (0..<threads).filter { $0 * rest / threads == group }
        for (index, thread) in members.enumerated() {
          let own = slices * (index + 1) / members.count - slices * index / members.count
          clocks[thread] += cost * Double(own) / Double(slices)
        }
        let last = members.map { clocks[$0] }.max() ?? 0
        for thread in members { clocks[thread] = last }
      }
    }
    let size = plan.options.resolvedBlockSize
    let operations = loaded.program.operations
    run(costs[costs.count - 1].forward, loaded.program.inputWork)
    for index in 0..<program.forwardCount {
      let couples = program.operations[index] is BatchNormalizationOperation
      let work = operations[index].forwardWork(blockSize: size)
      run(costs[index].forward / (couples ? 2 : 1), work)
      guard couples else { continue }
      meet()
      run(costs[index].forward / 2, work)
    }
    for step in program.backwardSteps {
      let normalization = program.operations[step.operation] as? BatchNormalizationOperation
      let couples = normalization?.gradient != nil
      let work = operations[step.operation].backwardWork(blockSize: size)
      run(costs[step.operation].backward / (couples ? 2 : 1), work)
      guard couples else { continue }
      meet()
      run(costs[step.operation].backward / 2, work)
    }
    meet()
    for step in program.backwardSteps {
      let (cost, units) = (costs[step.operation].update, costs[step.operation].updateUnits)
      for unit in 0..<units {
        let thread = (0..<threads).first { unit < units * ($0 + 1) / threads } ?? 0
        clocks[thread] += cost / Double(units)
      }
      if units == 0 { clocks[0] += cost }
    }
    return clocks.max() ?? 0
  }

  @Test(
    "the bound is within a tenth of a schedule simulated with the times of operations",
    arguments: [BuiltInModel.lenet, .lenetPlain, .deepMLP], [128, 80])
  func measured(_ builtIn: BuiltInModel, batch: Int) throws {
    let model = builtIn.model()
    let plan = try Self.plan(model, batch: batch)
    let network = try Network(plan)
    try network.load(try TestModels.weights(model))
    let images = TestModels.images(batch, shape: model.input, classes: 10)
    let trainer = try Trainer(
      network: network, images: images, batch: batch, optimizer: OptimizerConfiguration(), seed: 1)
    let profile = NetworkProfile(of: plan)
    try network.measure(with: profile)
    var costs: [RunSchedule.Costs] = []
    var least = Double.infinity
    // The step that was disturbed least.
    for _ in 0..<20 {
      profile.reset()
      _ = try trainer.runEpoch()
      let found = profile.costs(of: plan)
      let all = found.reduce(0) { $0 + $1.forward + $1.backward + $1.update }
      if all < least { (costs, least) = (found, all) }
    }
    try #require(least > 0)
    for threads in [2, 3, 4, 8, 16] {
      let bound = RunSchedule(plan).bound(threads: threads)
      let single = try Self.simulate(plan, costs, threads: 1)
      let speedup = single / (try Self.simulate(plan, costs, threads: threads))
      #expect(abs(bound / speedup - 1) < 0.1, "\(threads) threads: \(bound), simulated \(speedup)")
      // The same costs give the same, to the last digits.
      let exact = RunSchedule(plan, costs: costs).bound(threads: threads)
      #expect(abs(exact / speedup - 1) < 1e-9)
    }
  }

  private func choice(_ model: Model, batch: Int, isTraining: Bool = true, of processors: Int)
    throws -> ThreadChoice
  {
    let processors = Processors(machine: processors, bound: processors, quota: nil)
    return try ThreadChoice.plan(asked: nil, on: processors) {
      try Self.plan(model, batch: batch, isTraining: isTraining, threads: $0)
    }.threads
  }

  @Test("small work runs on one thread, work for all on all, blocks on as many as they are")
  func choices() throws {
    let lenet = BuiltInModel.lenet.model()
    #expect(try choice(lenet, batch: 1, isTraining: false, of: 16).count == 1)
    #expect(try choice(lenet, batch: 16, of: 2).count == 2)
    #expect(try choice(lenet, batch: 128, of: 2).count == 2)
    #expect(try choice(lenet, batch: 128, of: 4).count == 4)
    #expect((9...32).contains(try choice(lenet, batch: 128, of: 64).count))
    #expect(try choice(lenet, batch: 1024, of: 16).count == 16)
    let small = Model(
      name: "small", input: .vector(8),
      layers: [
        Dense(name: "hidden", units: 8, activation: .relu),
        Dense(name: "out", units: 3, activation: .softmax),
      ])
    for batch in [1, 32, 128] { #expect(try choice(small, batch: batch, of: 16).count == 1) }
    let reason = try choice(small, batch: 128, of: 16).reason
    #expect(reason.hasPrefix("a step is too little work for more, about "))
    #expect(
      try choice(lenet, batch: 128, of: 2).text == "2 threads (this machine has 2 processors)")
    let perceptron = BuiltInModel.perceptron.model()
    #expect(
      try choice(perceptron, batch: 16, of: 2).reason == "a step has 1 block of images to share")
  }

  @Test("what is asked for is planned for, with a word where there are fewer processors")
  func asked() throws {
    let processors = Processors(machine: 16, bound: 16, quota: 1.5)
    for (count, reason) in [
      (2, "asked for"),
      (3, "asked for; its control group gives this process 1.50 processors"),
    ] {
      let (plan, threads) = try ThreadChoice.plan(asked: count, on: processors) {
        try Self.plan(TestModels.small, batch: 4, threads: $0)
      }
      #expect(plan.options.threads == count && threads.count == count)
      #expect(threads.reason == reason)
    }
  }
}
