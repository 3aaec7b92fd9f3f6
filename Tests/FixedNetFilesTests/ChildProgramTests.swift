import FixedNetFiles
import Foundation
import Testing

@Suite("ChildProgram") struct ChildProgramTests {
  private func run(
    _ program: String, _ arguments: [String], in folder: TemporaryFolder, deadline: Double = 60
  ) -> ChildProgram.End {
    ChildProgram.run(
      program, arguments, in: folder.path, log: folder.file("log"), deadline: deadline)
  }

  private func log(_ folder: TemporaryFolder) throws -> String {
    String(decoding: try TestFiles.bytes(folder.file("log")), as: UTF8.self)
  }

  @Test("a program runs in its folder without input, and what it says is in the log")
  func exits() throws {
    let folder = try TemporaryFolder()
    let script = "cat; echo out; pwd -P >&2; echo \"$1\" >&2; exit 3"
    #expect(run("/bin/sh", ["-c", script, "sh", "a b"], in: folder) == .exited(code: 3))
    let path = try #require(realpath(folder.path, nil))
    defer { free(path) }
    #expect(try log(folder) == "\(String(cString: path))\na b\n")
  }

  @Test("a signal, and a program that is not there, are told apart")
  func fails() throws {
    let folder = try TemporaryFolder()
    #expect(run("/bin/sh", ["-c", "kill -9 $$"], in: folder) == .signalled)
    #expect(run("/nonesuch/program", [], in: folder) == .notStarted)
  }

  @Test("after the deadline it is killed, with what it has started")
  func late() throws {
    let folder = try TemporaryFolder()
    let script = "sleep 600 & echo $! >&2; wait"
    #expect(run("/bin/sh", ["-c", script], in: folder, deadline: 1) == .late)
    let text = try log(folder).trimmingCharacters(in: .whitespacesAndNewlines)
    let child = try #require(pid_t(text))
    var isThere = true
    for _ in 0..<500 where isThere {
      // Whoever inherits it may take a moment to forget it: a zombie is gone, too.
      let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
      isThere = kill(child, 0) == 0 && state?.contains(") Z ") != true
      if isThere { usleep(10_000) }
    }
    #expect(!isThere)
  }
}
