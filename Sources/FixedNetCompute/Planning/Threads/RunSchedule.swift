/// The schedule of one run, as `Work` and its thread team follow it: phases that every thread must have ended before the
/// next one begins, and what the work in each costs. It says what a number of threads can gain at most, on any machine.
package struct RunSchedule: Sendable, Equatable {
  /// A part of a phase's work.
  package struct Item: Sendable, Equatable {
    /// Of all of it, in multiply-adds of a convolution's kernel, or in whatever was measured.
    package var cost: Double
    package var sharing: Sharing

    package init(_ cost: Double, _ sharing: Sharing) {
      (self.cost, self.sharing) = (cost, sharing)
    }
  }

  /// How an item is divided among threads.
  package enum Sharing: Sendable, Equatable {
    /// Into so many equal units (blocks, rows of a gradient), of which every thread has a contiguous share, as
    /// `BatchContext.share`.
    case units(Int)
    /// Into so many blocks. Every thread has as many whole ones; of those that are left over each is shared by neighbouring
    /// threads, and `slices` is into how many parts it can be cut for them, as `Work.share`.
    case blocks(Int, slices: Int)
    /// Every thread does all of it.
    case everyThread
    /// The first thread does it alone.
    case oneThread
  }

  /// What is done between two points at which the threads meet.
  package struct Phase: Sendable, Equatable {
    package var items: [Item]
    /// Whether a unit goes through all items, one after the other; else the items do not wait for each other.
    package var isChain: Bool

    package init(_ items: [Item], isChain: Bool) {
      (self.items, self.isChain) = (items, isChain)
    }
  }

  package var phases: [Phase]
  /// How often the threads that share a block meet on its way.
  package var groupMeetingCount = 0
  /// Whether threads share the blocks that are left over.
  package var sharesBlocks: Bool { groupMeetingCount > 0 }

  package init(_ phases: [Phase]) { self.phases = phases }

  /// Of one thread.
  package var work: Double { cost(threads: 1) }

  /// What takes no less time on any number of threads: one unit after the other, or the largest one.
  package var longestPath: Double {
    phases.reduce(0) { sum, phase in
      let units = phase.items.map { item in
        switch item.sharing {
        case .units(let count): item.cost / Double(max(1, count))
        case .blocks(let count, let slices): item.cost / Double(max(1, count) * slices)
        case .everyThread, .oneThread: item.cost
        }
      }
      return sum + (phase.isChain ? units.reduce(0, +) : units.max() ?? 0)
    }
  }

  /// Until the last thread is done, where every thread has a processor of its own and meeting costs nothing.
  package func cost(threads: Int) -> Double {
    phases.reduce(0) { $0 + cost(of: $1, threads: threads) }
  }

  /// The threads of the smallest group that shares a block; 1 where no block is left over.
  package func groupSize(threads: Int) -> Int {
    for item in phases.flatMap(\.items) {
      guard case .blocks(let count, _) = item.sharing else { continue }
      return RunSchedule.groupSize(blocks: count, threads: threads)
    }
    return 1
  }

  private static func groupSize(blocks: Int, threads: Int) -> Int {
    blocks % threads == 0 ? 1 : threads / (blocks % threads)
  }

  /// The most that so many threads gain over one.
  package func bound(threads: Int) -> Double {
    let cost = cost(threads: threads)
    return cost > 0 ? work / cost : 1
  }

  /// How often the threads meet, the run's begin included.
  package var meetingCount: Int { phases.count + 1 }

  /// How many blocks' time passes until a thread in the smallest group is done: what it does not do of a shared block it
  /// waits for.
  private static func blocks(_ count: Int, slices: Int, threads: Int) -> Double {
    let whole = Double(count / threads)
    guard count % threads > 0 else { return whole }
    let members = groupSize(blocks: count, threads: threads)
    return whole + Double((slices + members - 1) / members) / Double(slices)
  }

  private func cost(of phase: Phase, threads: Int) -> Double {
    (0..<threads).reduce(0) { most, thread in
      max(
        most,
        phase.items.reduce(0) { sum, item in
          switch item.sharing {
          case .units(let count):
            let share = count * (thread + 1) / threads - count * thread / threads
            return sum + item.cost * Double(share) / Double(max(1, count))
          case .blocks(let count, let slices):
            return sum + item.cost / Double(max(1, count))
              * RunSchedule.blocks(count, slices: slices, threads: threads)
          case .everyThread: return sum + item.cost
          case .oneThread: return sum + (thread == 0 ? item.cost : 0)
          }
        })
    }
  }
}
