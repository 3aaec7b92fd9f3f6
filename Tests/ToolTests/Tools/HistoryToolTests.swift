import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train writes down of its epochs, and which of them it keeps, on a few samples.
@Suite("train's history")
struct HistoryToolTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
    try SmallData.write([Dense(name: "line", units: 1)], to: "\(folder)/line.json")
  }

  private func train(_ options: String) throws -> Finished {
    let run = try Tool.run("train", options, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    return run
  }

  private static let small = "--model mlp --data classes.h5 --batch 8"

  /// The figures of an epoch but its seconds, of the JSON that a run printed.
  private func figures(_ run: Finished, unseen part: String = "test") throws -> [[Double]] {
    let keys = [
      "epoch", "learningRate", "trainLoss", "trainAccuracy", "\(part)Loss", "\(part)Accuracy",
    ]
    return try #require(run.report["history"]?.array).map { epoch in
      keys.map { epoch[$0]?.double ?? .nan }
    }
  }

  @Test("--history, the checkpoint and the JSON have the same figures; the rate is the last step's")
  func columns() throws {
    let run = try train(
      "\(Self.small) --epochs 3 --schedule exponential:rate=0.5,steps=4 --learning-rate 0.1 --json "
        + "--history h.csv --output run.h5")
    let expected = try figures(run)
    let text = try String(contentsOfFile: "\(folder)/h.csv", encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(
      lines[0] == [
        "epoch", "learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy",
        "seconds",
      ])
    #expect(lines.dropFirst().map { $0.dropLast().map { Double($0) ?? .nan } } == expected)
    let history = try #require(KerasFile.read(path: "\(folder)/run.h5").training).history
    for (record, figures) in zip(history, expected) {
      #expect(
        [
          Double(record.epoch), record.learningRate, record.trainLoss, record.trainAccuracy,
          record.testLoss, record.testAccuracy,
        ] == figures)
    }
    #expect(history.count == 3 && expected.count == 3)
    // 32 samples: steps 4, 8 and 12, which count from 0 for the schedule.
    for (figures, step) in zip(expected, [3.0, 7, 11]) {
      #expect(abs(figures[1] - 0.1 * pow(0.5, step / 4)) < 1e-12)
    }
  }

  @Test("the best checkpoint is that of the first epoch with the largest accuracy")
  func best() throws {
    let run = try train(
      "\(Self.small) --validation-fraction 0.3 --epochs 30 --learning-rate 1 --optimizer momentum "
        + "--json --output run.h5")
    let accuracies = try figures(run, unseen: "validation").map { $0[5] }
    let first = try #require(accuracies.firstIndex(of: accuracies.max() ?? 0)) + 1
    #expect(first > 1 && first < 30, "an epoch in the middle, or this says nothing")
    let best = try #require(KerasFile.read(path: "\(folder)/run.best.h5").training)
    #expect(best.epoch == first && best.bestEpoch == first && best.history.count == first)
    let last = try #require(KerasFile.read(path: "\(folder)/run.h5").training)
    #expect(last.epoch == 30 && last.bestEpoch == first)
    #expect(last.bestAccuracy == accuracies.max())
  }

  @Test("for numbers it is the one with the smallest validation loss")
  func bestOfNumbers() throws {
    let run = try train(
      "--model line.json --data numbers.h5 --loss mse --batch 8 --epochs 12 --optimizer momentum "
        + "--momentum 0.98 --learning-rate 0.02 --json --output run.h5 --validation-fraction 0.25")
    let losses = try figures(run, unseen: "validation").map { $0[4] }
    let first = try #require(losses.firstIndex(of: losses.min() ?? 0)) + 1
    #expect(first > 1 && first < 12, "an epoch in the middle, or this says nothing: \(losses)")
    #expect(
      try #require(KerasFile.read(path: "\(folder)/run.best.h5").training).epoch == first)
  }

  @Test("an epoch that is resumed in its middle has the figures of one run")
  func insideOfAnEpoch() throws {
    let options = "\(Self.small) --epochs 1 --optimizer adam"
    let whole = try train("\(options) --json --output whole.h5")
    // The same run as far as its third step, by hand.
    var file = try KerasFile.read(path: "\(folder)/whole.h5")
    let (optimizer, data) = (
      Optimizer.adam(), try DataFile.load(path: "\(folder)/classes.h5").set
    )
    let network = try Network(
      NetworkPlan(
        file.model, options: PlanOptions(batch: 8, isTraining: true, optimizer: optimizer)))
    try network.load(file.model.initialWeights(seed: 0))
    let trainer = try Trainer(
      network: network, images: data.train, batch: 8,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(0.001)), seed: 0)
    #expect(try trainer.runEpoch { $0.step < 3 } == .interrupted)
    let position = trainer.position
    #expect(position.stepInEpoch == 3 && position.partial.images == 24)
    var state = try #require(file.training)
    (state.epoch, state.step, state.stepInEpoch) = (0, 3, 3)
    state.partialLoss = position.partial.loss
    (state.partialHits, state.partialImages) = (position.partial.hits, position.partial.images)
    (state.history, state.bestEpoch, state.bestAccuracy) = ([], 0, 0)
    (file.training, file.weights) = (state, network.weights)
    (file.iterations, file.optimizerState) = (3, network.optimizerState)
    try KerasFile.write(file, to: "\(folder)/third.h5")
    let resumed = try train("--resume third.h5 --json")
    #expect(try figures(resumed) == figures(whole))
    #expect(try resumed.report["weightsSHA256"] == whole.report["weightsSHA256"])
  }

  @Test("--checkpoint-every saves after every so many steps, and after no others")
  func checkpointEvery() throws {
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/train")
    process.arguments = "--model lenet-plain --epochs 1 --output run.h5 --checkpoint-every 100"
      .split(separator: " ").map(String.init)
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var steps: Set<Int> = []
    while process.isRunning {
      if let file = try? KerasFile.read(path: "\(folder)/run.h5") {
        steps.insert(try #require(file.training).step)
      }
      usleep(2000)
    }
    #expect(process.terminationStatus == 0)
    // 60,000 images make 469 steps.
    #expect(steps.isSubset(of: [100, 200, 300, 400, 469]) && steps.count >= 2, "\(steps)")
  }
}
