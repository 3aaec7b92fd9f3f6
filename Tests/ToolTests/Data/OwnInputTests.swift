import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Data whose samples are their own answers: autoencoders, and what their errors tell.
@Suite("--target inputs")
struct OwnInputTests {
  private let folder: String
  private let width = SmallData.width

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
  }

  private func run(_ tool: String, _ options: String) throws -> Finished {
    let run = try Tool.run(tool, options, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    return run
  }

  /// Samples, each also as its answer.
  private func write(_ train: [Float], _ test: [Float], to name: String) throws {
    func arrays(_ values: [Float], _ suffix: String) -> [(
      name: String, shape: [Int], values: [Float]
    )] {
      ["x", "y"].map { ($0 + suffix, [values.count / width, width], values) }
    }
    try HDF5Arrays.write(
      path: "\(folder)/\(name)", datasets: arrays(train, "") + arrays(test, "_test"))
  }

  private static let model = "--model mlp:3 --batch 4 --epochs 3 --learning-rate 0.1 --json"

  @Test("only the normal class is trained on, and the errors tell the others apart")
  func anomalies() throws {
    let own = try run(
      "train",
      "\(Self.model) --data classes.h5 --test-fraction 0 --target inputs --normal 1 --output a.h5"
    ).report
    let rows = SmallData.labels.indices.map {
      Array(SmallData.inputs[$0 * width..<($0 + 1) * width])
    }
    let normal = rows.indices.filter { SmallData.labels[$0] == 1 }
    #expect(normal.count > 5 && normal.count < rows.count - 5)
    try write(normal.flatMap { rows[$0] }, SmallData.inputs, to: "normal.h5")
    let other = try run("train", "\(Self.model) --data normal.h5 --regression").report
    #expect(own["weightsSHA256"] == other["weightsSHA256"])
    #expect(own["testLoss"] == other["testLoss"])

    let report = try run("eval", "a.h5 --outputs o.h5 --json").report
    var names = DataFileOptions()
    names.arrays.x = "y"
    let outputs = try DataSamples.load(
      path: "\(folder)/o.h5", input: .vector(width), options: names
    ).values
    let scores = rows.indices.map { row in
      zip(rows[row], outputs[row * width..<(row + 1) * width]).reduce(0.0) {
        $0 + pow(Double($1.0) - Double($1.1), 2)
      }
    }
    // How many pairs of an anomaly and a normal sample are in order.
    var (ordered, pairs) = (0.0, 0.0)
    for anomaly in rows.indices where SmallData.labels[anomaly] != 1 {
      for other in normal {
        pairs += 1
        ordered += scores[anomaly] > scores[other] ? 1 : scores[anomaly] == scores[other] ? 0.5 : 0
      }
    }
    #expect(abs((report["anomalyROCAUC"]?.double ?? -1) - ordered / pairs) < 1e-9)
    #expect(report["accuracy"] == .null)
    let text = try run("eval", "a.h5").output
    #expect(text.contains("(\(rows.count - normal.count) of \(rows.count) are not '1')"))
    // Another class may be called the normal one.
    let turned = try run("eval", "a.h5 --normal 2 --json").report
    #expect(turned["anomalyROCAUC"] != report["anomalyROCAUC"])
    // A resumed run goes on with the same samples.
    let whole = try run(
      "train",
      "\(Self.model) --epochs 5 --data classes.h5 --test-fraction 0 --target inputs --normal 1"
    ).report
    let resumed = try run("train", "--resume a.h5 --epochs 5 --json").report
    #expect(resumed["weightsSHA256"] == whole["weightsSHA256"])
  }

  @Test("a table of features alone is read as such; a column of answers is no feature")
  func tables() throws {
    let rows = SmallData.labels.indices.map {
      SmallData.inputs[$0 * width..<($0 + 1) * width].map { "\($0)" }.joined(separator: ",")
    }
    let head = (0..<width).map { "c\($0)" }.joined(separator: ",")
    let labelled = zip(rows, SmallData.labels).map { "\($0),\(Int($1))" }
    for (name, lines) in [
      ("bare.csv", [head] + rows), ("named.csv", ["\(head),label"] + labelled),
      ("text.csv", ["\(head),kind"] + labelled.map { "\($0.dropLast())k\($0.suffix(1))" }),
    ] {
      try Data((lines.joined(separator: "\n") + "\n").utf8)
        .write(to: URL(filePath: "\(folder)/\(name)"))
    }
    try write(SmallData.inputs, SmallData.inputs, to: "all.h5")
    let all = try run("train", "\(Self.model) --data all.h5 --regression").report
    for name in ["bare.csv", "named.csv", "text.csv"] {
      let table = try run(
        "train", "\(Self.model) --data \(name) --test-fraction 0 --target inputs"
      ).report
      #expect(table["weightsSHA256"] == all["weightsSHA256"], "\(name)")
    }
  }

  @Test(
    "arrays of samples alone, in every kind of file",
    arguments: ["x.h5", "x_train.npz", "images.mat", "any.npz", "x.npy"])
  func arrays(_ name: String) throws {
    try write(SmallData.inputs, SmallData.inputs, to: "all.h5")
    let all = try run("train", "\(Self.model) --data all.h5 --regression").report
    let samples = NamedArray(
      String(name.prefix { $0 != "." }),
      Tensor(shape: [SmallData.inputs.count / width, width], values: SmallData.inputs))
    if name == "x.npy" {
      // The member of an archive is stored as it is: its bytes begin with NumPy's signature.
      try ArrayFile.write([samples], to: "\(folder)/x.npz")
      let archive = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/x.npz")))
      let start = try #require(archive.firstRange(of: [0x93] + Array("NUMPY".utf8))).lowerBound
      let header = 10 + Int(archive[start + 8]) + Int(archive[start + 9]) << 8
      let end = start + header + 4 * SmallData.inputs.count
      try Data(archive[start..<end]).write(to: URL(filePath: "\(folder)/x.npy"))
    } else {
      try ArrayFile.write([samples], to: "\(folder)/\(name)")
    }
    let alone = try run(
      "train", "\(Self.model) --data \(name) --test-fraction 0 --target inputs --output a.h5"
    ).report
    #expect(alone["weightsSHA256"] == all["weightsSHA256"])
    let again = try run("eval", "a.h5 --json").report
    #expect(again["loss"] == alone["testLoss"])
    if name == "x.h5" {
      let tested = try run(
        "train", "\(Self.model) --data all.h5 --target inputs --x x --x-test x_test"
      ).report
      #expect(tested["weightsSHA256"] == all["weightsSHA256"])
      #expect(tested["testLoss"] == all["testLoss"])
    }
    // Classes there are none.
    let refused = try Tool.run(
      "train", "--model mlp:3 --data \(name) --target inputs --normal 1", in: folder)
    Tool.expectRefusal(refused, "has no class '1'", exitCode: 1)
    let labelled = try Tool.run("train", "--model mlp:3 --data \(name)", in: folder)
    #expect(labelled.exitCode == 1 && labelled.errors.contains(name), "\(labelled.errors)")
  }

  @Test("pictures of bytes are learned as the network sees them, divided by 255")
  func digits() throws {
    let options = "--model autoencoder --data digits --target inputs --normal 7 --epochs 1 --json"
    let report = try run("train", options).report
    #expect(report["testLoss"]?.double ?? 9 < 0.2)
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("--data classes.h5 --normal 1", "--normal is for --target inputs", 64 as Int32),
      (
        "--data classes.h5 --target inputs --normal 9",
        "--normal: 'classes.h5' has no class '9'; it has 0, 1, 2", 1
      ),
      ("--data classes.h5 --target inputs --normal=", "Missing value for '--normal <class>'", 64),
    ])
  func wrongUse(_ options: String, _ fragment: String, _ code: Int32) throws {
    let refused = try Tool.run("train", "--model mlp:3 \(options)", in: folder)
    Tool.expectRefusal(refused, fragment, exitCode: code)
  }

  @Test("a resumed run keeps its class and its answers, or says that it cannot")
  func resume() throws {
    _ = try run(
      "train", "\(Self.model) --data classes.h5 --target inputs --normal 1 --output a.h5")
    _ = try run("train", "\(Self.model) --data classes.h5 --output c.h5")
    for options in [
      "--resume a.h5 --normal 2", "--resume a.h5 --target inputs --normal 0",
      "--resume c.h5 --target inputs", "--resume c.h5 --target inputs --normal 1",
    ] {
      let refused = try Tool.run("train", "\(options) --epochs 9 --output x.h5", in: folder)
      Tool.expectRefusal(refused, "--target and --normal cannot be changed with --resume")
    }
    // Said again, it is the same run.
    _ = try run("train", "--resume a.h5 --target inputs --normal 1 --epochs 4 --quiet")
  }

  @Test("a class that only the test set has cannot be trained on")
  func noSamples() throws {
    let half = SmallData.count / 2 * width
    try HDF5Arrays.write(
      path: "\(folder)/split.h5",
      datasets: [
        ("x", [SmallData.count / 2, width], Array(SmallData.inputs.prefix(half))),
        ("y", [SmallData.count / 2], [Float](repeating: 0, count: SmallData.count / 2)),
        ("x_test", [SmallData.count / 2, width], Array(SmallData.inputs.suffix(half))),
        ("y_test", [SmallData.count / 2], [Float](repeating: 1, count: SmallData.count / 2)),
      ].map { (name: $0.0, shape: $0.1, values: $0.2) })
    for more in ["", " --validation-fraction 0.3", " --learning-curve c.svg"] {
      let refused = try Tool.run(
        "train", "--model mlp:2 --data split.h5 --target inputs --normal 1\(more) --quiet",
        in: folder)
      #expect(refused.exitCode == 1)
      #expect(
        refused.errors.contains("--normal: no training sample of 'split.h5' is of the class '1'"),
        "\(refused.errors)")
    }
  }

  @Test("what was trained on one class is evaluated without it, too; what was held out stays so")
  func otherData() throws {
    _ = try run(
      "train",
      "\(Self.model) --data classes.h5 --target inputs --normal 1 --validation-fraction 0.3 --output a.h5"
    )
    let rows = SmallData.labels.indices.map {
      SmallData.inputs[$0 * width..<($0 + 1) * width].map { "\($0)" }.joined(separator: ",")
    }
    let head = (0..<width).map { "c\($0)" }.joined(separator: ",")
    try Data((([head] + rows).joined(separator: "\n") + "\n").utf8)
      .write(to: URL(filePath: "\(folder)/bare.csv"))
    let bare = try run("eval", "a.h5 --data bare.csv --json").report
    #expect(bare["anomalyROCAUC"] == .null && bare["rootMeanSquareError"]?.double != nil)
    #expect(try run("eval", "a.h5 --split validation --json").report["images"]?.double ?? 0 > 0)
    let other = try Tool.run("eval", "a.h5 --split validation --normal 2", in: folder)
    Tool.expectRefusal(other, "was not trained with a validation part")
  }

  @Test("a table's column of classes is named with --y")
  func namedColumn() throws {
    let lines = SmallData.labels.indices.map { row in
      "k\(Int(SmallData.labels[row])),"
        + SmallData.inputs[row * width..<(row + 1) * width].map { "\($0)" }.joined(separator: ",")
    }
    let head = "kind," + (0..<width).map { "c\($0)" }.joined(separator: ",")
    try Data((([head] + lines).joined(separator: "\n") + "\n").utf8)
      .write(to: URL(filePath: "\(folder)/first.csv"))
    let options = "\(Self.model) --test-fraction 0 --target inputs"
    let table = try run("train", "\(options) --data first.csv --y kind --normal k1").report
    let arrays = try run("train", "\(options) --data classes.h5 --normal 1").report
    #expect(table["weightsSHA256"] == arrays["weightsSHA256"])
  }

  @Test("weights of samples alone count", arguments: ["h5", "npz", "mat"])
  func weights(_ end: String) throws {
    let count = SmallData.inputs.count / width
    let values = (0..<count).map { Float($0 % 3) }
    func array(_ name: String, _ values: [Float], _ shape: [Int]) -> NamedArray {
      NamedArray(name, Tensor(shape: shape, values: values))
    }
    let x = array("x", SmallData.inputs, [count, width])
    let weights = array("sample_weight", values, [count])
    try ArrayFile.write([x, weights], to: "\(folder)/alone.\(end)")
    try ArrayFile.write(
      [x, array("y", SmallData.inputs, [count, width]), weights], to: "\(folder)/both.h5")
    let options = "\(Self.model) --test-fraction 0"
    let alone = try run("train", "\(options) --data alone.\(end) --target inputs").report
    let both = try run("train", "\(options) --data both.h5 --regression").report
    #expect(alone["weightsSHA256"] == both["weightsSHA256"])
    let unweighted = try run("train", "\(options) --data classes.h5 --target inputs").report
    #expect(alone["weightsSHA256"] != unweighted["weightsSHA256"])
  }

  @Test("predict says how badly each sample is reproduced")
  func predictions() throws {
    _ = try run(
      "train", "\(Self.model) --data classes.h5 --test-fraction 0 --target inputs --output a.h5")
    let printed = try run("fixednet", "predict a.h5 classes.h5").output.split(separator: "\n")
    let report = try run("fixednet", "predict a.h5 classes.h5 --json").report
    let samples = try #require(report["predictions"]?.array)
    #expect(printed.count == SmallData.labels.count && samples.count == printed.count)
    for (row, sample) in samples.enumerated() {
      let outputs = try #require(sample["outputs"]?.array).map { $0.double ?? .nan }
      let inputs = SmallData.inputs[row * width..<(row + 1) * width].map(Double.init)
      let error = zip(outputs, inputs).reduce(0) { $0 + pow($1.0 - $1.1, 2) } / Double(width)
      let said = sample["squaredError"]?.double ?? .nan
      #expect(abs(said - error) <= 1e-6 * error)
      #expect(printed[row] == "classes.h5:\(row + 1): squared error \(Float(said))")
    }
    _ = try run("fixednet", "predict a.h5 classes.h5 --output p.csv")
    let table = try String(contentsOfFile: "\(folder)/p.csv", encoding: .utf8).split(
      separator: "\n")
    #expect(table[0].hasPrefix("file,sample,squared_error,y1,"))
    #expect(
      table[1].split(separator: ",")[2]
        == "\(Float(samples[0]["squaredError"]?.double ?? .nan))")
    _ = try run("fixednet", "predict a.h5 classes.h5 --output p.npz")
    var names = DataFileOptions()
    names.arrays.x = "squared_error"
    let errors = try DataSamples.load(path: "\(folder)/p.npz", input: .vector(1), options: names)
    #expect(errors.values == samples.map { Float($0["squaredError"]?.double ?? .nan) })
  }
}
