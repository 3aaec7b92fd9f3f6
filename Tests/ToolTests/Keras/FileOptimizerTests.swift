import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing
import ToolSupport

/// `train --model FILE` goes on with the file's optimiser as Keras does. The files are those of make_optimizers.py.
@Suite("train with a file's optimiser")
struct FileOptimizerTests {
  static let fixtures = Fixtures.local("optimizers")
  static let options = "--test-fraction 0 --batch 16"
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func train(_ file: String, _ options: String) throws -> Finished {
    try Tool.run(
      "train",
      files: ["--model", "\(Self.fixtures)/\(file)", "--data", "\(Self.fixtures)/data.h5"],
      "\(Self.options) \(options)", in: folder)
  }

  private func weights(_ name: String) throws -> [Double] {
    try KerasFile.read(path: "\(folder)/\(name)").weights.flatMap(\.tensors).flatMap(\.values)
      .map(Double.init)
  }

  private static func json(_ which: String) throws -> JSONValue {
    try JSONValue(
      parsing: String(contentsOfFile: "\(fixtures)/\(which).json", encoding: .utf8))
  }

  private static func numbers(_ json: JSONValue?) -> [Double] {
    (json?.array ?? []).compactMap(\.double)
  }

  private static func distance(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count == right.count, !left.isEmpty else { return .infinity }
    return zip(left, right).map { abs($0 - $1) }.max() ?? .infinity
  }

  // MARK: - Keras' own steps

  @Test(
    "1 and 5 more steps give the weights that Keras comes to",
    arguments: ["keras", "tf_keras", "legacy"])
  func goesOn(_ which: String) throws {
    guard case .object(let files)? = try Self.json(which)["files"] else {
      Issue.record("no files")
      return
    }
    #expect(files.count >= 4)
    for (name, expected) in files {
      for (epochs, key) in [(1, "after1"), (5, "after5")] {
        let run = try train(name, "--epochs \(epochs) --output \(which).h5")
        guard run.exitCode == 0 else {
          Issue.record("\(name): \(run.errors)")
          continue
        }
        #expect(run.output.contains(", from \(Self.fixtures)/\(name) "), "\(run.output)")
        #expect(run.output.contains(" after 6 steps\n"), "\(run.output)")
        let isAdaptive = !run.output.contains("SGD")
        // Measured: 7e-8 and 4e-7.
        let largest = Self.distance(try weights("\(which).h5"), Self.numbers(expected[key]))
        #expect(largest < (isAdaptive ? 3e-6 : 3e-7), "\(name) after \(epochs): \(largest)")
        // What is not followed at all would differ by more than that.
        let moved = Self.distance(Self.numbers(expected["start"]), Self.numbers(expected[key]))
        #expect(moved > 1e-3, "\(name)")
      }
    }
  }

  @Test(
    "interrupted and resumed, or gone on with by --model, it ends in the same weights",
    arguments: [
      "adam.h5", "restarts.keras", "rmsprop_all.keras", "legacy_sgd.h5", "legacy_rmsprop.h5",
      "piecewise.keras", "tf_adam.h5", "adamw.h5", "nadam.h5", "nadam.keras", "adagrad.keras",
      "weight_decay_momentum.keras", "weight_decay_nadam.keras", "tf_adamw.h5",
    ])
  func resumes(_ file: String) throws {
    let whole = try train(file, "--epochs 5 --output whole.keras")
    #expect(whole.weightsHash != nil, "\(whole.errors)")
    for name in ["part.h5", "part.keras", "part.weights.h5"] {
      #expect(try train(file, "--epochs 2 --output \(name)").exitCode == 0)
      let resumed = try Tool.run("train", "--resume \(name) --epochs 5 --threads 1", in: folder)
      #expect(resumed.weightsHash == whole.weightsHash, "\(resumed.errors)")
      let read = try KerasFile.readWeights(
        path: "\(folder)/\(name)",
        model: KerasFile.read(path: "\(folder)/whole.keras", trainingState: .ignore).model)
      #expect(read.iterations == 8 && read.training?.firstIteration == 6)
      guard !name.hasSuffix(".weights.h5") else { continue }
      // As one mini-batch holds all samples, their order does not matter but for rounding.
      _ = try Tool.run(
        "train",
        files: ["--model", name, "--data", "\(Self.fixtures)/data.h5"],
        "\(Self.options) --epochs 3 --output again.h5", in: folder)
      #expect(Self.distance(try weights("again.h5"), try weights("whole.keras")) < 1e-6)
      #expect(try KerasFile.read(path: "\(folder)/again.h5").iterations == 11)
    }
  }

  /// Keras counts the optimiser's iterations, and takes the schedule from `training_config`.
  @Test(
    "Keras goes on from our file as train does",
    .enabled(
      if: Fixtures.python != nil, "needs a Python with Keras: FIXEDNET_PYTHON or .venv (make test)"),
    arguments: [
      "--model start.keras", "--optimizer adam --schedule exponential:rate=0.5,steps=3",
      "--optimizer nesterov --schedule step:factor=0.5,every=2",
      "--optimizer rmsprop --schedule inverse-time:rate=0.4,steps=3,staircase=1",
      "--optimizer sgd --schedule polynomial:steps=7,end=0.001,power=2,cycle=1",
      "--optimizer momentum --schedule piecewise:2=0.005,5=0.02,8=0.001",
      "--optimizer adam --schedule cosine:steps=8,alpha=0.1",
      "--optimizer sgd --schedule warmup-cosine:warmup=6,start=0.001,steps=8",
      "--optimizer adam --schedule cosine-restarts:steps=3,growth=1.5,factor=0.7,alpha=0.1",
      "--optimizer adamw --weight-decay 0.2 --schedule warmup-cosine:warmup=3,steps=8",
      "--optimizer nadam --schedule exponential:rate=0.5,steps=3",
      "--optimizer adagrad --weight-decay 0.1 --learning-rate 0.02",
      "--optimizer nesterov --weight-decay 0.3 --clip-norm 0.01",
    ])
  func kerasGoesOn(_ options: String) throws {
    try FileManager.default.copyItem(
      atPath: "\(Self.fixtures)/inverse.keras", toPath: "\(folder)/start.keras")
    let model = options.hasPrefix("--model") ? "" : "--model mlp "
    let first = try Tool.run(
      "train", files: ["--data", "\(Self.fixtures)/data.h5"],
      "\(model)\(options) \(Self.options) --epochs 4 --output ours.keras", in: folder)
    #expect(first.exitCode == 0, "\(first.errors)")
    let keras = try Finished(
      try #require(Fixtures.python),
      [
        "\(Fixtures.root)/Tests/Python/go_on.py", "ours.keras", "\(Self.fixtures)/data.h5", "5",
        "keras.h5",
      ], in: folder, environment: ["KERAS_BACKEND": "jax"])
    #expect(keras.exitCode == 0, "\(keras.errors.suffix(400))")
    let ours = try Tool.run(
      "train", files: ["--model", "ours.keras", "--data", "\(Self.fixtures)/data.h5"],
      "\(Self.options) --epochs 5 --output ours.h5", in: folder)
    #expect(ours.exitCode == 0, "\(ours.errors)")
    let theirs = try HDF5Arrays.readFloats(path: "\(folder)/keras.h5", dataset: "weights").values
    let distance = Self.distance(try weights("ours.h5"), theirs.map(Double.init))
    let isAdaptive = ["ada", "adam", "rms"].contains { options.contains($0) }
    #expect(distance < (isAdaptive ? 3e-5 : 1e-6), "\(distance)")
    #expect(keras.output.hasPrefix("iterations \(model.isEmpty ? 15 : 9)\n"), "\(keras.output)")
  }

  // MARK: - Options go before the file

  @Test("an option changes what it names and keeps the rest")
  func overrides() throws {
    func report(_ file: String, _ options: String) throws -> JSONValue {
      try train(file, "--epochs 1 --json \(options)").report
    }
    let rate = try report("adam.h5", "--learning-rate 0.02")
    #expect(rate["optimizerMemory"] == true && rate["firstIteration"] == 6)
    #expect(rate["optimizerFrom"] == .string("\(Self.fixtures)/adam.h5"))
    #expect(rate["optimizer"]?["config"]?["beta_1"]?.double == 0.8)
    #expect(rate["optimizer"]?["config"]?["learning_rate"]?.double == 0.02)
    let fixed = try report("exponential.keras", "--learning-rate 0.02")
    #expect(fixed["schedule"]?["class_name"] == "constant" && fixed["firstIteration"] == 6)
    let momentum = try report("momentum.keras", "--momentum 0.5 --clip-norm 1")
    #expect(momentum["optimizer"]?["config"]?["momentum"]?.double == 0.5)
    #expect(momentum["optimizer"]?["config"]?["clipnorm"]?.double == 1)
    #expect(momentum["optimizerMemory"] == true)
    let other = try report("adam.h5", "--optimizer momentum")
    #expect(other["firstIteration"] == 0 && other["optimizerMemory"] == false)
    #expect(other["optimizer"]?["config"]?["learning_rate"]?.double == 0.01)
    let words = try train("adam.h5", "--epochs 1 --optimizer momentum").output
    #expect(words.contains("(--optimizer), in place of the Adam of \(Self.fixtures)/adam.h5\n"))
    let both = try train("adam.h5", "--epochs 1 --learning-rate 0.5 --beta1 0.7").output
    #expect(both.contains("its memory after 6 steps; --learning-rate, --beta1 as given\n"))
  }

  @Test("a schedule that was asked for begins with the run, and stays there after --resume")
  func newSchedule() throws {
    let options = "--schedule cosine:steps=4 --epochs"
    let whole = try train("adam.keras", "\(options) 4 --history h.csv --output whole.h5")
    #expect(whole.exitCode == 0, "\(whole.errors)")
    let rates = try String(contentsOfFile: "\(folder)/h.csv", encoding: .utf8)
      .split(separator: "\n").dropFirst().map { Double($0.split(separator: ",")[1]) ?? .nan }
    let expected = (0..<4).map { 0.01 * (1 + cos(.pi * Double($0) / 4)) / 2 }
    #expect(Self.distance(rates, expected) < 1e-12, "\(rates)")
    _ = try train("adam.keras", "\(options) 2 --output part.h5")
    let resumed = try Tool.run("train", "--resume part.h5 --epochs 4", in: folder)
    #expect(resumed.weightsHash == whole.weightsHash, "\(resumed.errors)")
    // Keras' iterations count from elsewhere: it gets the rate that the next step would have.
    let config = try #require(try KerasFile.read(path: "\(folder)/part.h5").trainingConfig)
    let rate = config["optimizer_config"]?["config"]?["learning_rate"]?.double ?? .nan
    #expect(abs(rate - 0.005) < 1e-12)
  }

  @Test("plan plans for the file's optimiser")
  func plans() throws {
    func report(_ file: String, _ options: String = "") throws -> JSONValue {
      try Tool.run(
        "plan", files: ["\(Self.fixtures)/\(file)"], "--json \(options)", in: folder
      ).report
    }
    #expect(try report("adam.h5")["optimizer"] == "adam")
    #expect(try report("nesterov.keras")["optimizer"] == "nesterov")
    #expect(try report("legacy_rmsprop.h5")["optimizer"] == "rmsprop-legacy")
    #expect(try report("adam.h5", "--optimizer sgd")["optimizer"] == "sgd")
    #expect(try report("adam.h5", "--inference")["optimizer"] == .null)
    #expect(try report("adamw.keras")["optimizer"] == "adamw")
    #expect(try report("nadam.h5")["optimizer"] == "nadam")
    #expect(try report("tf_adagrad.keras")["optimizer"] == "adagrad")
    #expect(try report("weight_decay.keras")["optimizer"] == "sgd")
    Tool.expectRefusal(
      try Tool.run("plan", files: ["\(Self.fixtures)/lion.keras"], "", in: folder),
      "was compiled with Lion, which is not supported")
    #expect(try report("lion.keras", "--inference")["optimizer"] == .null)
  }

  @Test("weights from another file bring no memory, and take none")
  func otherWeights() throws {
    let run = try train("adam.h5", "--epochs 1 --weights \(Self.fixtures)/sgd.h5")
    #expect(run.output.contains("; its memory is left, as --weights replaces the weights\n"))
    _ = try train("adam.h5", "--epochs 1 --optimizer sgd --output w.h5")
    let model = try KerasFile.read(path: "\(folder)/w.h5").model
    try Data(model.json.text.utf8).write(to: URL(filePath: "\(folder)/m.json"))
    let fresh = try Tool.run(
      "train", files: ["--data", "\(Self.fixtures)/data.h5"],
      "--model m.json --weights w.h5 --epochs 1", in: folder)
    #expect(fresh.output.contains("0.01 (constant); --weights brings weights, no optimiser\n"))
  }

  // MARK: - Refusals

  static let refusals: [(file: String, fragment: String, option: String)] =
    ["Adadelta", "Adamax", "Ftrl", "Lion", "Lamb", "Adafactor"].map {
      ("\($0.lowercased()).keras", "was compiled with \($0), which is not supported", "adam")
    } + [
      ("loss_scale.keras", "was compiled with LossScaleOptimizer, which is not supported", "adam"),
      ("amsgrad.keras", "Adam's amsgrad must be false, found true", "adam"),
      ("tf_nadam.h5", "Nadam's formula must be Keras 3's, found that of TF-Keras 2", "nadam"),
      ("tf_nadam.keras", "Nadam's formula must be Keras 3's, found that of TF-Keras 2", "nadam"),
      ("legacy_nadam.h5", "Nadam's formula must be Keras 3's, found that of TF-Keras 2", "nadam"),
      (
        "legacy_adagrad.h5",
        "Adagrad's formula must be Keras 3's, found that of Keras 2's legacy optimiser", "adagrad"
      ),
      ("use_ema.keras", "RMSprop's use_ema must be false, found true", "rmsprop"),
      (
        "accumulation.keras", "SGD's gradient_accumulation_steps must be null, found 2", "sgd"
      ),
    ]

  @Test(
    "what is not supported is named, with the option that goes on without it", arguments: refusals)
  func refuses(_ test: (file: String, fragment: String, option: String)) throws {
    let run = try train(test.file, "--epochs 1 --output o.h5")
    Tool.expectRefusal(run, test.fragment)
    Tool.expectRefusal(run, "; --optimizer \(test.option) goes on with another")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/o.h5"))
    let other = try train(test.file, "--epochs 1 --optimizer \(test.option)")
    #expect(other.exitCode == 0, "\(other.errors)")
  }

  @Test("a memory that does not fit is refused; one that is not there is said to be missing")
  func memories() throws {
    _ = try train("adam.keras", "--epochs 1 --output whole.h5")
    // Seven steps, but no momenta.
    var short = try KerasFile.read(path: "\(folder)/whole.h5")
    short.optimizerState = nil
    try KerasFile.write(short, to: "\(folder)/short.h5")
    let data = ["--data", "\(Self.fixtures)/data.h5"]
    let run = try Tool.run("train", files: data, "--model short.h5 --epochs 1", in: folder)
    Tool.expectRefusal(run, "8 values of Adam for this model, found 0")
    Tool.expectRefusal(run, "; --optimizer adam starts another one without it")
    var file = try KerasFile.read(path: "\(Self.fixtures)/adam.keras")
    file.optimizerState = nil
    try KerasFile.write(file, to: "\(folder)/none.h5")
    let none = try Tool.run("train", files: data, "--model none.h5 --epochs 1", in: folder)
    #expect(none.output.contains(", from none.h5; its memory is not in the file\n"))
    Tool.expectRefusal(
      try train("adam.h5", "--epochs 1 --momentum 0.5"), "--momentum is for --optimizer momentum")
  }

  /// As Keras restores it: `load_model` sets every variable of the optimiser.
  @Test("the rate among the optimiser's variables stands before its configuration's")
  func storedRate() throws {
    var file = try KerasFile.read(path: "\(Self.fixtures)/adam.keras")
    file.trainingConfig = [
      "loss": "mean_squared_error",
      "optimizer_config": ["class_name": "SGD", "config": ["learning_rate": 0.123]],
    ]
    (file.optimizerState, file.iterations) = (OptimizerState(slots: []), 0)
    try KerasFile.write(file, to: "\(folder)/rate.h5")
    var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/rate.h5")))
    func pattern(_ rate: Float) -> [UInt8] {
      withUnsafeBytes(of: rate.bitPattern.littleEndian) { [UInt8]($0) }
    }
    let places = bytes.indices.dropLast(3).filter { Array(bytes[$0..<$0 + 4]) == pattern(0.123) }
    try #require(places.count == 1)
    bytes.replaceSubrange(places[0]..<places[0] + 4, with: pattern(0.375))
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/rate.h5"))
    let run = try Tool.run(
      "train", files: ["--data", "\(Self.fixtures)/data.h5"], "--model rate.h5 --epochs 1",
      in: folder)
    #expect(run.output.contains("SGD at a learning rate of 0.375 (constant)"), "\(run.output)")
    bytes.replaceSubrange(places[0]..<places[0] + 4, with: pattern(.nan))
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/rate.h5"))
    let broken = try Tool.run(
      "train", files: ["--data", "\(Self.fixtures)/data.h5"], "--model rate.h5 --epochs 1",
      in: folder)
    Tool.expectRefusal(broken, "SGD's learning_rate must be a number from 0.0 to")
  }

  @Test("a file without an optimiser starts with gradient descent, and says so")
  func without() throws {
    var file = try KerasFile.read(path: "\(Self.fixtures)/adam.keras", trainingState: .ignore)
    file.trainingConfig = nil
    try KerasFile.write(file, to: "\(folder)/bare.keras")
    let run = try Tool.run(
      "train", files: ["--data", "\(Self.fixtures)/data.h5"], "--model bare.keras --epochs 1",
      in: folder)
    #expect(
      run.output.contains("SGD at a learning rate of 0.01 (constant); bare.keras names none\n"))
  }
}
