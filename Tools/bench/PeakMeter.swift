import CSupport
import FixedNet
import Foundation
import ToolSupport

/// Measures the multiply-adds per second that some threads reach in registers: nothing can compute faster.
/// Wraps `cs_kernels.peak_fma`, run by a thread team.
final class PeakMeter {
  let threads: Int
  /// GFLOP/s of every measurement.
  private(set) var samples = Samples()
  private let memory: UnsafeMutableRawPointer
  private let team: OpaquePointer?
  private let work: UnsafeMutablePointer<Work>
  private let operations: UnsafeMutablePointer<UInt64>

  /// What every thread of the team is handed.
  private struct Work {
    var kernels: UnsafePointer<cs_kernels>
    var iterations: UInt64
    /// One per thread: operations done.
    var operations: UnsafeMutablePointer<UInt64>
  }

  /// `seconds`: how long one measurement is to take.
  /// Throws: `ToolError` if the threads cannot be started.
  init(threads: Int, instructionSet: InstructionSet, seconds: Double) throws {
    self.threads = threads
    memory = .allocate(byteCount: max(cs_team_size(Int32(threads)), 64), alignment: 64)
    team = threads > 1 ? cs_team_start(memory, Int32(threads)) : nil
    operations = .allocate(capacity: threads)
    work = .allocate(capacity: 1)
    work.initialize(
      to: Work(kernels: instructionSet.kernels, iterations: 1_000, operations: operations))
    guard threads == 1 || team != nil else {
      throw ToolError("the system refused \(threads) threads; ask for fewer with --threads")
    }
    // Doubles until a run is long enough to be extrapolated.
    var elapsed = run().seconds
    while elapsed < 0.001 {
      work.pointee.iterations *= 2
      elapsed = run().seconds
    }
    work.pointee.iterations = max(1, UInt64(Double(work.pointee.iterations) * seconds / elapsed))
  }

  deinit {
    if let team { cs_team_stop(team) }
    memory.deallocate()
    operations.deallocate()
    work.deallocate()
  }

  /// The best of three runs in GFLOP/s: what the machine can do now.
  func measure() -> Double {
    let best =
      (0..<3).map { _ in
        let result = run()
        return result.operations / result.seconds * 1e-9
      }.max() ?? .nan
    samples.add(best)
    return best
  }

  private func run() -> (operations: Double, seconds: Double) {
    let elapsed = seconds {
      cs_team_run(
        team, CS_FLUSH_SUBNORMALS,
        { context, thread in
          let work = context.assumingMemoryBound(to: Work.self).pointee
          var sink: Float = 0
          work.operations[Int(thread)] = work.kernels.pointee.peak_fma(work.iterations, &sink)
        }, work)
    }
    let total = (0..<threads).reduce(0.0) { $0 + Double(operations[$1]) }
    return (total, elapsed)
  }
}
