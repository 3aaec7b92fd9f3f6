import Foundation

/// What a kind of fault did.
public struct FaultResult: Sendable {
  public var fault: String
  /// What was done to the runs, and how.
  public var method: String
  public var tries = 0
  /// Tries where the fault hit: a run that had ended before is none.
  public var hits = 0
  /// What went wrong: one line each.
  public var failures: [String] = []
  /// Why it could not be tried here.
  public var skipped: String?
}

extension FaultBench {
  /// Runs every kind of fault but SIGKILL, `count` times each.
  public func otherFaults(count: Int, seed: UInt64, report: (FaultResult) -> Void) throws
    -> [FaultResult]
  {
    let run = try FaultRun(self, .first)
    var moments = Moments(seed: seed)
    var results: [FaultResult] = []
    func add(
      _ fault: String, _ method: String, tries: Int,
      _ body: (inout FaultResult, inout Moments) throws -> Void
    ) {
      var result = FaultResult(fault: fault, method: method)
      for _ in 0..<tries where result.skipped == nil {
        result.tries += 1
        do { try body(&result, &moments) } catch {
          result.failures.append("\(fault): \(error)")
        }
      }
      results.append(result)
      report(result)
    }
    for (name, number) in [
      ("SIGINT", SIGINT), ("SIGTERM", SIGTERM), ("SIGHUP", SIGHUP), ("SIGPIPE", SIGPIPE),
    ] {
      add(name, "saved, resumed", tries: count) { try signal(number, run, &$1, &$0) }
    }
    add("SIGINT twice", "in a write: nothing left behind", tries: count) {
      try signalTwice(run, &$1, &$0)
    }
    add("SIGSTOP, SIGCONT", "in a write: loadable meanwhile", tries: count) {
      try pause(run, &$1, &$0)
    }
    add("second run", "refused with the first's number", tries: count) { result, _ in
      try secondRun(run, &result)
    }
    add("five at once", "one runs, four are refused", tries: max(1, count / 4)) { result, _ in
      try race(run, &result)
    }
    for (name, number) in [("SIGKILL", SIGKILL), ("SIGINT", SIGINT)] {
      add("full batch: \(name)", "loadable; goes on from there", tries: max(1, count / 4)) {
        try fullBatch(number, run, &$1, &$0)
      }
    }
    add("full disk", "", tries: max(1, count / 4)) { result, _ in try fullDisk(run, &result) }
    add("read-only folder", "", tries: 1) { result, _ in try readOnly(run, &result) }
    add("folder moved away", "one line; resumed there", tries: max(1, count / 4)) {
      try lostFolder(run, &$1, &$0)
    }
    return results
  }

  // MARK: - Signals

  private func signal(
    _ number: Int32, _ run: FaultRun, _ moments: inout Moments, _ result: inout FaultResult
  ) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let process = try run.start(path, threads: 2)
    pause(moment: moments.next() * run.seconds, process)
    if moments.next() < 0.5 { awaitWrite(folder, process) }
    process.send(number)
    let code = process.wait(limit: 20)
    guard code == 128 + number || code == 0 else {
      throw FaultError("exit code \(code): \(process.errorText)")
    }
    result.hits += code == 0 ? 0 : 1
    try run.checkLitter(folder)
    _ = try run.load(path)
    try run.finish(path, in: folder, threads: 1)
  }

  private func signalTwice(
    _ run: FaultRun, _ moments: inout Moments, _ result: inout FaultResult
  ) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let process = try run.start(path, threads: 2)
    pause(moment: moments.next() * run.seconds, process)
    process.send(SIGINT)
    awaitWrite(folder, process)
    usleep(UInt32(moments.next() * 300))
    process.send(SIGINT)
    let code = process.wait(limit: 20)
    guard code == 128 + SIGINT || code == 0 else {
      throw FaultError("exit code \(code): \(process.errorText)")
    }
    result.hits += code == 0 ? 0 : 1
    try run.checkLitter(folder)
    _ = try run.load(path)
    try run.finish(path, in: folder)
  }

  private func pause(_ run: FaultRun, _ moments: inout Moments, _ result: inout FaultResult) throws
  {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let process = try run.start(path, threads: 2)
    pause(moment: moments.next() * run.seconds, process)
    awaitWrite(folder, process)
    process.send(SIGSTOP)
    // Stopped or not yet: the system says so a moment later.
    usleep(5_000)
    if isWriting(folder) { result.hits += 1 }
    _ = try run.load(path)
    process.send(SIGCONT)
    guard process.wait() == 0 else { throw FaultError(process.errorText) }
    try run.check(process, in: folder)
  }

  // MARK: - Two runs

  func awaitFile(_ path: String, _ process: ChildProcess) {
    while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(500) }
  }

  func expectRefusal(_ process: ChildProcess, _ fragment: String) throws {
    let code = process.wait(limit: 20)
    let text = process.errorText
    guard code == 1, text.contains(fragment), text.split(separator: "\n").count == 1 else {
      throw FaultError("expected one line with '\(fragment)', found exit code \(code): \(text)")
    }
  }

  /// A second run on the same checkpoint; then the first is killed, and its lock with it.
  private func secondRun(_ run: FaultRun, _ result: inout FaultResult) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try run.start(path, threads: 2)
    // Before there is a checkpoint, and after.
    awaitFile("\(folder)/.run\(run.test.format).lock", first)
    let early = try run.start(path, threads: 1)
    awaitFile(path, first)
    first.send(SIGSTOP)
    if first.isRunning {
      try expectRefusal(early, "process \(first.pid) is writing it")
      try expectRefusal(run.start(path, threads: 1), "process \(first.pid) is writing it")
      result.hits += 1
    }
    first.send(SIGKILL)
    first.wait()
    try run.finish(path, in: folder)
  }

  private func race(_ run: FaultRun, _ result: inout FaultResult) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let all = try (0..<5).map { _ in try run.start(path, threads: 1) }
    let winners = try all.filter { process in
      guard process.wait() != 0 else { return true }
      try expectRefusal(process, "is writing it")
      return false
    }
    // One that starts late may find the first at its end, and nothing left to do.
    guard let winner = winners.first else { throw FaultError("nobody ran") }
    if winners.count == 1 { result.hits += 1 }
    try run.check(winner, in: folder)
  }

  // MARK: - Full batch

  /// A solver's steps cannot be resumed, but the weights of its last checkpoint are a start.
  private func fullBatch(
    _ number: Int32, _ run: FaultRun, _ moments: inout Moments, _ result: inout FaultResult
  ) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let options = [
      "--optimizer", moments.next() < 0.5 ? "lbfgs" : "truncated-newton", "--data", data,
      "--output",
      path, "--checkpoint-every", "1", "--quiet", "--evaluations",
    ]
    let process = try start("train", ["--model", "perceptron"] + options + ["100000"])
    awaitFile(path, process)
    pause(moment: ChildProcess.now - process.started + moments.next() * 0.2, process)
    process.send(number)
    let code = process.wait(limit: 20)
    guard code == 128 + number || code == 0 else {
      throw FaultError("exit code \(code): \(process.errorText)")
    }
    result.hits += code == 0 ? 0 : 1
    if number != SIGKILL { try run.checkLitter(folder) }
    try expectRefusal(
      start("train", ["--resume", path, "--checkpoint"]), "with --model or --weights")
    let next = try start("train", ["--model", path] + options + ["50"])
    guard next.wait() == 0 else { throw FaultError(next.errorText) }
    try run.checkLitter(folder)
  }
}
