import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What the tools print with --json is what `Tools/schema/fixednet.schema.json` says, by another program's reading of it.
@Suite("the schema of --json")
struct SchemaTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
  }

  /// A Python with jsonschema: Debian's, or whichever is called first.
  private static let python = ["/usr/bin/python3", "python3"].first { program in
    (try? Finished("/bin/sh", ["-c", "\(program) -c 'import jsonschema'"]).exitCode) == 0
  }

  /// Of every form of report, the commands that print it, in turn.
  private static let commands: [(form: String, tool: String, options: String)] = [
    ("train", "train", "--model mlp --data classes.h5 --epochs 2 --output m.h5"),
    ("train", "train", "--resume m.h5 --epochs 3 --output r.h5"),
    (
      "train", "train",
      "--model mlp --data numbers.h5 --epochs 2 --validation-fraction 0.2 --patience 1"
    ),
    ("train", "train", "--model m.h5 --data classes.h5 --epochs 1 --optimizer adam"),
    ("fullBatch", "train", "--model mlp --data classes.h5 --optimizer lbfgs --evaluations 9"),
    ("learningCurve", "train", "--model mlp --data classes.h5 --epochs 1 --learning-curve c.svg"),
    ("eval", "eval", "m.h5"),
    ("eval", "eval", "m.h5 --split train"),
    ("eval", "eval", "broken.h5 --data classes.h5"),
    ("evalInputs", "eval", "m.h5 --inputs classes.h5 --outputs o.h5"),
    ("predict", "fixednet", "predict m.h5 classes.h5 --top 2"),
    ("predict", "fixednet", "predict m.h5 classes.h5 --output o.csv"),
    ("plan", "plan", "lenet-bn-dropout --batch 8"),
    ("plan", "plan", "ds-cnn --inference --batch 1"),
    ("placement", "plan", "--placement p.csv"),
    ("studyList", "study", "list"),
    ("bench", "bench", "--models softmax --batch 128 --threads 1 --quick"),
    ("benchProfile", "bench", "--profile --models softmax --batch 128 --threads 1 --quick"),
  ]

  /// The first model with a weight that is not a number: its loss is none either.
  private func breakWeights() throws {
    var file = try KerasFile.read(path: "\(folder)/m.h5")
    file.weights[0].tensors[0].values[0] = .nan
    try KerasFile.write(file, to: "\(folder)/broken.h5")
  }

  @Test(
    "every form of report fits its schema, and the schema lets no other members pass",
    .enabled(if: python != nil, "needs jsonschema: apt-get install python3-jsonschema"))
  func forms() throws {
    try Data("id,lower,upper,size\na,0,3,4\nb,2,9,4\n".utf8)
      .write(to: URL(filePath: "\(folder)/p.csv"))
    var files: [String] = []
    for (index, command) in Self.commands.enumerated() {
      let run = try Tool.run(command.tool, "\(command.options) --json", in: folder)
      #expect(run.exitCode == 0, "\(command): \(run.errors)")
      if index == 0 { try breakWeights() }
      try Data(run.output.utf8).write(to: URL(filePath: "\(folder)/\(index).json"))
      files.append("\(command.form)=\(index).json")
    }
    let check = try Finished(
      Self.python ?? "",
      ["\(Fixtures.root)/Tests/Python/check_schema.py"]
        + ["\(Fixtures.root)/Tools/schema/fixednet.schema.json"] + files, in: folder)
    #expect(check.exitCode == 0, "\(check.output)\(check.errors)")
  }
}
