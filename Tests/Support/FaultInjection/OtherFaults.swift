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
    for (name, number) in [("SIGINT", SIGINT), ("SIGTERM", SIGTERM), ("SIGHUP", SIGHUP)] {
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
    try expectNoLitter(run, folder)
    _ = try run.load(path)
    try run.finish(path, in: folder, threads: 1)
  }

  private func expectNoLitter(_ run: FaultRun, _ folder: String) throws {
    let litter = run.litter(folder)
    guard litter.isEmpty else { throw FaultError("left behind: \(litter)") }
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
    try expectNoLitter(run, folder)
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

  private func awaitFile(_ path: String, _ process: ChildProcess) {
    while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(500) }
  }

  private func expectRefusal(_ process: ChildProcess, _ fragment: String) throws {
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

  // MARK: - Disks and folders

  /// A disk that the first checkpoint fits on and the next does not; then there is room again.
  private func fullDisk(_ run: FaultRun, _ result: inout FaultResult) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    guard mount(["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]) else {
      return try fileSizeLimit(run, &result)
    }
    result.method = "tmpfs: one line; resumed with room"
    defer { _ = tool("umount", [folder]) }
    let first = try run.start(path, threads: 2)
    awaitFile(path, first)
    first.send(SIGKILL)
    first.wait()
    let before = try run.load(path)?.step ?? 0
    guard before > 0 else { return }
    // All that is free, but for less than a checkpoint.
    fill("\(folder)/ballast", leaving: 64 << 10)
    try expectRefusal(run.start(path, threads: 2), "No space left on device")
    guard try run.load(path)?.step == before else { throw FaultError("another checkpoint") }
    unlink("\(folder)/ballast")
    result.hits += 1
    try run.finish(path, in: folder)
  }

  /// Where nothing can be mounted: a limit on the size of files stands for the disk.
  private func fileSizeLimit(_ run: FaultRun, _ result: inout FaultResult) throws {
    result.method = "limit on file sizes: one line; resumed without"
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try run.start(path, threads: 2)
    awaitFile(path, first)
    first.send(SIGKILL)
    first.wait()
    guard let before = try run.load(path)?.step else { return }
    let command = ["-c", "ulimit -f 64; exec \"$@\"", "sh", "\(tools)/train"]
    let limited = try ChildProcess(
      "/bin/sh", command + ["--resume", path, "--checkpoint", "--quiet"], logs: logs)
    try expectRefusal(limited, "File too large")
    guard try run.load(path)?.step == before else { throw FaultError("another checkpoint") }
    result.hits += 1
    try run.finish(path, in: folder)
  }

  private func fill(_ path: String, leaving rest: Int) {
    var status = statvfs()
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    let folder = (path as NSString).deletingLastPathComponent
    guard statvfs(folder, &status) == 0 else { return }
    posix_fallocate(file, 0, max(1, Int(status.f_bavail) * Int(status.f_bsize) - rest))
  }

  /// Nothing can be written beside the checkpoint: refused before anything is trained.
  private func readOnly(_ run: FaultRun, _ result: inout FaultResult) throws {
    let (folder, path) = try run.place()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let isRoot = geteuid() == 0
    let isMounted = isRoot && mount(["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder])
    guard isMounted || !isRoot else {
      result.skipped = "root writes to every folder, and nothing can be mounted here"
      return
    }
    result.method = isMounted ? "tmpfs: refused at the start" : "permissions: refused at the start"
    defer { if isMounted { _ = tool("umount", [folder]) } }
    let first = try run.start(path, threads: 2)
    awaitFile(path, first)
    first.send(SIGKILL)
    first.wait()
    let before = try run.load(path)?.step
    setWritable(folder, false, isMounted)
    let fragment = isMounted ? "Read-only file system" : "Permission denied"
    do {
      defer { setWritable(folder, true, isMounted) }
      try expectRefusal(run.start(path, threads: 2), fragment)
      guard try run.load(path)?.step == before else { throw FaultError("another checkpoint") }
    }
    result.hits += 1
    try run.finish(path, in: folder)
  }

  private func setWritable(_ folder: String, _ isWritable: Bool, _ isMounted: Bool) {
    if isMounted {
      _ = mount(["-o", "remount,\(isWritable ? "rw" : "ro")", folder])
    } else {
      chmod(folder, isWritable ? 0o755 : 0o555)
    }
  }

  /// The folder gets another name during the run: its next save fails, and what was saved is under the new name.
  private func lostFolder(
    _ run: FaultRun, _ moments: inout Moments, _ result: inout FaultResult
  ) throws {
    let (folder, path) = try run.place()
    let moved = "\(folder)-moved"
    defer { for name in [folder, moved] { try? FileManager.default.removeItem(atPath: name) } }
    let process = try run.start(path, threads: 2)
    awaitFile(path, process)
    rename(folder, moved)
    if process.wait() == 0 {
      try run.check(process, in: moved)
    } else {
      try expectRefusal(process, "No such file or directory")
      result.hits += 1
    }
    let found = "\(moved)/run\(run.test.format)"
    guard try run.load(found) != nil else { throw FaultError("no checkpoint in \(moved)") }
    try run.finish(found, in: moved)
  }

  private func mount(_ arguments: [String]) -> Bool { tool("mount", arguments) }

  private func tool(_ name: String, _ arguments: [String]) -> Bool {
    let process = try? ChildProcess("/usr/bin/env", [name] + arguments, logs: logs)
    return process?.wait(limit: 20) == 0
  }
}
