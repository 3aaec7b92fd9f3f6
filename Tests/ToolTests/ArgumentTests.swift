import Foundation
import TestSupport
import Testing

/// Arguments that are bytes and no texts, and what a refused run leaves behind.
@Suite("names on the command line")
struct ArgumentTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  @Test(
    "a name that is not UTF-8 is refused before anything else",
    arguments: [
      (
        "train", "--model softmax --epochs 1 --output", #"a\377.h5"#,
        #"argument 6 is not UTF-8: 'a\xff.h5'"#
      ),
      ("eval", "", #"\303\050.h5"#, #"argument 1 is not UTF-8: '\xc3(.h5'"#),
      (
        "plan", "lenet --svg", #"\355\240\200.svg"#, #"argument 3 is not UTF-8: '\xed\xa0\x80.svg'"#
      ),
      (
        "study", "softmax --quick --output", #"r\300\200"#, #"argument 4 is not UTF-8: 'r\xc0\x80'"#
      ),
      ("bench", "--peers --python", #"\033\377"#, #"argument 3 is not UTF-8: '\x1b\xff'"#),
    ])
  func bytes(_ tool: String, _ options: String, _ name: String, _ message: String) throws {
    // What a repaired name would be: it must neither be read nor written.
    try Data().write(to: URL(filePath: "\(folder)/\u{FFFD}(.h5"))
    let before = names
    let script = "exec '\(Tool.folder)/\(tool)' \(options) \"$(printf '\(name)')\""
    let run = try Finished("/bin/sh", ["-c", script], in: folder)
    Tool.expectRefusal(run, "\(tool): \(message); names of files must be, so rename it")
    #expect(names == before)
  }

  @Test(
    "folders of the environment that are not UTF-8 are refused",
    arguments: ["HOME", "FIXEDNET_DATA"])
  func environment(_ name: String) throws {
    let script = "\(name)=\"$(printf '/a\\377')\" exec '\(Tool.folder)/plan' lenet"
    let run = try Finished("/bin/sh", ["-c", script], in: folder)
    Tool.expectRefusal(run, #"plan: $\#(name) is not UTF-8: '/a\xff'"#)
  }

  @Test("a working folder of any name will do")
  func workingFolder() throws {
    let script = """
      mkdir "$(printf 'w\\377')" && cd "$(printf 'w\\377')" && \
      '\(Tool.folder)/train' --model softmax --epochs 1 --quiet --validation-fraction 0.1 --output m.h5 --history h.csv && \
      '\(Tool.folder)/eval' m.h5 --json > e.json && ls -A
      """
    let run = try Finished("/bin/sh", ["-c", script], in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.hasSuffix("e.json\nh.csv\nm.best.h5\nm.h5\n"), "\(run.output)")
    #expect(names.count == 1)
  }

  @Test("a run that is refused because another writes the file leaves nothing")
  func refusedLock() throws {
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/train")
    process.arguments = [
      "--model", "lenet-plain", "--epochs", "100000", "--quiet", "--output", "a.h5", "--history",
      "h.csv",
    ]
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    for _ in 0..<6000 where !names.contains("m.h5") && !names.contains(".h.csv.lock") {
      usleep(5_000)
    }
    // The lock itself follows the file.
    usleep(50_000)
    // Temporary files of the first run come and go.
    func lasting() -> [String] {
      names.filter { !$0.hasSuffix(".tmp") && !$0.hasPrefix("a.") && $0 != "h.csv" }
    }
    let before = lasting()
    #expect(before == [".a.best.h5.lock", ".a.h5.lock", ".h.csv.lock"])
    for options in [
      "--output a.h5", "--output b.h5 --history h.csv", "--resume c.h5 --output a.best.h5",
      "--output b.keras --batch-history h.csv",
    ] {
      let isResume = options.hasPrefix("--resume")
      let run = try Tool.run(
        "train", isResume ? options : "--model softmax --epochs 1 \(options)", in: folder)
      Tool.expectRefusal(run, "process \(process.processIdentifier) is writing it")
      #expect(lasting() == before, "\(options)")
    }
  }
}
