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

  package init(_ phases: [Phase]) { self.phases = phases }

  /// Of one thread.
  package var work: Double { cost(threads: 1) }

  /// What takes no less time on any number of threads: one unit after the other, or the largest one.
  package var longestPath: Double {
    phases.reduce(0) { sum, phase in
      let units = phase.items.map { item in
        if case .units(let count) = item.sharing {
          item.cost / Double(max(1, count))
        } else {
          item.cost
        }
      }
      return sum + (phase.isChain ? units.reduce(0, +) : units.max() ?? 0)
    }
  }

  /// Until the last thread is done, where every thread has a processor of its own and meeting costs nothing.
  package func cost(threads: Int) -> Double {
    phases.reduce(0) { $0 + cost(of: $1, threads: threads) }
  }

  /// The most that so many threads gain over one.
  package func bound(threads: Int) -> Double {
    let cost = cost(threads: threads)
    return cost > 0 ? work / cost : 1
  }

  /// How often the threads meet, the run's begin included.
  package var meetingCount: Int { phases.count + 1 }

  private func cost(of phase: Phase, threads: Int) -> Double {
    (0..<threads).reduce(0) { most, thread in
      max(
        most,
        phase.items.reduce(0) { sum, item in
          switch item.sharing {
          case .units(let count):
            let share = count * (thread + 1) / threads - count * thread / threads
            return sum + item.cost * Double(share) / Double(max(1, count))
          case .everyThread: return sum + item.cost
          case .oneThread: return sum + (thread == 0 ? item.cost : 0)
          }
        })
    }
  }
}
