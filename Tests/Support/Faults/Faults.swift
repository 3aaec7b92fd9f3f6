import ArgumentParser
import FaultInjection
import Foundation

@main
struct Faults: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults",
    abstract: "Kills, stops and starves training runs, and checks that nothing is lost.")

  @Option(help: "Runs to kill, shared by all cases.")
  var kills = 200

  @Option(help: "Tries of every other fault.")
  var tries = 10

  @Option(help: "Decides the moments.")
  var seed: UInt64 = 0

  func validate() throws {
    guard kills >= 0, tries >= 0, kills <= 1_000_000, tries <= 1_000_000 else {
      throw ValidationError("--kills and --tries must be from 0 to 1000000")
    }
  }

  func run() throws {
    let started = Date()
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-faults-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tools = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().path
    let bench = try FaultBench(tools: tools, folder: folder)
    let killed = kill(bench)
    let others = tries > 0 ? try disturb(bench) : []
    let failures = killed.flatMap(\.failures) + others.flatMap(\.failures)
    for failure in failures { print("LOST: \(failure)") }
    print(summary(killed, others, failures, seconds: Date().timeIntervalSince(started)))
    if !failures.isEmpty { throw ExitCode.failure }
  }

  private func kill(_ bench: FaultBench) -> [KillResult] {
    guard kills > 0 else { return [] }
    line("model", "optimizer", "format", ["kills", "in write", "resumes", "loads", "same", "lost"])
    return FaultCase.all.enumerated().map { index, test in
      let count = (kills + index) / FaultCase.all.count
      let result = bench.kill(test, count: count, seed: seed &* 1000 &+ UInt64(index))
      line(
        result.model, result.optimizer, result.format,
        [
          result.kills, result.killsInWrite, result.resumes, result.loads, result.finished,
          result.failures.count,
        ].map(String.init))
      return result
    }
  }

  private func disturb(_ bench: FaultBench) throws -> [FaultResult] {
    print()
    line("fault", "", "", ["tries", "hits", "lost"])
    return try bench.otherFaults(count: tries, seed: seed) { result in
      if let reason = result.skipped {
        print("\(result.fault): skipped: \(reason)")
      } else {
        let numbers = [result.tries, result.hits, result.failures.count].map(String.init)
        line(result.fault, "", "", numbers, result.method)
      }
    }
  }

  private func summary(
    _ killed: [KillResult], _ others: [FaultResult], _ failures: [String], seconds: Double
  ) -> String {
    func sum(_ values: [Int]) -> Int { values.reduce(0, +) }
    return "\nfaults: \(sum(killed.map(\.kills))) kills of \(killed.count) networks "
      + "(\(sum(killed.map(\.killsInWrite))) in the middle of a write), "
      + "\(sum(killed.map(\.resumes))) resumes, \(sum(killed.map(\.loads))) loads, "
      + "\(sum(killed.map(\.finished))) finished runs with the undisturbed hash; "
      + "\(sum(others.map(\.tries))) other faults; lost: \(failures.count) "
      + "(\(Int(seconds.rounded())) s, seed \(seed))"
  }

  private func line(
    _ first: String, _ second: String, _ third: String, _ numbers: [String], _ note: String = ""
  ) {
    func left(_ text: String, _ width: Int) -> String {
      text.isEmpty ? "" : text + String(repeating: " ", count: max(1, width - text.count))
    }
    func right(_ text: String) -> String {
      String(repeating: " ", count: max(1, 10 - text.count)) + text
    }
    print(
      left(first, 22) + left(second, 16) + left(third, 12) + numbers.map(right).joined()
        + (note.isEmpty ? "" : "  \(note)"))
    fflush(nil)
  }
}
