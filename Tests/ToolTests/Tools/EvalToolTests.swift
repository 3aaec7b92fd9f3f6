import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

@Suite("eval")
struct EvalToolTests {
  private let folder: String
  private let model = "\(Fixtures.root)/Models/lenet.h5"

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func eval(_ files: String..., options: String = "") throws -> Finished {
    try Tool.run("eval", files: files, options, in: folder)
  }

  @Test("the model that ships reaches 98 to 99.5 % on its data")
  func shippedModel() throws {
    let run = try eval(model, options: "--json")
    #expect(run.exitCode == 0, "\(run.errors)")
    let report = try JSONValue(parsing: run.output)
    guard case .number(let accuracy)? = report["accuracy"] else {
      Issue.record("no accuracy: \(run.output)")
      return
    }
    #expect((0.98...0.995).contains(accuracy))
    let text = try eval(model, options: "--confusion")
    for part in ["precision", "recall", "confusion matrix", "bn0", "images/s"] {
      #expect(text.output.contains(part))
    }
  }

  @Test("what regularisers add is a part of the loss, or there is no loss")
  func regularizers() throws {
    let train = try Tool.run(
      "train", "--model softmax --epochs 1 --quiet --output run.h5", in: folder)
    #expect(train.exitCode == 0, "\(train.errors)")
    let file = try KerasFile.read(path: "\(folder)/run.h5")
    let kernel = try #require(file.weights.flatMap(\.tensors).first { $0.shape.count == 2 })
    let squares = kernel.values.reduce(0.0) { $0 + Double($1) * Double($1) }
    let dense = try #require(file.model.layers.first { $0 is Dense }?.name)
    func loss(_ regularizer: String?) throws -> (loss: Double?, obstacle: JSONValue?) {
      var text = file.model.json.text
      if let regularizer {
        text = text.replacing(
          #""name": "\#(dense)""#, with: #""name": "\#(dense)", \#(regularizer)"#)
      }
      try text.write(toFile: "\(folder)/m.json", atomically: true, encoding: .utf8)
      let run = try eval("run.h5", options: "--model m.json --data digits --json")
      let report = try JSONValue(parsing: run.output)
      guard case .number(let loss)? = report["loss"] else {
        return (nil, report["lossNotComputed"])
      }
      return (loss, report["lossNotComputed"])
    }
    let plain = try #require(try loss(nil).loss)
    let squared = try loss(#""kernel_regularizer": "l2""#)
    #expect(abs(try #require(squared.loss) - plain - 0.01 * squares) < 1e-6 * (1 + squares))
    #expect(try loss(#""bias_regularizer": null"#).loss == plain)
    let magnitudes = kernel.values.reduce(0.0) { $0 + Double(abs($1)) }
    let first = try loss(#""kernel_regularizer": {"class_name": "L1", "config": {"l1": 0.1}}"#)
    #expect(abs(try #require(first.loss) - plain - 0.1 * magnitudes) < 1e-6 * (1 + magnitudes))
    for regularizer in [
      #""kernel_regularizer": {"class_name": "OrthogonalRegularizer", "config": {"factor": 0.1}}"#,
      #""bias_regularizer": "l1_l2""#,
      #""activity_regularizer": {"class_name": "L2", "config": {}}"#,
    ] {
      let (loss, obstacle) = try loss(regularizer)
      let key = regularizer.split(separator: "\"")[0]
      guard case .string(let reason)? = obstacle else {
        Issue.record("no reason for \(regularizer)")
        continue
      }
      #expect(loss == nil && reason.contains("layer '\(dense)' asks for \(key)"), "\(reason)")
    }
  }

  @Test(
    "the MNIST model that ships reaches 98 %", .enabled(if: Fixtures.shared("data/mnist") != nil))
  func shippedMNISTModel() throws {
    let data = try #require(Fixtures.shared("data/mnist"))
    let run = try eval(
      "\(Fixtures.root)/Models/lenet-mnist.h5", "--data-dir", data, "--json")
    let report = try JSONValue(parsing: run.output)
    guard case .number(let accuracy)? = report["accuracy"] else {
      Issue.record("no accuracy: \(run.output) \(run.errors)")
      return
    }
    #expect(accuracy > 0.98)
    #expect(report["data"] == "mnist")
  }

  @Test("inputs that are not finite are named, for arrays too")
  func notFinite() throws {
    var values = [Float](repeating: 0.5, count: 3 * 784)
    values[784 + 100] = .nan
    try HDF5Arrays.write(
      path: "\(folder)/nan.h5", datasets: [(name: "x", shape: [3, 28, 28, 1], values: values)])
    let run = try eval(model, options: "--inputs nan.h5")
    #expect(run.exitCode == 0)
    #expect(
      run.errors
        == "eval: warning: 1 of 3 samples have outputs that are not finite: a pixel (slot input, "
        + "image 1) broke first\n")
  }

  @Test("outputs are the same bytes for every batch size and number of threads")
  func batchSizes() throws {
    let count = 131
    let images = DataSet.digits(trainCount: 1, testCount: count).test
    guard case .bytes(let bytes) = images.pixels else { return }
    try HDF5Arrays.write(
      path: "\(folder)/x.h5",
      datasets: [(name: "x", shape: [count, 28, 28, 1], values: bytes.map { Float($0) / 255 })])
    var contents: Set<Data> = []
    for options in ["--batch 1", "--batch 7", "--batch 16", "--batch 128", "--threads 3"] {
      let run = try eval(model, options: "--inputs x.h5 --outputs y.h5 \(options)")
      #expect(run.exitCode == 0, "\(run.errors)")
      contents.insert(try #require(FileManager.default.contents(atPath: "\(folder)/y.h5")))
    }
    #expect(contents.count == 1)
    let y = try HDF5Arrays.readFloats(path: "\(folder)/y.h5", dataset: "y")
    #expect(y.shape == [count, 10])
  }

  @Test("--inputs takes MATLAB's X, images without the axis of one channel, and y where it fits")
  func inputs() throws {
    let net = Fixtures.local("data/sigmoid.keras")
    func outputs(_ name: String, _ inputs: String) throws -> [Float] {
      let run = try eval(net, "--inputs", Fixtures.local("data/\(inputs)"), "--outputs", name)
      #expect(run.exitCode == 0, "\(run.errors)")
      return try HDF5Arrays.readFloats(path: "\(folder)/\(name)", dataset: "y").values
    }
    // The same samples; MATLAB's y is 8 x 1 like the outputs.
    let matlab = try outputs("a.h5", "one_to_four.mat")
    #expect(try matlab == outputs("b.h5", "from_one.h5") && matlab.count == 8)
    // y [40] for outputs [40, 1]: labels against probabilities.
    let two = Fixtures.local("data/two.h5")
    let report = try eval(net, "--inputs", two, "--json").report
    let labels = try HDF5Arrays.readFloats(path: two, dataset: "y").values
    let largest = zip(try outputs("c.h5", "two.h5"), labels).map { abs($0 - $1) }.max()
    #expect(report["maxDifference"]?.double == largest.map(Double.init))

    // Labels are not outputs; nothing is written where y fits neither.
    let x = [Float](repeating: 0.5, count: 3 * 784)
    for (name, shape) in [("labels", [3]), ("turned", [10, 3])] {
      let y = [Float](repeating: 1, count: shape.reduce(1, *))
      try HDF5Arrays.write(
        path: "\(folder)/\(name).h5", datasets: [("x", [3, 28, 28], x), ("y", shape, y)])
    }
    let run = try eval(model, options: "--inputs labels.h5 --outputs d.h5")
    #expect(run.output.contains("y holds one value per sample and not the model's 10 outputs"))
    #expect(!run.output.contains("difference|"))
    Tool.expectRefusal(
      try eval(model, options: "--inputs turned.h5 --outputs e.h5"), "y must be 3x10, found 10x3")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/e.h5"))
    for (options, word) in [
      ("--inputs labels.h5 --outputs p.csv", "--outputs must name an .h5 file"),
      ("--inputs labels.h5 --zero-label 1", "--zero-label is for a data set"),
      ("--inputs labels.h5 --pixel-order rows", "--pixel-order is for a data set"),
    ] {
      Tool.expectRefusal(try eval(model, options: options), word, exitCode: 64)
    }
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/p.csv"))
  }

  @Test(
    "public fixtures of Keras come out within 1e-5 + 1e-4 |y|",
    .enabled(
      if: Fixtures.shared("fixtures/public") != nil, "the shared fixtures are absent"),
    arguments: ["p01_lenet5", "p11_lenet_bn_first", "p04_mlp"])
  func publicFixtures(_ name: String) throws {
    let path = try #require(Fixtures.shared("fixtures/public")) + "/\(name)"
    let run = try eval(
      "\(path).h5", "--inputs", "\(path).io.h5", "--outputs", "y.h5")
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("max |difference|: "))
    let ours = try HDF5Arrays.readFloats(path: "\(folder)/y.h5", dataset: "y")
    let theirs = try HDF5Arrays.readFloats(path: "\(path).io.h5", dataset: "y")
    #expect(ours.shape == theirs.shape)
    #expect(zip(ours.values, theirs.values).allSatisfy { abs($0 - $1) <= 1e-5 + 1e-4 * abs($1) })
  }

  @Test("wrong use is one line")
  func wrongUse() throws {
    Tool.expectRefusal(try eval("none.h5"), "none.h5")
    Tool.expectRefusal(try eval(), "file", exitCode: 64)
    Tool.expectRefusal(
      try eval(model, options: "--batch 0"), "--batch must be from 1", exitCode: 64)
    Tool.expectRefusal(try eval(model, options: "--split half"), "split", exitCode: 64)
    Tool.expectRefusal(
      try eval(model, options: "--inputs x.h5 --data digits"), "--inputs takes", exitCode: 64)
    Tool.expectRefusal(try eval(model, options: "--inputs none.h5"), "none.h5")
    Tool.expectRefusal(
      try eval("a.h5", options: "--outputs a.h5"), "would overwrite", exitCode: 64)
    for (name, bytes) in [("text.h5", Data("hello".utf8)), ("empty.h5", Data())] {
      try bytes.write(to: URL(filePath: "\(folder)/\(name)"))
      Tool.expectRefusal(try eval(name), name)
    }
    Tool.expectRefusal(
      try eval(model, options: "--inputs text.h5"), "not an HDF5 file; give samples as a table")
    let whole = try #require(FileManager.default.contents(atPath: model))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: "\(folder)/cut.h5"))
    Tool.expectRefusal(try eval("cut.h5"), "cut.h5")
    try HDF5Arrays.write(
      path: "\(folder)/arrays.h5",
      datasets: [(name: "x", shape: [2, 5], values: [Float](repeating: 0, count: 10))])
    Tool.expectRefusal(try eval("arrays.h5"), "model_config")
    Tool.expectRefusal(try eval(model, options: "--inputs arrays.h5"), "dataset x must be")
    Tool.expectRefusal(
      try eval(model, options: "--inputs arrays.h5 --outputs /nowhere/y.h5"), "dataset x must be")
  }

  @Test(
    "malformed files give one line or load, never a crash",
    .enabled(if: Fixtures.shared("fixtures/malformed") != nil, "the shared fixtures are absent"))
  func malformedFiles() throws {
    let path = try #require(Fixtures.shared("fixtures/malformed"))
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
      .filter { $0.hasSuffix(".h5") }.sorted()
    #expect(names.count == 53)
    try HDF5Arrays.write(
      path: "\(folder)/x.h5",
      datasets: [(name: "x", shape: [1, 20], values: [Float](repeating: 0.5, count: 20))])
    let mayLoad = ["m06", "m18", "m19", "m68", "m70", "m71"]
    for name in names {
      let run = try eval("\(path)/\(name)", "--inputs", "x.h5")
      if mayLoad.contains(String(name.prefix(3))) {
        #expect(run.exitCode == 0 || run.exitCode == 1, "\(name): \(run.errors)")
      } else {
        #expect(run.exitCode == 1, "\(name) was not refused")
      }
      let lines = run.errors.split(separator: "\n")
      #expect(lines.count <= 2, "\(name): \(run.errors)")
      if name.hasPrefix("m18") || name.hasPrefix("m19") {
        #expect(run.errors.contains("NaN or infinite"), "\(name)")
      }
    }
  }
}
