import Testing

@testable import FixedNetCompute

@Suite("Placement")
struct PlacementTests {
  private typealias Buffer = Placement.Buffer

  @Test("buffers of the public example lie in their 12 bytes")
  func example() throws {
    let text = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"
    let table = try PlacementTable(parsing: text)
    #expect(table.ids == ["b1", "b2", "b3", "b4", "b5"])
    let solution = Placement.solve(table.buffers)
    #expect(solution.byteCount == 12 && solution.isOptimal)
    #expect(PlacementProblems.fault(table.buffers, solution) == nil)
  }

  @Test("what is no longer needed makes room for what comes after it")
  func reuse() {
    let buffers = [
      Buffer(firstStep: 0, lastStep: 1, byteCount: 100),
      Buffer(firstStep: 2, lastStep: 3, byteCount: 80),
      Buffer(firstStep: 4, lastStep: 4, byteCount: 90),
    ]
    #expect(Placement.firstFit(buffers).byteCount == 100)
  }

  /// The least bytes, by trying all orders: one of them puts the buffers of a best placement from the bottom up, each as
  /// low as it can lie on those before it.
  private static func least(
    _ buffers: [Buffer], _ placed: [(buffer: Buffer, offset: Int)] = [], top: Int = 0,
    below best: Int = .max
  ) -> Int {
    if top >= best { return best }
    if buffers.isEmpty { return top }
    var best = best
    for index in buffers.indices {
      let buffer = buffers[index]
      let obstacles = placed.filter {
        $0.buffer.firstStep <= buffer.lastStep && buffer.firstStep <= $0.buffer.lastStep
      }
      let offset =
        ([0] + obstacles.map { $0.offset + $0.buffer.byteCount }).sorted().first { low in
          obstacles.allSatisfy {
            low + buffer.byteCount <= $0.offset || $0.offset + $0.buffer.byteCount <= low
          }
        } ?? 0
      var rest = buffers
      rest.remove(at: index)
      best = least(
        rest, placed + [(buffer, offset)], top: max(top, offset + buffer.byteCount), below: best)
    }
    return best
  }

  @Test("seven buffers lie in as few bytes as any order of them gives, and that is called optimal")
  func allOrders() {
    var searched = 0
    for seed in UInt64(0)..<1500 {
      var draw = PlacementProblems.Draw(seed: 500 + seed)
      let buffers = (0..<7).map { _ in
        let first = draw(0...7)
        return Buffer(
          firstStep: first, lastStep: first + draw(0...3), byteCount: draw(1...9))
      }
      let solution = Placement.solve(buffers)
      guard solution.nodeCount > 0 else { continue }
      searched += 1
      #expect(
        solution.byteCount == Self.least(buffers) && solution.isOptimal, "seed \(seed): \(buffers)")
    }
    #expect(searched >= 20, "or this says little: \(searched)")
  }

  @Test("a rectangle cut into pieces is put together again", arguments: 1...12)
  func perfect(seed: UInt64) {
    let buffers = PlacementProblems.perfect(pieces: 60, steps: 48, units: 200, seed: seed)
    let solution = Placement.solve(buffers, nodeLimit: 30_000)
    #expect(solution.byteCount == 200 * 1024 && solution.isOptimal)
    #expect(Placement.firstFit(buffers).byteCount > solution.byteCount)
    #expect(PlacementProblems.fault(buffers, solution) == nil)
  }

  @Test("with a tenth of its pieces gone it needs no more", arguments: [1, 2, 3, 5, 6])
  func thinned(seed: UInt64) {
    let all = PlacementProblems.perfect(pieces: 80, steps: 60, units: 300, seed: 100 + seed)
    let buffers = all.enumerated().filter { $0.offset % 10 != 0 }.map(\.element)
    let solution = Placement.solve(buffers, nodeLimit: 30_000)
    #expect(solution.byteCount <= 300 * 1024)
    #expect(PlacementProblems.fault(buffers, solution) == nil)
  }

  @Test("networks with skips are placed to the optimum in some hundred nodes", arguments: 1...20)
  func networks(seed: UInt64) {
    let buffers = PlacementProblems.network(layers: 10 + Int(seed) * 2, seed: seed)
    let solution = Placement.solve(buffers)
    #expect(solution.isOptimal, "\(solution.byteCount) of \(solution.lowerBound)")
    #expect(PlacementProblems.fault(buffers, solution) == nil)
  }

  @Test(
    "full at every step, and yet no placement fits: shown by trying every order",
    arguments: [262, 1535, 2960])
  func noPerfectPlacement(seed: Int) {
    let buffers = PlacementProblems.glued(
      pieces: 10 + seed % 6, steps: 6 + seed % 4, units: 6 + seed % 3, seed: UInt64(seed))
    let solution = Placement.solve(buffers)
    #expect(PlacementProblems.fault(buffers, solution) == nil)
    #expect(solution.isOptimal && solution.byteCount > Placement.largestLiveByteCount(buffers))
    let least = PlacementProblems.leastByteCount(buffers, limit: solution.byteCount)
    #expect(least == solution.byteCount)
  }

  @Test("small problems have the answer of trying every order")
  func everyOrder() {
    var draw = PlacementProblems.Draw(seed: 5)
    for _ in 0..<200 {
      let buffers = (0..<draw(3...6)).map { _ in
        let first = draw(0...6)
        return Buffer(
          firstStep: first, lastStep: min(7, first + draw(0...4)), byteCount: draw(1...9))
      }
      let solution = Placement.solve(buffers)
      #expect(solution.isOptimal && PlacementProblems.fault(buffers, solution) == nil)
      #expect(solution.byteCount == PlacementProblems.leastByteCount(buffers), "\(buffers)")
    }
  }

  @Test("the first fit's offsets stay where no fewer bytes are possible or found")
  func firstFitStays() {
    let buffers = PlacementProblems.perfect(pieces: 60, steps: 48, units: 200, seed: 3)
    let greedy = Placement.firstFit(buffers)
    #expect(greedy.byteCount == 250_880)
    // Without a node the parts are still placed by first fit, one by one.
    let solution = Placement.solve(buffers, nodeLimit: 0)
    #expect(solution.byteCount <= greedy.byteCount && solution.nodeCount == 0)
    #expect(!solution.isOptimal && solution.lowerBound == 200 * 1024)
    let chain = (0..<8).map { Buffer(firstStep: $0, lastStep: $0 + 1, byteCount: 64 * (9 - $0)) }
    let placed = Placement.solve(chain)
    #expect(placed.isOptimal && placed.nodeCount == 0)
    #expect(placed.offsets == Placement.firstFit(chain).offsets)
  }

  @Test("the limit on nodes is kept, and the same problem has the same answer")
  func nodeLimit() {
    let buffers = PlacementProblems.perfect(pieces: 120, steps: 90, units: 500, seed: 7)
    for limit in [1, 100, 3000] {
      let solution = Placement.solve(buffers, nodeLimit: limit)
      #expect(solution.nodeCount <= limit)
      #expect(PlacementProblems.fault(buffers, solution) == nil)
      let again = Placement.solve(buffers, nodeLimit: limit)
      #expect(again.offsets == solution.offsets && again.nodeCount == solution.nodeCount)
    }
  }

  @Test("buffers without bytes, and none at all")
  func empty() {
    let none = Placement.solve([Buffer]())
    #expect(none.byteCount == 0 && none.isOptimal && none.offsets.isEmpty)
    let buffers = [
      Buffer(firstStep: 0, lastStep: 3, byteCount: 0),
      Buffer(firstStep: 1, lastStep: 2, byteCount: 64),
    ]
    #expect(Placement.solve(buffers).byteCount == 64)
  }

  @Test("a plan says how far its arena is from the least possible")
  func verdict() throws {
    #expect(MemoryPlan.verdict(byteCount: 640, leastByteCount: 640) == "optimal")
    #expect(
      MemoryPlan.verdict(byteCount: 20_640, leastByteCount: 20_000)
        == "at most 3.20 % (640 bytes) above the least possible")
    var memory = try NetworkPlan(
      BuiltInModel.mlp.model(), options: PlanOptions(batch: 1, isTraining: true)
    ).memory
    #expect(memory.leastByteCount == memory.byteCount)
    #expect(memory.totals.hasSuffix("\nplacement: optimal"))
    memory.leastByteCount = nil
    #expect(!memory.totals.contains("placement:"))
  }
}
