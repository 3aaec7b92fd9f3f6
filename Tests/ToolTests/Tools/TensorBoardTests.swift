import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What these tests need.
private enum Needed {
  /// A `train` that was built with the package trait: this build's, or the one that `make test` makes beside it.
  static let train: String? = {
    let beside = "\(Fixtures.root)/.build-traits/debug/train"
    if EventFile.isAvailable { return "\(Tool.folder)/train" }
    return FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
  }()

  /// The Python of the cross-checks, where it has TensorBoard.
  static let python: String? = {
    guard let python = Fixtures.python else { return nil }
    let run = try? Finished(python, ["-c", "import tensorboard, h5py"])
    return run?.exitCode == 0 ? python : nil
  }()

  static var canRead: Bool { train != nil && python != nil }
  static let text: Comment =
    "needs a train with --traits default,TensorBoard and a Python with tensorboard (make test)"
}

/// `train --tensorboard`, read back with TensorBoard's own reader.
@Suite("TensorBoard", .serialized)
struct TensorBoardTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func train(_ options: String) throws -> Finished {
    try Finished(
      try #require(Needed.train), options.split(separator: " ").map(String.init), in: folder)
  }

  private func read(_ arguments: String...) throws -> JSONValue {
    let script = "\(Fixtures.root)/Tests/Python/read_events.py"
    let run = try Finished(try #require(Needed.python), [script] + arguments, in: folder)
    #expect(run.exitCode == 0, "\(run.errors.suffix(600))")
    return try run.report
  }

  /// [step, value] pairs of a scalar.
  private func scalar(_ tag: String, _ events: JSONValue) -> [(step: Int, value: Double)] {
    (events["scalars"]?[tag]?.array ?? []).map { pair in
      (Int(pair.array[0].double ?? -1), pair.array[1].double ?? .nan)
    }
  }

  private func rows(_ path: String) throws -> [[Double]] {
    try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8).split(separator: "\n")
      .dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
  }

  private func agree(
    _ found: [(step: Int, value: Double)], _ expected: [(Int, Double)],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      found.count == expected.count && !found.isEmpty
        && zip(found, expected).allSatisfy {
          // Event files hold floats.
          $0.step == $1.0 && Float($0.value) == Float($1.1)
        }, sourceLocation: sourceLocation)
  }

  @Test(
    "an interrupted and resumed run: exactly its figures, at their steps; every weight is counted",
    .enabled(if: Needed.canRead, Needed.text))
  func resumed() throws {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Needed.train))
    let options = "--epochs 3 --quiet --output run.h5 --batch-history run.csv --tensorboard logs/a"
    process.arguments = options.split(separator: " ").map(String.init)
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    for _ in 0..<3000 where !FileManager.default.fileExists(atPath: "\(folder)/run.h5") {
      usleep(10_000)
    }
    usleep(50_000)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let stopped = try #require(try KerasFile.read(path: "\(folder)/run.h5").training)
    let before = try read("logs/a")
    #expect(scalar("loss/batch", before).last?.step == stopped.step)
    #expect(before["files"]?.array.count == 1 && before["versions"] == ["brain.Event:2"])

    let end = try train(
      "--resume run.h5 --checkpoint --json --batch-history run.csv --tensorboard logs/a")
    #expect(end.exitCode == 0 && end.errors.isEmpty, "\(end.errors)")
    let events = try read("logs/a", "run.h5")
    #expect(events["versions"] == ["brain.Event:2", "brain.Event:2"])
    let times = (events["times"]?.array ?? []).compactMap(\.double)
    #expect(times == times.sorted() && abs((times.last ?? 0) - Date().timeIntervalSince1970) < 600)

    let history = try end.report["history"]?.array ?? []
    #expect(history.count == 3)
    for (tag, key) in [
      ("loss/train", "trainLoss"), ("loss/test", "testLoss"), ("learning_rate", "learningRate"),
      ("accuracy/train", "trainAccuracy"), ("accuracy/test", "testAccuracy"),
    ] {
      agree(
        scalar(tag, events),
        history.enumerated().map { (469 * ($0 + 1), $1[key]?.double ?? .nan) })
    }
    agree(scalar("loss/batch", events), try rows("run.csv").map { (Int($0[1]), $0[3]) })
    #expect(scalar("loss/batch", events).count == 3 * 469)
    #expect(scalar("gradient_norm", events).allSatisfy { $0.value > 0 && $0.value < 100 })
    let tags = [
      "accuracy/test", "accuracy/train", "gradient_norm", "learning_rate", "loss/batch",
      "loss/test", "loss/train",
    ]
    #expect(events["plugins"]?["scalars"] == .array(tags.map { .string($0) }))

    let layers = try KerasFile.read(path: "\(folder)/run.h5").weights
    try expectHistograms(events, layers)
    try expectDamageIsFound(events)
  }

  /// One for each weight and each gradient at the end of every epoch, with as many values as it has.
  private func expectHistograms(_ events: JSONValue, _ layers: [LayerWeights]) throws {
    let names = [
      "bn": ["gamma", "beta", "moving_mean", "moving_variance"], "conv": ["kernel", "bias"],
      "dense": ["kernel", "bias"],
    ]
    var counts: [String: Int] = [:]
    for layer in layers {
      let roles = names[String(layer.layer.prefix { $0.isLetter })] ?? []
      for (role, tensor) in zip(roles, layer.tensors) {
        counts["\(layer.layer)/\(role)"] = tensor.values.count
        guard !role.hasPrefix("moving") else { continue }
        counts["gradients/\(layer.layer)/\(role)"] = tensor.values.count
      }
    }
    #expect(counts.count == 50)
    guard case .object(let found)? = events["histograms"] else { return }
    #expect(Set(found.keys) == Set(counts.keys))
    #expect(events["plugins"]?["histograms"]?.array.count == 50)
    for (tag, entries) in found {
      let count = counts[tag].map(Double.init)
      #expect(entries.array.compactMap { $0["step"]?.double } == [469, 938, 1407], "\(tag)")
      for entry in entries.array {
        #expect(entry["num"]?.double == count && entry["total"]?.double == count, "\(tag)")
        #expect(entry["ascends"] == true)
      }
    }
    #expect(events["compared"]?.array.count == 30)
  }

  /// TensorBoard's reader stops at a byte that is not what it was.
  private func expectDamageIsFound(_ events: JSONValue) throws {
    let whole = try #require(events["events"]?.double)
    let read = try #require(events["damaged"]?.array.first?.double)
    #expect(whole > 470 && read < whole && read > 0, "\(events["damaged"] ?? .null)")
  }

  @Test(
    "a full-batch solver's losses and gradients at its evaluations",
    .enabled(if: Needed.canRead, Needed.text))
  func fullBatch() throws {
    let data = Fixtures.local("mat/digits_ten.mat")
    let run = try train(
      "--data \(data) --model softmax --optimizer lbfgs --evaluations 12 --json --history s.csv "
        + "--tensorboard logs")
    #expect(run.exitCode == 0, "\(run.errors)")
    let events = try read("logs")
    let steps = try rows("s.csv")
    agree(scalar("loss/train", events), steps.map { (Int($0[1]), $0[2]) })
    agree(scalar("gradient_norm", events), steps.map { (Int($0[1]), $0[3]) })
    agree(
      scalar("accuracy/train", events),
      [(Int(steps.last?[1] ?? 0), try run.report["accuracy"]?.double ?? .nan)])
    guard case .object(let histograms)? = events["histograms"] else { return }
    #expect(histograms.count == 2)
  }

  @Test(
    "an update in the backward pass keeps no gradient, and shows none",
    .enabled(if: Needed.canRead, Needed.text))
  func oneImagePerStep() throws {
    let data = Fixtures.local("mat/digits_ten.mat")
    for batch in [1, 2] {
      let run = try train(
        "--data \(data) --model softmax --test-fraction 0 --batch \(batch) --epochs 2 "
          + "--tensorboard logs\(batch)")
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.contains("updated in the backward pass") == (batch == 1))
      let events = try read("logs\(batch)")
      guard case .object(let scalars)? = events["scalars"],
        case .object(let histograms)? = events["histograms"]
      else {
        Issue.record("no scalars or no histograms")
        return
      }
      #expect(scalars.keys.contains("gradient_norm") == (batch == 2))
      #expect(scalars["loss/batch"]?.array.count == 2 * 20 / batch)
      #expect(scalars["loss/train"]?.array.count == 2)
      let gradients = histograms.keys.filter { $0.hasPrefix("gradients/") }
      #expect(gradients.count == (batch == 2 ? 2 : 0) && histograms.count - gradients.count == 2)
    }
  }

  @Test("a folder that cannot be made is one line", .enabled(if: Needed.train != nil, Needed.text))
  func unwritable() throws {
    try Data().write(to: URL(filePath: "\(folder)/file"))
    Tool.expectRefusal(
      try train("--epochs 1 --tensorboard file"),
      "--tensorboard: cannot write to the folder 'file': it cannot be made or read")
    Tool.expectRefusal(
      try train("--epochs 1 --tensorboard file/logs"), "cannot write to the folder 'file/logs'")
  }

  @Test("without the package trait one line says how to build with it")
  func withoutTrait() throws {
    guard !EventFile.isAvailable else { return }
    Tool.expectRefusal(
      try Tool.run("train", "--tensorboard logs", in: folder),
      "built without TensorBoard's event files; build it with --traits default,TensorBoard")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/logs"))
  }
}
