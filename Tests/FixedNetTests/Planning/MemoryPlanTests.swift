import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("Memory plan")
struct MemoryPlanTests {
  private static func lenet(threads: Int = 2) throws -> NetworkPlan {
    try NetworkPlan(
      BuiltInModel.lenet.model(),
      options: PlanOptions(batch: 128, isTraining: true, threads: threads))
  }

  @Test("arenas are at least the lower bound, and at batch 128 within 2 % of it")
  func lowerBound() throws {
    for model in BuiltInModel.digitModels {
      for batch in [1, 4, 16, 128] {
        let plan = try NetworkPlan(
          model.model(), options: PlanOptions(batch: batch, isTraining: true, threads: 2))
        #expect(plan.memory.byteCount >= plan.memory.lowerBound)
        if batch == 128 {
          #expect(Double(plan.memory.byteCount) <= 1.02 * Double(plan.memory.lowerBound))
        }
      }
    }
  }

  @Test("slots that are alive together never overlap, and lie inside the arena")
  func overlap() throws {
    for model in BuiltInModel.digitModels {
      for isTraining in [true, false] {
        let memory = try NetworkPlan(
          model.model(), options: PlanOptions(batch: 32, isTraining: isTraining, threads: 3)
        ).memory
        for (index, slot) in memory.slots.enumerated() {
          let bytes = slot.byteOffset..<slot.byteOffset + slot.byteCount
          let room =
            switch slot.scope {
            case .shared: memory.layout.sharedByteCount
            case .thread: memory.layout.threadStride
            case .block: memory.layout.blockStride
            }
          #expect(bytes.upperBound <= room)
          for other in memory.slots[(index + 1)...]
          where other.scope == slot.scope && other.overlapsInTime(slot) && other.byteCount > 0 {
            let others = other.byteOffset..<other.byteOffset + other.byteCount
            #expect(!bytes.overlaps(others), "\(slot.name) and \(other.name)")
          }
        }
      }
    }
  }

  @Test("the test pass fits into the arena of a training plan", arguments: [1, 5, 16, 128])
  func inferenceInside(batch: Int) throws {
    for model in BuiltInModel.digitModels {
      for threads in [1, 2, 7] {
        let plan = try NetworkPlan(
          model.model(), options: PlanOptions(batch: batch, isTraining: true, threads: threads))
        #expect(plan.inference.layout.byteCount <= plan.memory.byteCount)
        #expect(plan.inference.layout.blockCount >= 1)
      }
    }
  }

  @Test("one byte less than the plan is refused before the first sample")
  func refusal() throws {
    let plan = try Self.lenet()
    let needed = plan.memory.byteCount
    #expect(throws: NetworkError.arena(.tooSmall(needed: needed, found: needed - 1))) {
      try Network(plan, arenaByteCount: needed - 1)
    }
    let network = try Network(plan, arenaByteCount: needed)
    #expect(network.arenaByteCount == needed)
    // The engine, which may be used without a `Network`, refuses it too.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 64)
    defer { memory.deallocate() }
    let loaded = LoadedProgram(plan.inference)
    let inference = plan.inference.layout.byteCount
    for (byteCount, isRefused) in [(inference - 1, true), (inference, false)] {
      let arena = try Arena(base: memory, byteCount: byteCount)
      var refusal: ArenaError?
      do { try loaded.program.check(arena) } catch { refusal = error }
      let expected = ArenaError.tooSmall(needed: inference, found: byteCount)
      #expect(refusal == (isRefused ? expected : nil))
    }
  }

  @Test("a run writes nothing outside its arena", arguments: [1, 2, 3])
  func canaries(threads: Int) throws {
    for batch in [3, 20] {
      let network = try TestModels.network(TestModels.small, batch: batch, threads: threads)
      let images = TestModels.images(batch, shape: TestModels.small.input, classes: 5)
      _ = try network.step(images, update: .sgd(learningRate: 0.1))
      _ = try network.evaluate(images)
      #expect(network.canariesAreIntact)
    }
  }

  @Test("slot names are unique, and parameters carry their datasets' names")
  func names() throws {
    let slots = try Self.lenet().memory.slots
    #expect(Set(slots.map(\.name)).count == slots.count)
    let parameters = slots.filter { $0.region == .parameters || $0.region == .statistics }
    #expect(parameters.first?.name == "bn0/gamma")
    #expect(parameters.last?.name == "dense3/bias")
  }

  @Test("LeNet has the 44,426 parameters of the literature")
  func parameterCount() throws {
    #expect(try BuiltInModel.lenetPlain.model().parameterCount() == 44_426)
    let plan = try NetworkPlan(
      BuiltInModel.lenetPlain.model(), options: PlanOptions(batch: 128, isTraining: true))
    #expect(plan.memory.byteCount(of: .parameters) == 4 * 44_426)
    #expect(plan.memory.byteCount(of: .gradients) >= 4 * 44_426)
  }

  @Test("placement never needs less than the lower bound and never overlaps, over random slots")
  func randomPlacement() {
    var random = Philox(seed: 1, stream: 2).reader()
    func draw(_ range: Range<Int>) -> Int {
      range.lowerBound + Int(random.nextUnit() * Float(range.count))
    }
    for _ in 0..<200 {
      var slots = (0..<draw(1..<25)).map { index in
        let first = draw(0..<20)
        return PlannedSlot(
          name: "\(index)", shape: [], region: .activations, scope: .block, firstStep: first,
          lastStep: first + draw(0..<8), byteCount: 64 * draw(1..<40))
      }
      let byteCount = Placement.place(&slots)
      #expect(byteCount >= Placement.lowerBound(slots))
      for (index, slot) in slots.enumerated() {
        for other in slots[(index + 1)...] where slot.overlapsInTime(other) {
          #expect(
            slot.byteOffset + slot.byteCount <= other.byteOffset
              || other.byteOffset + other.byteCount <= slot.byteOffset)
        }
      }
    }
  }

  @Test("on a narrow terminal every number stays, and no line is wider", arguments: [80, 100])
  func narrow(columns: Int) throws {
    for model in BuiltInModel.allCases {
      let memory = try NetworkPlan(
        model.model(),
        options: PlanOptions(
          batch: 128, isTraining: true, threads: 8,
          loss: model == .autoencoder ? .meanSquaredError : nil)
      ).memory
      let text = memory.text(columns: columns)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.map(\.count).max() ?? 0 <= columns)
      for slot in memory.slots {
        let (offset, bytes) = (
          Format.grouped(memory.arenaOffset(of: slot)), Format.grouped(slot.byteCount)
        )
        #expect(lines.contains { $0.split(separator: " ").prefix(2) == [offset[...], bytes[...]] })
      }
      #expect(memory.text(columns: 200) == memory.description)
      // What is left of a name stands for one slot.
      let names = Set(memory.slots.map(\.name))
      for word in lines.flatMap({ $0.split(separator: " ") }) where word.hasPrefix("..") {
        let meant = names.filter { $0.count > word.count && $0.hasSuffix(word.dropFirst(2)) }
        #expect(meant.count <= 1, "\(model) \(word): \(meant)")
      }
    }
  }
}
