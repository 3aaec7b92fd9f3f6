#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import TestSupport
  import Testing

  /// What the user has is neither replaced nor believed, whoever names it: the command line, a checkpoint, a folder.
  @Suite("what the user has")
  struct KeptDataTests {
    private let folder: String

    init() throws { folder = try Fixtures.temporaryFolder() }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func run(_ tool: String, _ options: String, folder place: String? = nil) throws
      -> Finished
    {
      try Tool.run(tool, options, in: place ?? folder, environment: ["HOME": folder])
    }

    /// d.h5, three other names of it, and run.h5, which was trained on it.
    private func train() throws {
      try SmallData.write(SmallData.labels, to: path("d.h5"))
      let files = FileManager.default
      try files.linkItem(atPath: path("d.h5"), toPath: path("hard.h5"))
      try files.createSymbolicLink(atPath: path("soft.h5"), withDestinationPath: "d.h5")
      let run = try run("train", "--data d.h5 --model softmax --epochs 1 --quiet --output run.h5")
      #expect(run.exitCode == 0, "\(run.errors)")
    }

    @Test("the data that a checkpoint records are no output, under any of their names")
    func recorded() throws {
      try train()
      let data = try #require(FileManager.default.contents(atPath: path("d.h5")))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      try SmallData.write(SmallData.numbers, to: path("other.h5"))
      for name in ["d.h5", "./d.h5", "hard.h5", "soft.h5"] {
        for (tool, options) in [
          ("eval", "run.h5 --outputs \(name)"), ("eval", "run.h5 --gradients \(name)"),
          ("eval", "run.h5 --inputs other.h5 --outputs \(name)"),
          ("eval", "run.h5 --data digits --outputs \(name)"),
          ("train", "--resume run.h5 --epochs 2 --history \(name)"),
          ("train", "--resume run.h5 --epochs 2 --batch-history \(name)"),
          ("train", "--resume run.h5 --epochs 2 --output \(name)"),
          ("train", "--model run.h5 --data other.h5 --output \(name)"),
        ] {
          Tool.expectRefusal(
            try run(tool, options),
            "would overwrite '\(name)', which 'run.h5' records as its data; choose another name",
            exitCode: 64)
        }
      }
      // The best checkpoint is an output too, though nobody named it.
      try FileManager.default.copyItem(atPath: path("d.h5"), toPath: path("x.best.h5"))
      let best = try run(
        "train",
        "--data x.best.h5 --model softmax --epochs 1 --validation-fraction 0.2 --output x.h5")
      Tool.expectRefusal(best, "the best checkpoint would overwrite 'x.best.h5'", exitCode: 64)
      #expect(FileManager.default.contents(atPath: path("d.h5")) == data)
      for name in ["other.h5", "x.best.h5"] {
        try FileManager.default.removeItem(atPath: path(name))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == names)
    }

    @Test("a checkpoint goes not where the data are, by its usual name either")
    func usualName() throws {
      try FileManager.default.createDirectory(
        atPath: path("Models"), withIntermediateDirectories: false)
      try SmallData.write(SmallData.labels, to: path("Models/softmax.h5"))
      let run = try run("train", "--data Models/softmax.h5 --model softmax --epochs 1 --checkpoint")
      Tool.expectRefusal(
        run, "--checkpoint would overwrite 'Models/softmax.h5', which --data reads", exitCode: 64)
    }

    @Test(
      "the files of a data set that is named are no output",
      .enabled(if: Fixtures.shared("data/mnist") != nil, "needs ../shared/data/mnist"))
    func images() throws {
      let source = try #require(Fixtures.shared("data/mnist"))
      for name in try FileManager.default.contentsOfDirectory(atPath: source) {
        try FileManager.default.createSymbolicLink(
          atPath: path(name), withDestinationPath: "\(source)/\(name)")
      }
      let name = try #require(
        FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix("t10k-l") })
      let run = try run(
        "train", "--data mnist --data-dir . --model softmax --epochs 1 --history \(name)")
      Tool.expectRefusal(
        run, "--history would overwrite '\(name)', which --data reads", exitCode: 64)
    }

    @Test("eval says so where the data are no longer those of the training")
    func digest() throws {
      try train()
      #expect(try run("eval", "run.h5 --json").exitCode == 0)
      try SmallData.write(SmallData.labels.reversed(), to: path("d.h5"))
      let refused = try run("eval", "run.h5")
      Tool.expectRefusal(refused, "'run.h5' was trained on other data: d.h5 [")
      Tool.expectRefusal(refused, "; --data d.h5 evaluates what is there now")
      Tool.expectRefusal(
        try run("train", "--resume run.h5 --epochs 2"), "was trained on other data")
      let asked = try run("eval", "run.h5 --data d.h5")
      #expect(asked.exitCode == 0, "\(asked.errors)")
    }

    @Test("a checkpoint that records impossible data is refused as a file, not as an option")
    func impossibleData() throws {
      try train()
      for (name, words) in [
        ("", "say where they are with --data"), ("digits\u{1}", "say where they are with --data"),
        ("mnist.csv", "'odd.h5' records it as its data: say where it is with --data"),
      ] {
        var file = try KerasFile.read(path: path("run.h5"), trainingState: .require)
        file.training?.data = name
        try KerasFile.write(file, to: path("odd.h5"))
        Tool.expectRefusal(try run("eval", "odd.h5"), words)
        Tool.expectRefusal(try run("train", "--resume odd.h5 --epochs 2"), words)
      }
    }

    @Test("files of the names that the program uses inside are not opened")
    func innerNames() throws {
      // Whoever opens a pipe waits for its other end.
      #expect(mkfifo(path("fixednet-image"), 0o600) == 0)
      let arguments = ["--model", "softmax", "--epochs", "1", "--quiet", "--output", "m.h5"]
      let run = try Measured("\(Tool.folder)/train", arguments, in: folder, limit: 30)
      #expect(run.run.exitCode == 0, "\(run.run.errors)")
    }

    @Test("bench takes neither its Python nor its worker from the working folder")
    func bench() throws {
      let marker = path("was-run")
      for name in [".venv-peers/bin/python", "Tools/bench/peers/worker.py"] {
        let file = URL(filePath: path(name))
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Executable.write("#!/bin/sh\ntouch '\(marker)'\n", to: file.path)
      }
      // A copy of the program that was built nowhere.
      try Executable.copy("\(Tool.folder)/bench", to: path("bench"))
      let run = try Finished(path("bench"), ["--peers", "--quick"], in: folder)
      Tool.expectRefusal(run, "no Tools/bench/peers/worker.py where")
      #expect(!FileManager.default.fileExists(atPath: marker))
    }

    @Test(
      "a history of steps that is none is refused, and stays",
      arguments: [
        "1,2,0.1", "1,2,0.1,0.2,3", "a,2,0.1,0.2", "1,2,x,0.2", "1,2,0.1,\u{1B}[31m", "=1+1,2,1,1",
      ])
    func batchHistory(_ line: String) throws {
      try train()
      let text = "epoch,step,learning_rate,loss\n1,1,0.01,0.5\n\(line)\n"
      try Data(text.utf8).write(to: URL(filePath: path("b.csv")))
      let run = try run("train", "--resume run.h5 --epochs 2 --batch-history b.csv")
      Tool.expectRefusal(run, "--batch-history: 'b.csv' is no history of steps (it has the line '")
      #expect(!run.errors.contains("\u{1B}"))
      #expect(try String(contentsOfFile: path("b.csv"), encoding: .utf8) == text)
    }
  }
#endif
