import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What a program takes of memory while it runs.
private struct Taken {
  var output = ""
  var exitCode: Int32 = 0
  /// The most bytes that no file is behind: of the heap, and of files in memory.
  var own = 0

  /// Runs a tool and looks every few milliseconds.
  init(_ arguments: [String], in folder: String, environment: [String: String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/fixednet")
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let log = "\(folder)/\(UUID().uuidString).log"
    FileManager.default.createFile(atPath: log, contents: nil)
    let file = try #require(FileHandle(forWritingAtPath: log))
    (process.standardOutput, process.standardError) = (file, file)
    try process.run()
    while process.isRunning {
      let status = try? String(
        contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
      let lines = (status ?? "").split(separator: "\n")
      let sizes = lines.filter { $0.hasPrefix("RssAnon:") || $0.hasPrefix("RssShmem:") }
      let kilobytes = sizes.compactMap { Int($0.split(whereSeparator: \.isWhitespace)[1]) }
      own = max(own, kilobytes.reduce(0, +) << 10)
      usleep(2000)
    }
    process.waitUntilExit()
    exitCode = process.terminationStatus
    output = try String(contentsOfFile: log, encoding: .utf8)
  }

  var weightsHash: Substring? {
    output.split(separator: "\n").last { $0.hasPrefix("weights sha256: ") }
  }
}

/// Sets for which a program is told that memory is short.
@Suite("Tools on sets larger than memory")
struct LargeSetToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// 10,000 samples of 800 numbers: 32 MB.
  private func writeSet() throws {
    let (count, width) = (10_000, 800)
    let values = [Float](unsafeUninitializedCapacity: count * width) { values, filled in
      for place in 0..<count * width { values[place] = Float(place % 251) / 251 }
      filled = count * width
    }
    try HDF5Arrays.write(
      path: "\(folder)/set.h5",
      datasets: [
        (name: "x", shape: [count, width], values: values),
        (name: "y", shape: [count], values: (0..<count).map { Float($0 % 3) }),
      ])
  }

  private func train(
    _ data: String, memory: Int?, _ environment: [String: String] = [:],
    model: String = "softmax"
  ) throws -> Taken {
    let options = "train --data \(data) --model \(model) --epochs 1 --threads 1 --batch 32"
    var environment = environment
    environment["FIXEDNET_TEST_MEMORY"] = memory.map { "\($0)" }
    return try Taken(
      options.split(separator: " ").map(String.init), in: folder, environment: environment)
  }

  @Test(
    "32 MB are trained on in a few of memory, with the same weights; the file is in TMPDIR",
    .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status")))
  func mapped() throws {
    try writeSet()
    let plain = try train("set.h5", memory: nil)
    #expect(plain.exitCode == 0 && plain.own > 60_000_000, "\(plain.output)")
    #expect(!plain.output.contains("kept in a file"))
    let place = "\(folder)/scratch"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let large = try train("set.h5", memory: 20_000_000, ["TMPDIR": place])
    #expect(large.exitCode == 0 && large.own < 25_000_000, "\(large.own): \(large.output)")
    #expect(large.output.contains("kept in a file of 32 MB in \(place): more than a quarter"))
    #expect(large.weightsHash != nil && large.weightsHash == plain.weightsHash)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place).isEmpty)
  }

  @Test(
    "samples that are their own answers are there once",
    .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status")))
  func ownTargets() throws {
    try writeSet()
    let model = "mlp:8 --target inputs"
    let plain = try train("set.h5", memory: nil, model: model)
    let large = try train("set.h5", memory: 20_000_000, model: model)
    #expect(plain.exitCode == 0 && large.exitCode == 0, "\(large.output)")
    #expect(large.own < 25_000_000 && plain.own > 60_000_000, "\(large.own), \(plain.own)")
    #expect(large.weightsHash != nil && large.weightsHash == plain.weightsHash)
  }

  @Test(
    "a folder in memory is passed over; a disk that is full is one line",
    .enabled(if: geteuid() == 0))
  func disks() throws {
    let text = (0..<20_000).map { "\($0 % 10),\($0 % 7),\($0 % 9),\($0 % 2)\n" }.joined()
    try text.write(toFile: "\(folder)/set.csv", atomically: true, encoding: .utf8)
    let shared = try train("set.csv", memory: 100_000, ["TMPDIR": "/dev/shm"])
    #expect(shared.exitCode == 0 && !shared.output.contains("in /dev/shm"), "\(shared.output)")
    #expect(shared.output.contains("kept in a file of 1 MB in /"))
    let disk = "\(folder)/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let steps = [
      ["dd", "if=/dev/zero", "of=\(folder)/image", "bs=1k", "count=512"],
      ["mkfs.ext4", "-q", "-O", "^has_journal", "\(folder)/image"],
      ["mount", "-o", "loop", "\(folder)/image", disk],
    ]
    guard try steps.allSatisfy({ try Finished("/usr/bin/env", $0).exitCode == 0 }) else {
      print("skipped: a small disk cannot be mounted here")
      return
    }
    defer { _ = try? Finished("/usr/bin/env", ["umount", disk]) }
    let full = try train("set.csv", memory: 600_000, ["TMPDIR": disk])
    #expect(full.exitCode == 1, "\(full.output)")
    #expect(full.output.split(separator: "\n").count == 1, "\(full.output)")
    #expect(full.output.contains("the disk of \(disk) is full"), "\(full.output)")
  }
}
