import Foundation
import TestSupport
import Testing

/// `eval` on damaged and hostile files: it answers at once, in one line and little memory, leaves no file behind, and
/// opens nothing that it does not open for a good file.
@Suite("Hostile files")
struct HostileFileTests {
  /// Under AddressSanitizer (`make asan`) everything takes a multiple, and calls are not filtered, which a note says.
  private static let isSanitized = ProcessInfo.processInfo.environment["ASAN_OPTIONS"] != nil
  static let memoryLimit = isSanitized ? 600 << 20 : 200 << 20
  static let secondsLimit = isSanitized ? 10.0 : 1.0

  static let files: [String] = {
    let folders = [Fixtures.local("malformed"), Fixtures.shared("fixtures/malformed")]
    var found: [String: String] = [:]
    for folder in folders.compactMap({ $0 }) {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names where name.hasSuffix(".h5") { found[name] = "\(folder)/\(name)" }
    }
    return found.values.sorted()
  }()

  /// What `eval` opens for a good file: libraries, the machine's processors and limits.
  private static let usual: Set<String> = {
    let good = Fixtures.local("keras/p04_mlp")
    guard let folder = try? Fixtures.temporaryFolder(),
      let opened = try? Opened.names(
        "\(Tool.folder)/eval",
        ["\(good).h5", "--inputs", "\(good).io.h5", "--outputs", "\(folder)/y.h5"], in: folder),
      opened.run.exitCode == 0
    else { return [] }
    return opened.names.filter { !$0.hasPrefix(good) && !$0.hasPrefix(folder) }
  }()

  private let folder: String
  /// Holds the output, and nothing else.
  private let outputs: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    outputs = try Fixtures.temporaryFolder()
  }

  @Test("names in a file break no line and steer no terminal")
  func names() throws {
    let layers = #"""
      {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 4]}},
      {"class_name": "a\nplan: all is well\u001b[2J\u2028", "config": {"name": "d"}}
      """#
    let model =
      #"{"class_name": "Sequential", "config": {"name": "m", "layers": ["# + layers + "]}}"
    try Data(model.utf8).write(to: URL(filePath: "\(folder)/m.json"))
    let run = try Tool.run("plan", "m.json", in: folder)
    Tool.expectRefusal(
      run, #"layer 'd': class a\nplan: all is well\u001b[2J\u2028 is not supported"#)
    #expect(!run.errors.contains("\u{1B}") && !run.errors.contains("\u{2028}"))
    // The same from the command line.
    let named = try Finished("\(Tool.folder)/plan", ["a\nb\u{1B}[2J.json"], in: folder)
    Tool.expectRefusal(named, #"a\nb\u001b[2J.json"#)
  }

  private func arguments(_ path: String) -> [String] {
    [path, "--inputs", Fixtures.local("keras/p04_mlp.io.h5"), "--outputs", "\(outputs)/y.h5"]
  }

  @Test("answers within a second, in 200 MB and one line", arguments: files)
  func answers(_ path: String) throws {
    // Other tests are running: the best of five counts, a program that waits or counts for ever never passes.
    var excess = ""
    for _ in 1...5 {
      let measured = try Measured("\(Tool.folder)/eval", arguments(path), in: folder)
      expectAnswer(measured.run)
      excess = Self.excess(measured)
      if excess.isEmpty { break }
    }
    #expect(excess.isEmpty)
  }

  @Test(
    "opens nothing but itself",
    .enabled(if: Opened.strace != nil, "needs strace, and leave to trace: apt-get install strace"),
    arguments: files)
  func opens(_ path: String) throws {
    let opened = try Opened.names("\(Tool.folder)/eval", arguments(path), in: folder)
    expectAnswer(opened.run)
    #expect(opened.names.contains(path))
    #expect(violations(opened.names, of: path) == [])
  }

  @Test(
    "a program that opens more is noticed",
    .enabled(if: Opened.strace != nil, "needs strace, and leave to trace: apt-get install strace"))
  func noticesFiles() throws {
    #expect(Self.usual.contains { $0.hasSuffix("/eval") })
    #expect(Self.usual.contains { $0.contains("libhdf5") })
    let path = try #require(Self.files.first)
    let reader = try Opened.names("/bin/cat", [path, "/etc/hostname", "none"], in: folder)
    #expect(violations(reader.names, of: path).isSuperset(of: ["/etc/hostname", "none"]))
    let child = try Opened.names("/bin/sh", ["-c", "cat /etc/hostname; :"], in: folder)
    #expect(child.run.exitCode == 0)
    #expect(violations(child.names, of: path).isSuperset(of: ["/etc/hostname"]))
    // A reader that takes weights from another file, where `eval` refuses to.
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/h5dump") else { return }
    let external = Fixtures.local("malformed/m64_external_storage.h5")
    let dump = try Opened.names("/usr/bin/h5dump", [external], in: folder)
    #expect(violations(dump.names, of: external).contains("/etc/hostname"))
  }

  @Test("a program that takes longer or more memory is noticed", .enabled(if: !isSanitized))
  func noticesExcess() throws {
    let slow = try Measured("/bin/sleep", ["1.5"], in: folder)
    #expect(slow.run.exitCode == 0 && Self.excess(slow).contains("s wall"))
    let large = try Measured(
      "/bin/dd", ["if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"], in: folder)
    #expect(large.run.exitCode == 0 && Self.excess(large).contains("MB"))
    let stopped = try Measured("/bin/sleep", ["60"], in: folder, limit: 1)
    #expect(stopped.run.exitCode == 137)
    let small = try Measured("/bin/true", [], in: folder)
    #expect(small.run.exitCode == 0 && small.peakBytes < 20 << 20)
  }

  private static func excess(_ measured: Measured) -> String {
    var parts: [String] = []
    if measured.wallSeconds > secondsLimit { parts.append("\(measured.wallSeconds) s wall") }
    if measured.cpuSeconds > secondsLimit { parts.append("\(measured.cpuSeconds) s of processor") }
    if measured.peakBytes > memoryLimit { parts.append("\(measured.peakBytes >> 20) MB") }
    return parts.joined(separator: ", ")
  }

  private func violations(_ names: Set<String>, of path: String) -> Set<String> {
    let inputs = Fixtures.local("keras/p04_mlp.io.h5")
    return names.subtracting(Self.usual).filter {
      $0 != path && $0 != inputs && !$0.hasPrefix(outputs)
    }
  }

  /// Success, or one line on standard error and no output file. A warning may go before either.
  private func expectAnswer(
    _ run: Finished, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let lines = run.errors.split(separator: "\n", omittingEmptySubsequences: false)
    let others = lines.filter {
      !$0.hasPrefix("eval: warning: ")
        && !(Self.isSanitized && $0.hasPrefix("eval: note: this system does not filter"))
    }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: outputs)) ?? []
    if run.exitCode == 0 {
      #expect(others == [""], "\(run.errors)", sourceLocation: sourceLocation)
      #expect(files == ["y.h5"], sourceLocation: sourceLocation)
    } else {
      #expect(run.exitCode == 1, "\(run.errors)", sourceLocation: sourceLocation)
      #expect(
        others.count == 2 && others[0].hasPrefix("eval: ") && others[1].isEmpty,
        "\(run.errors)", sourceLocation: sourceLocation)
      #expect(files == [], sourceLocation: sourceLocation)
    }
  }
}
