import FixedNetFiles
import Foundation

/// Disks and folders that do not hold what they should.
extension FaultBench {
  /// A disk that the first checkpoint fits on and the next does not; then there is room again.
  func fullDisk(_ run: FaultRun, _ result: inout FaultResult) throws {
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
  func readOnly(_ run: FaultRun, _ result: inout FaultResult) throws {
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
  func lostFolder(
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
