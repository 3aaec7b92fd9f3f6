import Foundation
import TestSupport
import Testing

/// The process that parses files: what it can do, and what becomes of a tool whose files do not keep still.
@Suite("Confinement")
struct ConfinementTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func confined(_ act: String, _ more: String...) throws -> Int32 {
    try Finished("\(Tool.folder)/confined", [act] + more, in: folder).exitCode
  }

  /// 128 + SIGSYS.
  private static let killed: Int32 = 159

  @Test(
    "what a helper must not do ends it: the system kills it in the call",
    arguments: [
      "open", "create", "unlink", "socket", "fork", "exec", "kill", "read", "map-file", "map-code",
      "make-code",
    ])
  func forbidden(_ act: String) throws {
    #expect(try confined(act) == Self.killed)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/planted"))
  }

  @Test("without the confinement the same program does the same things")
  func free() throws {
    for act in ["open", "create", "socket", "fork", "map-code"] {
      #expect(try confined(act, "free") == 0, "\(act)")
    }
  }

  @Test("it has memory, may wait, has a second of the processor, and what it prints goes nowhere")
  func limits() throws {
    #expect(try confined("allocate") == 0)
    #expect(try confined("wait") == 0)
    #expect(try confined("memory") == 1)
    #expect(try confined("print") == 1)
    // 128 + SIGKILL, or SIGXCPU: the hard limit is the soft one.
    #expect([137, 152].contains(try confined("spin")))
  }

  // MARK: - Tools

  private var model: String { Fixtures.local("keras/p04_mlp.h5") }
  private var data: String { Fixtures.local("keras/p04_mlp.io.h5") }

  /// Runs `eval` through a shell, which sets something before.
  private func eval(after commands: String, _ arguments: String, tools: String? = nil) throws
    -> Finished
  {
    try Finished(
      "/bin/sh", ["-c", "\(commands) exec \(tools ?? Tool.folder)/eval \(arguments)"], in: folder)
  }

  @Test("a tool without the helper beside it reads files all the same, by itself")
  func alone() throws {
    let copy = "\(folder)/alone"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    try Executable.copy("\(Tool.folder)/eval", to: "\(copy)/eval")
    let run = try eval(after: "", "\(model) --inputs \(data)", tools: copy)
    let usual = try Tool.run("eval", files: [model, "--inputs", data], "", in: folder)
    #expect(run.exitCode == 0 && run.output == usual.output, "\(run.errors)")
  }

  @Test(
    "limits of the session that leave no room end in one line",
    arguments: ["ulimit -n 4;", "ulimit -n 9;", "ulimit -v 400000;"])
  func session(_ limit: String) throws {
    let run = try eval(after: limit, "\(model) --inputs \(data)")
    guard run.exitCode != 0 else { return }
    Tool.expectRefusal(run, "cannot read")
  }

  @Test("who ignores the ends of children can start a tool all the same")
  func ignoredChildren() throws {
    let run = try eval(after: "trap '' CHLD;", "\(model) --inputs \(data)")
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  @Test(
    "a helper is started beforehand for a file that is read, not for one that is written",
    .enabled(if: Opened.strace != nil, "needs strace, and leave to trace: apt-get install strace"))
  func beforehand() throws {
    for (tool, arguments, isRead) in [
      ("eval", ["x.h5", "--nonsense"], true), ("train", ["--resume", "x.h5", "--nonsense"], true),
      ("train", ["--output", "x.h5", "--nonsense"], false),
      ("train", ["--output=x.h5", "--nonsense"], false),
    ] {
      let opened = try Opened.names("\(Tool.folder)/\(tool)", arguments, in: folder)
      #expect(opened.run.exitCode == 64)
      let isStarted = opened.names.contains { $0.hasSuffix("fixednet-reader") }
      #expect(isStarted == isRead, "\(arguments)")
    }
  }

  @Test("a file that is swapped, cut, or grows while it is read: one of its contents, or one line")
  func swapped() throws {
    let path = "\(folder)/m.h5"
    let good = try Data(contentsOf: URL(filePath: model))
    let bad = try Data(contentsOf: URL(filePath: Fixtures.local("malformed/m90_heap_segfault.h5")))
    let expected = try Tool.run("eval", files: [model, "--inputs", data], "", in: folder).output
      .replacing(model, with: path)
    let stop = Stop()
    let writer = Thread {
      var turn = 0
      while !stop.isSet {
        turn += 1
        switch turn % 4 {
        case 0: try? good.write(to: URL(filePath: path))
        case 1: try? bad.write(to: URL(filePath: path))
        case 2: try? good.prefix(good.count / 2).write(to: URL(filePath: path))
        default: try? (good + good).write(to: URL(filePath: path))
        }
        try? good.write(to: URL(filePath: path), options: .atomic)
      }
    }
    try good.write(to: URL(filePath: path))
    writer.start()
    defer { stop.set() }
    for _ in 0..<20 {
      let run = try Tool.run("eval", files: [path, "--inputs", data], "", in: folder)
      if run.exitCode == 0 {
        #expect(run.output == expected)
      } else {
        #expect(run.exitCode == 1, "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
      }
    }
  }

  @Test("what is no regular file is refused at once: nothing waits for a pipe")
  func pipes() throws {
    let path = "\(folder)/pipe.h5"
    #expect(mkfifo(path, 0o600) == 0)
    for (tool, arguments) in [
      ("eval", [path]), ("plan", [path]), ("train", ["--resume", path, "--epochs", "1"]),
      ("train", ["--data", path]), ("eval", [model, "--inputs", path]),
    ] {
      let measured = try Measured("\(Tool.folder)/\(tool)", arguments, in: folder, limit: 10)
      Tool.expectRefusal(measured.run, "no regular file")
    }
  }

  @Test("a small file cannot ask for gigabytes without being asked back")
  func arena() throws {
    // 49,162 weights; 28 x 28 x 4096 activations for every image, twice: 3 GB for a batch.
    let layers = #"""
      {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 28, 28, 1]}},
      {"class_name": "Conv2D", "config": {"name": "c", "filters": 4096, "kernel_size": [1, 1]}},
      {"class_name": "AveragePooling2D", "config": {"name": "p", "pool_size": [28, 28]}},
      {"class_name": "Flatten", "config": {"name": "f"}},
      {"class_name": "Dense", "config": {"name": "d", "units": 10, "activation": "softmax"}}
      """#
    let json =
      #"{"class_name": "Sequential", "config": {"name": "m", "layers": ["# + layers + "]}}"
    try Data(json.utf8).write(to: URL(filePath: "\(folder)/m.json"))
    let measured = try Measured(
      "\(Tool.folder)/train", ["--model", "m.json", "--epochs", "1"], in: folder)
    Tool.expectRefusal(measured.run, "--memory-budget")
    #expect(measured.peakBytes < 256 << 20)
  }
}

/// Says that a thread is to end.
private final class Stop: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  var isSet: Bool { lock.withLock { value } }
  func set() { lock.withLock { value = true } }
}
