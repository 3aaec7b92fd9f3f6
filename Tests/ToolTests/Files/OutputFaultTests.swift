import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Standard streams and files that cannot be written.
@Suite("output that fails")
struct OutputFaultTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  @Test(
    "output that cannot be written is a failure: a full disk, a closed stream",
    arguments: [
      ("train", "--model softmax --epochs 1 --json"), ("train", "--help"), ("plan", "lenet"),
      ("study", "list"),
    ])
  func fullOutput(tool: String, options: String) throws {
    let arguments = ["\(Tool.folder)/\(tool)"] + options.split(separator: " ").map(String.init)
    for (place, reason) in [
      (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
    ] {
      let run = try Finished(
        "/bin/sh", ["-c", "exec \"$0\" \"$@\" \(place)"] + arguments, in: folder)
      Tool.expectRefusal(run, "\(tool): cannot write to standard output: \(reason)")
    }
    // Wrong use, and nobody to be told.
    for place in ["2>/dev/full", "2>&-"] {
      let run = try Finished(
        "/bin/sh", ["-c", "exec \"$0\" --bogus \(place)", arguments[0]], in: folder)
      #expect(run.exitCode == 64 && run.errors.isEmpty)
    }
  }

  /// Where standard output is closed, no file may take its place and be printed into.
  @Test("a checkpoint of a run whose streams are closed is the same")
  func closedStreams() throws {
    let options = "--model softmax --epochs 1 --quiet --output".split(separator: " ").map(
      String.init)
    let plain = try Finished("\(Tool.folder)/train", options + ["plain.h5"], in: folder)
    #expect(plain.exitCode == 0, "\(plain.errors)")
    let closed = try Finished(
      "/bin/sh",
      ["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", "\(Tool.folder)/train"] + options + ["closed.h5"],
      in: folder)
    #expect(closed.exitCode == 1)
    let files = try ["plain.h5", "closed.h5"].map { try KerasFile.read(path: "\(folder)/\($0)") }
    #expect(files[0].weights == files[1].weights)
  }

  @Test("a file beyond the limit on sizes is one line, and the old one survives")
  func sizeLimit() throws {
    let old = Data("an old file of weights".utf8)
    for name in ["run.h5", "run.best.h5"] { try old.write(to: URL(filePath: "\(folder)/\(name)")) }
    let options = "--model mlp --epochs 1 --quiet --output run.h5".split(separator: " ")
    let run = try Finished(
      "/bin/sh",
      ["-c", "ulimit -f 8; exec \"$0\" \"$@\"", "\(Tool.folder)/train"] + options.map(String.init),
      in: folder)
    Tool.expectRefusal(run, ": File too large")
    for name in ["run.h5", "run.best.h5"] {
      #expect(FileManager.default.contents(atPath: "\(folder)/\(name)") == old)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
  }
}
