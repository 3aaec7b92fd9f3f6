import Foundation

/// How many threads a network is run on, and why so many. Results do not depend on it.
package struct ThreadChoice: Equatable, Sendable {
  package var count: Int
  /// "this machine has 2 processors"
  package var reason: String

  package init(count: Int, reason: String) {
    (self.count, self.reason) = (count, reason)
  }

  /// "2 threads (this machine has 2 processors)"
  package var text: String { "\(count) thread\(count == 1 ? "" : "s") (\(reason))" }

  /// What is asked for, or else as many as the process may use and the network's runs are worth.
  ///
  /// - Parameters:
  ///   - asked: nil: nobody said.
  ///   - make: plans for a number of threads.
  package static func plan<Failure: Error>(
    asked: Int?, on processors: Processors = .available,
    _ make: (Int) throws(Failure) -> NetworkPlan
  ) throws(Failure) -> (plan: NetworkPlan, threads: ThreadChoice) {
    if let asked {
      let plan = try make(asked)
      return (plan, ThreadChoice.asked(asked, on: processors).fitting(plan))
    }
    let first = try make(processors.count)
    let choice = ThreadChoice(for: first, on: processors)
    let plan = choice.count == first.options.threads ? first : try make(choice.count)
    return (plan, choice.fitting(plan))
  }

  /// One thread where the plan is for one whatever was asked for.
  private func fitting(_ plan: NetworkPlan) -> ThreadChoice {
    guard plan.options.threads != count else { return self }
    return ThreadChoice(
      count: plan.options.threads, reason: "weights are updated in the backward pass, by one")
  }

  /// As many as the process may use, whatever they are for.
  package static func all(asked: Int?, on processors: Processors = .available) -> ThreadChoice {
    asked.map { .asked($0, on: processors) }
      ?? ThreadChoice(count: processors.count, reason: processors.text)
  }

  private static func asked(_ count: Int, on processors: Processors) -> ThreadChoice {
    let isCrowded = count > processors.count
    return ThreadChoice(
      count: count, reason: isCrowded ? "asked for; \(processors.text)" : "asked for")
  }

  /// The time of a multiply-add in a kernel, of the processor that the estimates were compared with (Zen 5, 512-bit
  /// vectors), and what it costs n threads to meet: `meeting` + n `meetingOfThread`. Units: seconds.
  private static let multiplyAdd = 1 / 50e9
  private static let meeting = 0.4e-6
  private static let meetingOfThread = 0.2e-6

  /// What more threads must gain: less is within what a shared machine takes away again.
  private static let leastGain = 0.05

  /// What is worth it for the plan's runs: the fewest threads that are as good as any number up to the processors'.
  package init(for plan: NetworkPlan, on processors: Processors) {
    let most = max(1, min(processors.count, PlanOptions.threadLimit))
    let schedule = RunSchedule(plan)
    func seconds(_ threads: Int) -> Double {
      guard threads > 1 else { return schedule.cost(threads: 1) * ThreadChoice.multiplyAdd }
      func meeting(_ threads: Int) -> Double {
        ThreadChoice.meeting + Double(threads) * ThreadChoice.meetingOfThread
      }
      let members = schedule.groupSize(threads: threads)
      return schedule.cost(threads: threads) * ThreadChoice.multiplyAdd
        + Double(schedule.meetingCount) * meeting(threads)
        + (members > 1 ? Double(schedule.groupMeetingCount) * meeting(members) : 0)
    }
    var best = (threads: 1, seconds: seconds(1))
    for threads in 1...most {
      let time = seconds(threads)
      if time < best.seconds * (1 - ThreadChoice.leastGain) { best = (threads, time) }
    }
    count = best.threads
    let kind = plan.options.isTraining ? "a step" : "a call"
    if count == processors.count {
      reason = processors.text
    } else if plan.options.blockCount <= count, !schedule.sharesBlocks {
      let blocks = plan.options.blockCount
      reason = "\(kind) has \(blocks) block\(blocks == 1 ? "" : "s") of images to share"
    } else {
      let micros = Format.fixed(seconds(1) * 1e6, seconds(1) < 1e-5 ? 1 : 0)
      reason = "\(kind) is too little work for more, about \(micros) us"
    }
  }
}
