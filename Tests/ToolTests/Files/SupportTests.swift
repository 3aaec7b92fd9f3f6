import FixedNet
import Foundation
import MallocCounter
import TestSupport
import Testing
import ToolSupport

@Suite("Files that are read and written")
struct FileGuardTests {
  @Test("an output that is an input, another output or a folder is refused, whatever its spelling")
  func refusals() throws {
    let folder = try Fixtures.temporaryFolder()
    let (a, b) = ("\(folder)/a.h5", "\(folder)/b.h5")
    try Data([1]).write(to: URL(filePath: a))
    try FileManager.default.createSymbolicLink(atPath: b, withDestinationPath: a)
    for (read, written, other) in [
      (a, a, nil), (a, b, nil),
      (a, "\(folder)/../\(URL(filePath: folder).lastPathComponent)/a.h5", nil),
      (nil, "\(folder)/new.csv", "\(folder)/./new.csv"), (nil, folder, nil),
      (nil, "\(folder)/new.csv", "\(folder)/New.CSV"),
    ] as [(String?, String, String?)] {
      var files = FileGuard()
      files.reads(read, "--data")
      files.writes(written, "--output")
      files.writes(other, "--history")
      #expect(throws: (any Error).self, "\(written)") { try files.check() }
    }
    var files = FileGuard()
    files.reads(a, "--data")
    files.reads(b, "--model")
    files.writes("\(folder)/c.h5", "--output")
    files.writes("\(folder)/c.csv", "--history")
    try files.check()
  }
}

@Suite("Progress line")
struct ProgressLineTests {
  @Test("drawing shows the figures and allocates nothing")
  func drawing() throws {
    let path = "\(try Fixtures.temporaryFolder())/line.txt"
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    var line = ProgressLine(descriptor: file, isTerminal: true)
    var before: UInt64 = 0
    for step in 1...300 {
      if step == 2 { before = malloc_counter_calls() }
      line.draw(
        epoch: 2, of: 10, step: step, stepsPerEpoch: 300, loss: 1.23456, accuracy: 0.98765,
        epochSeconds: Double(step) * 0.01, stepsDone: step)
    }
    let spent = malloc_counter_calls() - before
    #expect(spent == 0)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(
      text.contains(
        "epoch 2/10 [=========]  100 batches/s  loss 1.2346  accuracy 98.77 %  24 s left\u{1B}[K"))
  }
}

@Suite("Sizes and numbers")
struct FormatTests {
  @Test("sizes take B, KiB, MiB and GiB")
  func sizes() {
    #expect(ByteCount(argument: "256KiB")?.bytes == 262_144)
    #expect(ByteCount(argument: "1.5MiB")?.bytes == 1_572_864)
    #expect(ByteCount(argument: "100")?.bytes == 100)
    #expect(ByteCount(argument: "7B")?.bytes == 7)
    for wrong in ["", "KiB", "-1KiB", "0", "1KB", "nan", "inf", "1e300", "12 apples"] {
      #expect(ByteCount(argument: wrong) == nil, "\(wrong)")
    }
  }

  @Test("numbers are grouped, with units")
  func numbers() {
    #expect(Format.grouped(1_234_567) == "1,234,567")
    #expect(Format.grouped(-12) == "-12")
    #expect(Format.bytes(5_804_672) == "5,804,672 bytes (5.54 MiB)")
    #expect(Format.bytes(2048) == "2,048 bytes (2.00 KiB)")
    #expect(Format.percent(0.98765) == "98.77 %")
  }
}
