import Foundation
import TestSupport
import Testing

/// What shells offer after Tab.
@Suite("Completion")
struct CompletionTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for name in ["lenses", ".lens"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    for name in ["lenses/a.h5", "lenses/b.h5", "letter.h5"] {
      try Data().write(to: URL(filePath: "\(folder)/\(name)"))
    }
  }

  /// What a shell's script asks the program for, and gets.
  private func answer(_ words: [String], argument: String) throws -> [String] {
    let word = words.last ?? ""
    let finished = try Finished(
      "\(Tool.folder)/fixednet",
      ["---completion", words[0], "--", argument, "\(words.count)", "\(word.count)", "fixednet"]
        + words, in: folder, environment: ["SAP_SHELL": "fish"])
    #expect(finished.exitCode == 0, "\(finished.errors)")
    return finished.output.split(separator: "\n").map(String.init)
  }

  @Test("a model is a built-in name or a file; hidden ones only where they are asked for")
  func models() throws {
    let found = try answer(["plan", "len"], argument: "positional@0")
    #expect(found.contains("lenet") && found.contains("lenet-plain") && found.last == "lenses/")
    #expect(
      try answer(["plan", "lenses/"], argument: "positional@0") == ["lenses/a.h5", "lenses/b.h5"])
    #expect(try answer(["plan", ".le"], argument: "positional@0") == [".lens/"])
    #expect(try answer(["plan", "nowhere/le"], argument: "positional@0").isEmpty)
    #expect(try answer(["train", "--data", "fash"], argument: "--data") == ["fashion-mnist"])
  }

  @Test(
    "bash completes files, folders and names",
    arguments: [
      (["eval", "let"], ["letter.h5"]), (["eval", "lenses/a"], ["lenses/a.h5"]),
      (["predict", "letter.h5", "lenses/b"], ["lenses/b.h5"]),
      (["export", "letter.h5", "--c", "len"], ["lenses"]),
      (["train", "--optimizer", "nest"], ["nesterov"]),
      (["train", "--output", "let"], ["letter.h5"]),
      (["train", "--loss", "mean_squared_e"], ["mean_squared_error"]),
      (["study", "batch-"], ["batch-norm", "batch-size"]),
    ])
  func bash(_ words: [String], _ expected: [String]) throws {
    let line = (["fixednet"] + words).joined(separator: " ")
    let script = """
      PATH="$TOOLS:$PATH"; source <(fixednet --generate-completion-script bash)
      COMP_WORDS=(\(line)); COMP_CWORD=\(words.count); COMP_LINE="\(line)"; COMP_POINT=\(line.count)
      _fixednet fixednet "\(words[words.count - 1])" "\(words[words.count - 2])"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let finished = try Finished(
      "/bin/bash", ["-c", script], in: folder, environment: ["TOOLS": Tool.folder])
    #expect(finished.output.split(separator: "\n").map(String.init).sorted() == expected)
  }

  @Test("fish is told that --x-test is no -x")
  func fish() throws {
    let script = try Finished(
      "\(Tool.folder)/fixednet", ["--generate-completion-script", "fish"], in: folder
    ).output
    #expect(script.contains("'X/x-test=' 'Y/y-test='") && script.contains("-l 'x-test'"))
    // argparse: a letter and a hyphen are a short option's name.
    #expect(script.firstMatch(of: /'[a-z]-[a-z-]+=\+?'/) == nil)
  }
}
