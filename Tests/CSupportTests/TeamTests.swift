import CSupport
import Foundation
import Testing

@Suite("Thread team")
struct TeamTests {
  /// What the threads of a run share: a counter per thread, and how often a thread saw another
  /// count than its own behind a barrier.
  private struct Shared {
    var team: OpaquePointer?
    var threads: Int
    var counts: UnsafeMutablePointer<Int>
    var wrong: UnsafeMutablePointer<Int>
  }

  private static let barriersPerRun = 3

  /// Each thread counts, waits for the others, and finds its neighbour's count equal to its own.
  private static let countInStep: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void = {
    let shared = $0.assumingMemoryBound(to: Shared.self).pointee
    let thread = Int($1)
    for _ in 0..<TeamTests.barriersPerRun {
      shared.counts[thread] += 1
      cs_team_barrier(shared.team, $1)
      let neighbour = (thread + 1) % shared.threads
      if shared.counts[neighbour] != shared.counts[thread] { shared.wrong[thread] += 1 }
      cs_team_barrier(shared.team, $1)
    }
  }

  @Test("all threads run in step", arguments: [1, 2, 3, 5])
  func inStep(threads: Int) throws {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: cs_team_size(Int32(threads)), alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: cs_team_size(Int32(threads)))
    let team = try #require(cs_team_start(memory, Int32(threads)))
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2 * threads)
    defer { counts.deallocate() }
    counts.initialize(repeating: 0, count: 2 * threads)
    var shared = Shared(team: team, threads: threads, counts: counts, wrong: counts + threads)
    let runs = threads <= 2 ? 1000 : 200
    for run in 0..<runs {
      if run % 100 == 50 { usleep(3000) }  // long enough for the others to park
      cs_team_run(team, CS_FLUSH_SUBNORMALS, TeamTests.countInStep, &shared)
    }
    cs_team_stop(team)
    for thread in 0..<threads {
      #expect(counts[thread] == runs * TeamTests.barriersPerRun)
      #expect(shared.wrong[thread] == 0)
    }
  }

  /// Threads meet in groups of two, the last one of three where their number is odd.
  private static let countInGroups: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void = {
    let shared = $0.assumingMemoryBound(to: Shared.self).pointee
    let thread = Int($1)
    let group = min(thread / 2, shared.threads / 2 - 1)
    let count = group == shared.threads / 2 - 1 ? shared.threads - 2 * group : 2
    // Some groups meet more often than others.
    for _ in 0..<TeamTests.barriersPerRun + group {
      shared.counts[thread] += 1
      cs_team_meet(shared.team, Int32(2 * group), Int32(count))
      let neighbour = 2 * group + (thread - 2 * group + 1) % count
      if shared.counts[neighbour] != shared.counts[thread] { shared.wrong[thread] += 1 }
      cs_team_meet(shared.team, Int32(2 * group), Int32(count))
    }
  }

  @Test("groups run in step, each by itself", arguments: [2, 3, 5, 6])
  func groups(threads: Int) throws {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: cs_team_size(Int32(threads)), alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: cs_team_size(Int32(threads)))
    let team = try #require(cs_team_start(memory, Int32(threads)))
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2 * threads)
    defer { counts.deallocate() }
    counts.initialize(repeating: 0, count: 2 * threads)
    var shared = Shared(team: team, threads: threads, counts: counts, wrong: counts + threads)
    for run in 0..<200 {
      if run % 50 == 25 { usleep(3000) }
      cs_team_run(team, CS_FLUSH_SUBNORMALS, TeamTests.countInGroups, &shared)
    }
    cs_team_stop(team)
    for thread in 0..<threads {
      let group = min(thread / 2, threads / 2 - 1)
      #expect(counts[thread] == 200 * (TeamTests.barriersPerRun + group))
      #expect(shared.wrong[thread] == 0)
    }
  }

  @Test("without a team the caller runs alone")
  func none() {
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2)
    defer { counts.deallocate() }
    counts.initialize(repeating: 0, count: 2)
    var shared = Shared(team: nil, threads: 1, counts: counts, wrong: counts + 1)
    cs_team_run(nil, CS_FLUSH_SUBNORMALS, TeamTests.countInStep, &shared)
    cs_team_meet(nil, 0, 1)
    cs_team_stop(nil)
    #expect(counts[0] == TeamTests.barriersPerRun && counts[1] == 0)
  }

  /// The smallest normal number halved, on every thread of a run, and on the caller behind it.
  @Test("subnormal numbers are zero, or stay, while a team runs, and only then", arguments: [1, 3])
  func subnormals(threads: Int) throws {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: cs_team_size(Int32(threads)), alignment: 64)
    defer { memory.deallocate() }
    let team = try #require(cs_team_start(memory, Int32(threads)))
    // A float that the compiler does not know, in place of which the threads leave what they found.
    let values = UnsafeMutablePointer<Float>.allocate(capacity: threads)
    defer { values.deallocate() }
    values.initialize(repeating: .leastNormalMagnitude, count: threads)
    func halved(_ subnormals: cs_subnormals) -> [Float] {
      for thread in 0..<threads { values[thread] = .leastNormalMagnitude }
      cs_team_run(
        team, subnormals, { $0.assumingMemoryBound(to: Float.self)[Int($1)] *= 0.5 }, values)
      return (0..<threads).map { values[$0] }
    }
    let half = Float.leastNormalMagnitude / 2
    // The mode of each run is its own, whatever the one before was.
    for _ in 0..<2 {
      #if arch(x86_64) || arch(arm64)
        #expect(halved(CS_FLUSH_SUBNORMALS) == Array(repeating: 0, count: threads))
        #expect(cs_can_flush_subnormals() == 1)
      #endif
      #expect(halved(CS_KEEP_SUBNORMALS) == Array(repeating: half, count: threads))
    }
    // Also where the caller's own mode is to flush.
    Trial.flushing { #expect(halved(CS_KEEP_SUBNORMALS) == Array(repeating: half, count: threads)) }
    cs_team_stop(team)
    // Through a function that the compiler does not look into.
    values[0] = .leastNormalMagnitude
    let kernels = cs_kernels_for(CS_ISA_PORTABLE).pointee
    kernels.affine(1, 0.5, 0, values, values)
    #expect(values[0] > 0)
  }

  @Test("a team can be started and stopped again and again in the same memory")
  func again() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: cs_team_size(3), alignment: 64)
    defer { memory.deallocate() }
    for _ in 0..<50 {
      let team = cs_team_start(memory, 3)
      #expect(team != nil)
      cs_team_stop(team)
    }
  }

  #if os(Linux)
    /// In a process of its own, with room for some thread stacks only.
    @Test("a team that cannot be started is nil and leaves no thread behind")
    func impossible() async {
      await #expect(processExitsWith: .success) {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let used = UInt(pages.prefix { $0 != " " })! * UInt(sysconf(Int32(_SC_PAGESIZE)))
        var limit = rlimit(rlim_cur: used + (256 << 20), rlim_max: used + (256 << 20))
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        func threads() throws -> Int {
          try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        }
        let before = try threads()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: cs_team_size(500), alignment: 64)
        guard cs_team_start(memory, 500) == nil, try threads() <= before + 3 else { exit(1) }
        guard let team = cs_team_start(memory, 2) else { exit(2) }
        cs_team_stop(team)
      }
    }
  #endif
}
