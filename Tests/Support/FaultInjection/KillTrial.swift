import FixedNetFiles
import Foundation

/// What SIGKILL did to the runs of one case.
public struct KillResult: Sendable {
  public var model: String
  public var optimizer: String
  public var format: String
  /// Runs that were killed before their end.
  public var kills = 0
  /// Those that died while a checkpoint was being written: their temporary file was still there.
  public var killsInWrite = 0
  /// Starts from a checkpoint.
  public var resumes = 0
  /// Runs that came to their end, with the undisturbed run's hash.
  public var finished = 0
  /// Loads of the checkpoint, during the run and after each kill.
  public var loads = 0
  /// Checkpoints or steps that were gone, wrong hashes, litter: one line each.
  public var failures: [String] = []
}

extension FaultBench {
  /// Kills `count` runs of a case at moments that `seed` decides, half of them while a checkpoint is written and a quarter
  /// right behind that, and resumes them until they end, as often as it takes.
  public func kill(_ test: FaultCase, count: Int, seed: UInt64) -> KillResult {
    var result = KillResult(
      model: test.name, optimizer: test.optimizer, format: test.format)
    do {
      let run = try FaultRun(self, test)
      var moments = Moments(seed: seed)
      while result.kills < count {
        try killUntilDone(run, count, &moments, &result)
      }
    } catch { result.failures.append("\(test.name), \(test.optimizer): \(error)") }
    return result
  }

  /// One run, from its start to its end.
  private func killUntilDone(
    _ run: FaultRun, _ count: Int, _ moments: inout Moments, _ result: inout KillResult
  ) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let reader = CheckpointReader(run, path)
    var lastStep = 0
    var isDone = false
    var failure: (any Error)?
    do {
      while !isDone {
        if lastStep > 0 { result.resumes += 1 }
        let process = try run.start(path, threads: 1 + moments.next(below: 2))
        if result.kills < count {
          pause(moment: moments.next() * 1.2 * run.seconds, process)
          switch moments.next(below: 4) {
          case 0, 1:
            awaitWrite(folder, process)
            usleep(UInt32(moments.next() * 300))
          case 2:
            // Between a checkpoint and whatever comes behind it.
            awaitWrite(folder, process)
            while process.isRunning, isWriting(folder) {}
          default: break
          }
          process.send(SIGKILL)
        }
        switch process.wait() {
        case 0:
          try run.check(process, in: folder)
          isDone = true
        case 128 + SIGKILL:
          result.kills += 1
          if isWriting(folder) { result.killsInWrite += 1 }
          lastStep = try step(after: lastStep, run, path)
          result.loads += lastStep > 0 ? 1 : 0
        case let code:
          throw FaultError("exit code \(code): \(process.errorText)")
        }
      }
    } catch { failure = error }
    result.loads += try reader.stop()
    if let failure { throw failure }
    try evaluate(run, path)
    result.finished += 1
  }

  /// The checkpoint's step; none may be lost that was there before.
  private func step(after last: Int, _ run: FaultRun, _ path: String) throws -> Int {
    let step = try run.load(path)?.step ?? 0
    guard step >= last else { throw FaultError("step \(step) after step \(last) had been saved") }
    return step
  }

  private func evaluate(_ run: FaultRun, _ path: String) throws {
    let model = run.test.model.hasSuffix(".json") ? "\(folder)/\(run.test.model)" : run.test.model
    let named = run.test.format == ".weights.h5" ? ["--model", model] : []
    let process = try start("eval", [path, "--data", data] + named)
    guard process.wait() == 0 else { throw FaultError("eval: \(process.errorText)") }
  }

  // MARK: - Moments

  /// Waits so many seconds, or until the process has ended.
  func pause(moment seconds: Double, _ process: ChildProcess) {
    while ChildProcess.now < process.started + seconds, process.isRunning { usleep(200) }
  }

  /// Waits until a checkpoint's temporary file is there, or the process has ended.
  func awaitWrite(_ folder: String, _ process: ChildProcess) {
    while process.isRunning, !isWriting(folder) {}
  }

  func isWriting(_ folder: String) -> Bool {
    guard let entries = opendir(folder) else { return false }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let isTemporary = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          let count = strlen(name)
          return strncmp(name, ".run.", 5) == 0 && strcmp(name + (count - 4), ".tmp") == 0
        }
      }
      if isTemporary { return true }
    }
    return false
  }
}
