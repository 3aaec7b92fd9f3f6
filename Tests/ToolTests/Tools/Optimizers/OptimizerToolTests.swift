import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train does with optimisers, schedules, losses and starts, on a few samples.
@Suite("train's methods")
struct OptimizerToolTests {
  let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
    try SmallData.write([Dense(name: "line", units: 1)], to: "\(folder)/line.json")
  }

  func train(_ options: String) throws -> Finished {
    try Tool.run("train", options, in: folder)
  }

  func csv(_ name: String) throws -> [[Double]] {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n")
      .dropFirst().map { line in
        line.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
      }
  }

  static let small = "--model mlp --data classes.h5 --batch 8 --quiet"

  @Test(
    "--resume ends in the hash of one run, for every optimiser with a schedule and clipping",
    arguments: [
      ("--optimizer sgd --schedule step:every=7", "--clip-value 0.001"),
      (
        "--optimizer momentum --momentum 0.8 --schedule cosine:steps=15,alpha=0.1",
        "--clip-norm 0.01"
      ),
      ("--optimizer nesterov --schedule one-cycle:steps=16", "--clip-global-norm 0.01"),
      (
        "--optimizer rmsprop --rho 0.8 --momentum 0.5 --schedule triangular:step-size=3",
        "--clip-global-norm 0.01"
      ),
      (
        "--optimizer rmsprop-legacy --epsilon 0.001 --schedule exponential:rate=0.5,steps=5",
        "--clip-value 0.001"
      ),
      (
        "--optimizer adam --beta1 0.8 --schedule exp-range:step-size=3,gamma=0.9", "--clip-norm 0.1"
      ),
      (
        "--optimizer adamw --beta2 0.9 --schedule warmup-cosine:warmup=6,steps=20",
        "--clip-norm 0.1"
      ),
      (
        "--optimizer nadam --weight-decay 0.1 --schedule cosine-restarts:steps=3,growth=1.5",
        "--clip-value 0.001"
      ),
      (
        "--optimizer adagrad --epsilon 0.001 --schedule polynomial:steps=15,power=2",
        "--clip-global-norm 0.01"
      ),
      (
        "--optimizer momentum --weight-decay 0.2 --schedule piecewise:5=0.005,9=0.001",
        "--clip-value 0.001"
      ),
    ])
  func resumes(_ method: String, _ clipping: String) throws {
    let options = "\(Self.small) \(method) \(clipping)"
    let whole = try train("\(options) --epochs 4")
    #expect(whole.weightsHash != nil, "\(whole.errors)")
    for name in ["run.h5", "run.keras", "run.weights.h5"] {
      #expect(try train("\(options) --epochs 2 --output \(name)").exitCode == 0)
      let resumed = try train("--resume \(name) --epochs 4 --quiet --threads 1")
      #expect(resumed.weightsHash == whole.weightsHash, "\(resumed.errors)")
    }
    // Each of the options matters.
    #expect(try train("\(Self.small) \(method) --epochs 4").weightsHash != whole.weightsHash)
    let words = method.split(separator: " ").dropLast(2).joined(separator: " ")
    let constant = try train("\(Self.small) \(words) \(clipping) --epochs 4")
    #expect(constant.weightsHash != nil && constant.weightsHash != whole.weightsHash)
  }

  @Test("Keras 2's RMSprop is another one than Keras 3's, and stays it")
  func legacy() throws {
    func hash(_ name: String) throws -> String? {
      try train("\(Self.small) --optimizer \(name) --epsilon 0.01 --epochs 3").weightsHash
    }
    #expect(try hash("rmsprop") != hash("rmsprop-legacy"))
    _ = try train(
      "\(Self.small) --optimizer rmsprop-legacy --epsilon 0.01 --epochs 1 --output a.h5")
    #expect(try train("--resume a.h5 --epochs 3 --quiet").weightsHash == hash("rmsprop-legacy"))
  }

  @Test("the steps' file has Keras' rates, and losses whose mean is the epoch's")
  func batchHistory() throws {
    let run = try train(
      "\(Self.small) --epochs 3 --learning-rate 0.1 --schedule cosine --batch-history s.csv "
        + "--history e.csv --test-fraction 0.25")
    #expect(run.exitCode == 0, "\(run.errors)")
    let (steps, epochs) = (try csv("s.csv"), try csv("e.csv"))
    #expect(steps.count == 12 && epochs.count == 3)
    for (index, step) in steps.enumerated() {
      // Keras' CosineDecay over all steps.
      let rate = 0.1 * (1 + cos(.pi * Double(index) / 12)) / 2
      #expect(step[0] == Double(index / 4 + 1) && step[1] == Double(index + 1))
      #expect(abs(step[2] - rate) < 1e-12)
    }
    for (index, epoch) in epochs.enumerated() {
      // 30 samples: three mini-batches of 8 and one of 6.
      let losses = steps[4 * index..<4 * index + 4].map { $0[3] }
      let mean = zip(losses, [8.0, 8, 8, 6]).reduce(0) { $0 + $1.0 * $1.1 } / 30
      #expect(abs(epoch[2] - mean) < 1e-9)
      #expect(epoch[1] == steps[4 * index + 3][2])
    }
    try Data("a,b\n1,2\n".utf8).write(to: URL(filePath: "\(folder)/other.csv"))
    _ = try train("\(Self.small) --epochs 1 --output run.h5")
    Tool.expectRefusal(
      try train("--resume run.h5 --epochs 2 --batch-history other.csv"), "no history of steps")
  }

  @Test("a history whose last line was cut off is gone on with from the checkpoint's step")
  func tornHistory() throws {
    let options = "\(Self.small) --test-fraction 0.25 --batch-history"
    _ = try train("\(options) whole.csv --epochs 4")
    let whole = try String(contentsOfFile: "\(folder)/whole.csv", encoding: .utf8)
    _ = try train("\(options) torn.csv --epochs 3 --output run.h5")
    // Step 13 of a run that died behind step 12, as much of it as fitted on the disk: it would pass for step 1.
    let kept = whole.split(separator: "\n")[...12].joined(separator: "\n") + "\n"
    try Data((kept + "4,1").utf8).write(to: URL(filePath: "\(folder)/torn.csv"))
    let resumed = try train("--resume run.h5 --epochs 4 --quiet --batch-history torn.csv")
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(try String(contentsOfFile: "\(folder)/torn.csv", encoding: .utf8) == whole)
    // From step 12 once more: the lines behind it are written anew.
    _ = try train("--resume run.h5 --epochs 4 --quiet --batch-history torn.csv")
    #expect(try String(contentsOfFile: "\(folder)/torn.csv", encoding: .utf8) == whole)
  }

  @Test("early stopping stops where the test losses say, after --resume too")
  func earlyStopping() throws {
    let options = "\(Self.small) --validation-fraction 0.25 --learning-rate 1 --optimizer momentum"
    let all = try train("\(options) --epochs 30 --history all.csv")
    let losses = try csv("all.csv").map { $0[4] }
    // Epochs that come 3 or more after the best one so far.
    let end = try #require(
      (1...30).first { count in
        let seen = losses.prefix(count)
        return count - 1 - (seen.firstIndex(of: seen.min() ?? 0) ?? 0) >= 3
      })
    let stopped = try train(
      "\(options.replacing("--quiet", with: "")) --epochs 30 --patience 3 --output run.h5")
    #expect(stopped.output.contains("stopped early after epoch \(end): "))
    #expect(try #require(KerasFile.read(path: "\(folder)/run.h5").training).epoch == end)
    let again = try train("--resume run.h5")
    #expect(again.output.contains("stopped early after epoch \(end): "))
    #expect(again.weightsHash == stopped.weightsHash)
    #expect(try train("--resume run.h5 --patience 1000 --quiet").weightsHash == all.weightsHash)
    let never = try train("\(options) --epochs 30 --patience 2 --min-delta 100 --json")
    #expect(try never.report["epochs"] == 3 && never.report["stoppedEarly"] == true)
    // A run with a least improvement that stops it elsewhere.
    let slow = "--model softmax --batch 128 --quiet --epochs 8 --validation-fraction 0.1"
    _ = try train("\(slow) --history slow.csv")
    let falling = try csv("slow.csv").map { $0[4] }
    func epochs(minDelta: Double) -> Int {
      var (best, since) = (Double.infinity, 0)
      for (epoch, loss) in falling.enumerated() {
        since = best - loss > minDelta ? 0 : since + 1
        if since == 0 { best = loss }
        if since == 2 { return epoch + 1 }
      }
      return falling.count
    }
    let minDelta = try #require(
      [0.001, 0.01, 0.03, 0.1, 0.3, 1].first { epochs(minDelta: $0) != epochs(minDelta: 0) },
      "\(falling)")
    for delta in [0, minDelta] {
      let run = try train("\(slow) --patience 2 --min-delta \(delta) --json")
      #expect(try run.report["epochs"] == .integer(epochs(minDelta: delta)))
    }
  }

  @Test("--l1 and --l2 add lambda times the kernels' magnitudes and squares, and survive --resume")
  func penalty() throws {
    let options = "\(Self.small) --batch 64 --epochs 1 --batch-history s.csv"
    _ = try train(options)
    let plain = try csv("s.csv")[0][3]
    _ = try train("\(options) --l1 0.125 --l2 0.25 --output run.h5")
    let weights = try BuiltInModel.mlp.model(input: .vector(6), classCount: 3)
      .initialWeights(seed: 0)
    let kernels = weights.compactMap(\.tensors.first).flatMap(\.values)
    let squares = kernels.reduce(0.0) { $0 + Double($1) * Double($1) }
    let sum = kernels.reduce(0.0) { $0 + Double(abs($1)) }
    let penalty = 0.125 * sum + 0.25 * squares
    #expect(abs(try csv("s.csv")[0][3] - plain - penalty) < 1e-5 * penalty)
    let resumed = try train("--resume run.h5 --epochs 3 --quiet")
    let whole = try train("\(options) --l1 0.125 --l2 0.25 --epochs 3")
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
  }

  @Test("--augment is a function of seed and epoch: --resume goes on with it and takes no other")
  func augmentation() throws {
    try SmallData.write(SmallData.labels, shape: [3, 2, 1], to: "\(folder)/images.h5")
    try SmallData.write(
      [Flatten(name: "flat"), Dense(name: "out", units: 3, activation: .softmax)],
      input: .image(height: 3, width: 2, channels: 1), to: "\(folder)/images.json")
    let images = "--model images.json --data images.h5 --batch 7 --learning-rate 0.1 --quiet"
    let augment = "--augment shift=0.1,rotation=15,flip=horizontal"
    let whole = try train("\(images) --epochs 2 \(augment)")
    #expect(
      try train("\(images) --epochs 2 \(augment) --threads 2").weightsHash == whole.weightsHash)
    #expect(try train("\(images) --epochs 2").weightsHash != whole.weightsHash)
    let first = try train("\(images) --epochs 1 \(augment) --output a.keras --json")
    #expect(
      try first.report["augmentation"] == "shift=0.1,rotation=15,flip=horizontal,fill=nearest")
    for again in ["", "--augment rotation=15,shift=0.1,flip=horizontal,fill=nearest"] {
      let resumed = try train("--resume a.keras --epochs 2 --quiet \(again)")
      #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    }
    let refusals: [(options: String, message: String, exitCode: Int32)] = [
      (
        "--resume a.keras --epochs 2 --augment shift=0.2",
        "'a.keras' was trained with shift=0.1,rotation=15,flip=horizontal,fill=nearest, found shift=0.2",
        1
      ),
      ("--model lenet --augment spin=3", "--augment: augmentation must be shift=, rotation=", 64),
      ("--model mlp --data classes.h5 --augment shift=0.2", "whose values have no neighbours", 1),
      ("--optimizer lbfgs --augment shift=0.2", "--augment is for mini-batches; lbfgs has", 64),
    ]
    for (options, message, exitCode) in refusals {
      Tool.expectRefusal(
        try Tool.run("train", options, in: folder), message, exitCode: exitCode)
    }
    let plain = "\(images) --epochs 1 --output plain.keras"
    _ = try train(plain)
    Tool.expectRefusal(
      try Tool.run("train", "--resume plain.keras --epochs 2 \(augment)", in: folder),
      "'plain.keras' was trained with none")
  }

  @Test("--initializer changes the kernels; --weights takes them from a file")
  func starts() throws {
    let still = "--data classes.h5 --quiet --epochs 1 --learning-rate 1e-30"
    func kernels(_ name: String) throws -> [Float] {
      try KerasFile.read(path: "\(folder)/\(name)").weights.compactMap(\.tensors.first)
        .flatMap(\.values)
    }
    _ = try train("\(still) --model mlp --initializer random-uniform=0.01 --output a.h5")
    let largest = try kernels("a.h5").map(abs).max() ?? 0
    #expect(largest <= 0.01 && largest > 0.0095)
    _ = try train("\(still) --model mlp --initializer he-normal --output b.h5")
    // Of all 500 x 6 and 3 x 500: variances 2/6 and 2/500.
    let values = try kernels("b.h5").prefix(3000).map(Double.init)
    let variance = values.reduce(0) { $0 + $1 * $1 } / 3000
    #expect(abs(variance - 1.0 / 3) < 0.05)
    let started = try train("\(still) --model mlp --weights a.h5 --output c.keras")
    #expect(started.exitCode == 0, "\(started.errors)")
    #expect(try kernels("c.keras") == kernels("a.h5"))
    Tool.expectRefusal(
      try train("\(still) --model a.h5 --initializer he-normal"), "has weights already")
    Tool.expectRefusal(try train("\(still) --model softmax --weights a.h5"), "a.h5")
  }

  @Test("--adapt gives Normalization the mean and variance of the training samples")
  func adapts() throws {
    try SmallData.write(
      [
        Normalization(name: "norm"), Dense(name: "dense", units: 3, activation: .softmax),
      ], to: "\(folder)/norm.json")
    let options = "--data classes.h5 --epochs 1 --quiet --test-fraction 0"
    let run = try train("\(options) --model norm.json --adapt --output a.h5")
    #expect(run.exitCode == 0, "\(run.errors)")
    let model = try KerasFile.read(path: "\(folder)/a.h5").model
    let layer = try #require(model.layers.first as? Normalization)
    for channel in 0..<SmallData.width {
      let values = stride(from: channel, to: SmallData.inputs.count, by: SmallData.width)
        .map { Double(SmallData.inputs[$0]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(abs(Double(layer.mean?[channel] ?? 9) - mean) < 1e-6)
      #expect(abs(Double(layer.variance?[channel] ?? 9) - variance) < 1e-6)
    }
    let resumed = try train("--resume a.h5 --epochs 3 --quiet")
    let whole = try train("\(options) --model norm.json --adapt --epochs 3")
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    Tool.expectRefusal(try train("\(options) --model mlp --adapt"), "no Normalization layer")
  }

  @Test("--adapt gives a model of vectors a mean for every pixel of images")
  func adaptsPixels() throws {
    let model = Model(
      name: "m", input: .vector(784),
      layers: [
        Normalization(name: "norm"), Dense(name: "dense", units: 10, activation: .softmax),
      ])
    try Data(model.json.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/pixels.json"))
    let run = try train("--model pixels.json --adapt --epochs 1 --quiet --output pixels.h5")
    #expect(run.exitCode == 0, "\(run.errors)")
    let layer = try #require(
      try KerasFile.read(path: "\(folder)/pixels.h5").model.layers.first as? Normalization)
    // The border of the digits is darker than their middle.
    let means = try #require(layer.mean)
    #expect(means.count == 784 && (means.first ?? 9) < 0.5 * means[14 * 28 + 14])
  }
}
