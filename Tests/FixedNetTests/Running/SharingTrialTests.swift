import CSupport
import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("SharingTrial")
struct SharingTrialTests {
  /// Runs that do nothing but wait: `alone` and `together` spins of the clock. Which of them were together.
  private static func run(
    _ trial: inout SharingTrial, _ count: Int, alone: UInt64, together: UInt64, images: Int = 16,
    batch: Int = 16
  ) throws -> [Bool] {
    let network = try TestModels.network(BuiltInModel.lenet.model(), batch: batch, threads: 2)
    let program = try #require(network.trainingProgram?.program)
    var index: UInt32 = 0
    var found: [Bool] = []
    for _ in 0..<count {
      let pixels: [Float] = [0]
      var context = pixels.withUnsafeBufferPointer {
        RunContext(
          kernels: network.instructionSet.kernels, team: nil, threadCount: 2,
          images: ImageSource(.floats($0.baseAddress!, stride: 1)),
          indices: withUnsafePointer(to: &index) { $0 }, imageCount: images)
      }
      trial.run(program, &context) { context in
        let isTogether = context.sharing != .never
        found.append(isTogether)
        let end = cs_ticks() &+ (isTogether ? together : alone)
        while cs_ticks() < end {}
      }
    }
    return found
  }

  @Test("the faster way is found and kept, and tried again later, less often where nothing changes")
  func faster() throws {
    try #require(cs_ticks() != 0)
    var trial = SharingTrial()
    trial.processorCount = 2
    let slow = try Self.run(&trial, 150, alone: 20_000, together: 400_000)
    #expect(slow.suffix(100).allSatisfy { !$0 })
    #expect(slow.prefix(10).contains(true) && slow.prefix(10).contains(false))
    // The machine has changed: the next trial says so.
    let fast = try Self.run(&trial, 250, alone: 400_000, together: 20_000)
    #expect(fast.suffix(50).allSatisfy { $0 })
    let long = try Self.run(&trial, 2_000, alone: 40_000, together: 2_000)
    #expect(long.count { !$0 } < 40, "a trial now and then")
  }

  @Test("runs of other sizes are not compared, and do not hold the trial up for ever")
  func sizes() throws {
    var trial = SharingTrial()
    trial.processorCount = 2
    _ = try Self.run(&trial, 3, alone: 100, together: 100)
    for _ in 0..<30 {
      _ = try Self.run(&trial, 1, alone: 100, together: 100_000, images: 5)
    }
    let rest = try Self.run(&trial, 60, alone: 100, together: 100_000, images: 5)
    #expect(rest.suffix(30).allSatisfy { !$0 })
  }

  @Test("more threads than processors share nothing")
  func crowded() throws {
    var trial = SharingTrial()
    trial.processorCount = 1
    let found = try Self.run(&trial, 40, alone: 400_000, together: 100)
    #expect(found.allSatisfy { !$0 })
  }

  @Test("a block for every thread leaves nothing to try")
  func even() throws {
    var trial = SharingTrial()
    trial.processorCount = 2
    let found = try Self.run(&trial, 20, alone: 100, together: 100, images: 32, batch: 32)
    #expect(found.allSatisfy { $0 })
  }
}
