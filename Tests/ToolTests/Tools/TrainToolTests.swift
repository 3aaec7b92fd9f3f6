import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

@Suite("train", .serialized)
struct TrainToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func train(_ arguments: String, environment: [String: String] = [:]) throws -> Finished {
    try Tool.run("train", arguments, in: folder, environment: environment)
  }

  @Test("train --checkpoint leaves a model that eval evaluates to the printed accuracy")
  func checkpoint() throws {
    let run = try train("--checkpoint --epochs 1 --history history.csv")
    #expect(run.exitCode == 0, "\(run.errors)")
    let plan = try NetworkPlan(
      BuiltInModel.lenet.model(),
      options: PlanOptions(
        batch: 128, isTraining: true, threads: Processors.available.count))
    let total = plan.memory.byteCount.formatted(.number.locale(Locale(identifier: "en_US")))
    #expect(run.output.contains("plan: \(total) bytes"))
    let file = try KerasFile.read(path: "\(folder)/Models/lenet.h5")
    #expect(run.weightsHash == "weights sha256: \(WeightsDigest.sha256(file.weights))")
    let record = try #require(file.training?.history.last)
    #expect(record.testAccuracy > 0.85)

    let eval = try Tool.run("eval", "Models/lenet.h5 --json", in: folder)
    let report = try JSONValue(parsing: eval.output)
    #expect(report["accuracy"] == .number(record.testAccuracy))
    #expect(report["data"] == "digits")
    // Nothing is called the best by the test set.
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/Models/lenet.best.h5"))
    let history = try String(contentsOfFile: "\(folder)/history.csv", encoding: .utf8)
    #expect(history.split(separator: "\n").count == 2)
  }

  @Test("one run, one hash: threads, instruction sets, builds, repetition")
  func oneHash() throws {
    let first = try train("--epochs 2 --quiet --threads 1")
    let hash = try #require(first.weightsHash)
    for threads in 2...3 {
      #expect(try train("--epochs 2 --quiet --threads \(threads)").weightsHash == hash)
    }
    for set in ["avx2", "avx512"] where InstructionSet(rawValue: set).map({ $0 <= .best }) == true {
      let run = try train("--epochs 2 --quiet", environment: ["FIXEDNET_ISA": set])
      #expect(run.weightsHash == hash)
    }
    if let release = Tool.release("train") {
      let run = try Finished(release, ["--epochs", "2", "--quiet"], in: folder)
      #expect(run.weightsHash == hash)
    }
    #expect(try train("--epochs 2 --quiet --seed 1").weightsHash != hash)
  }

  @Test("Ctrl-C saves, exits 130, and --resume ends in the hash of the undisturbed run")
  func interrupt() throws {
    let options =
      "--model lenet-dropout --epochs 3 --quiet --optimizer adam --schedule cosine --clip-norm 1"
    let whole = try train("\(options) --batch-history whole.csv")
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/train")
    process.arguments =
      options.split(separator: " ").map(String.init) + [
        "--output", "run.h5", "--batch-history", "run.csv",
      ]
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // After the first epoch's checkpoint the second epoch is under way.
    for _ in 0..<3000 where !FileManager.default.fileExists(atPath: "\(folder)/run.h5") {
      usleep(10_000)
    }
    usleep(50_000)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let stopped = try #require(try KerasFile.read(path: "\(folder)/run.h5").training)
    #expect(stopped.epoch >= 1 && stopped.epoch < 3)
    let resumed = try train("--resume run.h5 --quiet --threads 1 --batch-history run.csv")
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(resumed.weightsHash == whole.weightsHash)
    #expect(whole.weightsHash != nil)
    let steps = try ["whole", "run"].map {
      try String(contentsOfFile: "\(folder)/\($0).csv", encoding: .utf8)
    }
    #expect(steps[0] == steps[1] && steps[0].split(separator: "\n").count == 1 + 3 * 469)
  }

  @Test("a memory budget changes the memory and not the result")
  func memoryBudget() throws {
    let whole = try train("--model lenet-plain --epochs 1 --quiet --threads 2")
    let parts = try train(
      "--model lenet-plain --epochs 1 --threads 2 --memory-budget 1500KiB")
    #expect(parts.output.contains("in parts of"))
    #expect(parts.weightsHash == whole.weightsHash)
    let smallest = try train("--model lenet-plain --epochs 1 --threads 1 --memory-budget 850KiB")
    #expect(smallest.output.contains("in parts of 16"))
    #expect(smallest.weightsHash == whole.weightsHash)
    Tool.expectRefusal(
      try train("--model lenet-plain --memory-budget 100KiB"), "with one block of 16 need")
    Tool.expectRefusal(try train("--memory-budget 2MiB"), "normalises over the whole batch")
  }

  @Test("nor does it with augmentation and regularisers")
  func memoryBudgetOfAugmented() throws {
    let options =
      "--model lenet-plain --epochs 1 --l1 1e-4 --l2 1e-4 "
      + "--augment shift=0.1,rotation=10,zoom=0.1"
    let whole = try train("\(options) --threads 2")
    let parts = try train("\(options) --threads 1 --memory-budget 850KiB")
    #expect(parts.output.contains("in parts of 16"), "\(parts.output)")
    #expect(parts.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    Tool.expectRefusal(
      try train("--memory-budget 2MiB --augment shift=0.1"), "normalises over the whole batch")
  }

  @Test("MNIST through IDX files", .enabled(if: Fixtures.shared("data/mnist") != nil))
  func mnist() throws {
    let data = try #require(Fixtures.shared("data/mnist"))
    let run = try Finished(
      "\(Tool.folder)/train",
      ["--data", "mnist", "--data-dir", data, "--epochs", "1", "--json"], in: folder)
    let report = try JSONValue(parsing: run.output)
    guard case .array(let history)? = report["history"],
      case .number(let accuracy)? = history.last?["testAccuracy"]
    else {
      Issue.record("no history: \(run.output) \(run.errors)")
      return
    }
    #expect(accuracy > 0.93)
  }

  // MARK: - Wrong use

  @Test(
    "wrong options are one line and exit 64",
    arguments: [
      ("--epochs -3", "--epochs must be from 1"), ("--epochs 0", "--epochs must be from 1"),
      ("--batch 0", "--batch must be from 1"), ("--batch 99999999", "--batch must be from 1"),
      ("--threads 0", "--threads must be from 1"), ("--threads many", "--threads"),
      ("--learning-rate nan", "--learning-rate"),
      ("--learning-rate -1", "--learning-rate must be above 0"),
      ("--seed -1", "--seed"), ("--batch -128", "--batch must be from 1"),
      ("--optimizer lion", "--optimizer must be one of sgd"),
      ("--optimizer adagrad --beta1 0.5", "--beta1 is for --optimizer adam, adamw, nadam, found"),
      ("--optimizer nadam --rho 0.5", "--rho is for --optimizer rmsprop"),
      ("--optimizer adamw --momentum 0.5", "--momentum is for --optimizer momentum"),
      ("--weight-decay -0.1", "--weight-decay must be from 0 to 1e6, found -0.1"),
      ("--weight-decay nan", "--weight-decay must be from 0"),
      ("--optimizer lbfgs --weight-decay 0.1", "--weight-decay is for mini-batches"),
      ("--schedule never", "--schedule"), ("--data cifar", "--data must be"),
      ("--memory-budget lots", "--memory-budget"), ("--memory-budget -5KiB", "--memory-budget"),
      ("--output weights.txt", "--output must name"), ("--frobnicate", "frobnicate"),
      ("--resume a.h5 --seed 3", "cannot be changed with --resume"),
      ("--resume a.h5 --clip-norm 3", "cannot be changed with --resume"),
      ("--resume a.h5 --adapt", "cannot be changed with --resume"),
      ("--momentum 0.5", "--momentum is for --optimizer momentum"),
      ("--optimizer adam --rho 0.5", "--rho is for --optimizer rmsprop"),
      ("--optimizer sgd --beta1 0.5", "--beta1 is for --optimizer adam"),
      ("--optimizer momentum --epsilon 1", "--epsilon is for"),
      ("--optimizer momentum --momentum 0", "--momentum must be above 0"),
      ("--optimizer rmsprop --momentum 2", "--momentum must be from 0"),
      ("--optimizer adam --beta2 1", "--beta2 must be from 0 to below 1"),
      ("--optimizer adam --epsilon 1e-60", "--epsilon must be above 0"),
      ("--clip-norm 0", "--clip-norm must be above 0"),
      ("--clip-norm 1 --clip-value 1", "--clip-value and --clip-norm exclude each other"),
      ("--schedule cosine:alpha", "found 'alpha'"), ("--schedule step:every=0", "--schedule"),
      ("--loss hinges", "loss 'hinges': not supported; supported are"),
      ("--patience 0", "--patience must be from 1"),
      ("--patience 2 --validation-fraction 0", "--validation-fraction 0 leaves none"),
      ("--validation-fraction 1", "--validation-fraction must be from 0 to below 1, found 1.0"),
      ("--validation-fraction -0.1", "--validation-fraction must be from 0 to below 1"),
      ("--optimizer lbfgs --validation-fraction 0.1", "--validation-fraction is for mini-batches"),
      ("--min-delta 1", "--min-delta belongs to --patience"),
      ("--checkpoint --checkpoint-every 0", "--checkpoint-every must be from 1"),
      ("--checkpoint-every 5", "--checkpoint-every belongs to --checkpoint or --output"),
      ("--resume a.h5 --optimizer lbfgs", "start from the file's weights instead, with --model"),
      ("--learning-rate 1e30", "--learning-rate must be above 0 and at most 1e6"),
      ("--patience 1 --min-delta -1", "--min-delta must be 0 or more"),
      ("--l2 -1", "--l2 must be from 0"), ("--initializer glorot", "--initializer must be"),
      ("--initializer he-normal=2", "--initializer must be"),
      ("--initializer random-normal=x", "--initializer must be"),
      ("--initializer he-normal --weights a.h5", "exclude each other"),
      ("--history a.csv --batch-history a.csv", "would write the same file"),
    ])
  func wrongOptions(_ arguments: String, _ fragment: String) throws {
    Tool.expectRefusal(try train(arguments), fragment, exitCode: 64)
  }

  @Test("missing and foreign files are one line and exit 1")
  func wrongFiles() throws {
    Tool.expectRefusal(try train("--model resnet"), "built in are lenet")
    Tool.expectRefusal(try train("--model none.h5"), "none.h5")
    Tool.expectRefusal(try train("--model none.json"), "none.json")
    try Data("hello".utf8).write(to: URL(filePath: "\(folder)/text.json"))
    Tool.expectRefusal(try train("--model text.json"), "not JSON")
    Tool.expectRefusal(try train("--resume none.h5"), "none.h5")
    Tool.expectRefusal(
      try train("--data mnist --data-dir nowhere", environment: ["HOME": folder]), "nowhere")
    Tool.expectRefusal(
      try train("--epochs 1", environment: ["FIXEDNET_ISA": "sse9"]), "FIXEDNET_ISA=sse9")
  }

  @Test(
    "truncated and altered IDX files are named", .enabled(if: Fixtures.shared("data/mnist") != nil))
  func brokenData() throws {
    let data = try #require(Fixtures.shared("data/mnist"))
    let manager = FileManager.default
    func copy() throws {
      try? manager.removeItem(atPath: "\(folder)/mnist")
      try manager.createDirectory(atPath: "\(folder)/mnist", withIntermediateDirectories: true)
      for file in try manager.contentsOfDirectory(atPath: data) {
        let bytes = try #require(manager.contents(atPath: "\(data)/\(file)"))
        try bytes.write(to: URL(filePath: "\(folder)/mnist/\(file)"))
      }
    }
    let labels = "\(folder)/mnist/train-labels-idx1-ubyte.gz"
    try copy()
    let bytes = try #require(manager.contents(atPath: labels))
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: labels))
    let options = "--data mnist --data-dir mnist --epochs 1"
    Tool.expectRefusal(try train(options), "train-labels-idx1-ubyte.gz")
    try Data("not gzip at all".utf8).write(to: URL(filePath: labels))
    Tool.expectRefusal(try train(options), "train-labels-idx1-ubyte.gz")
    // The right shape, other contents: the test labels' file is intact but the training labels are of Fashion-MNIST.
    if let fashion = Fixtures.shared("data/fashion-mnist") {
      let other = try #require(
        manager.contents(atPath: "\(fashion)/train-labels-idx1-ubyte.gz"))
      try other.write(to: URL(filePath: labels))
      Tool.expectRefusal(try train(options), "SHA-256")
    }
    try manager.removeItem(atPath: labels)
    Tool.expectRefusal(try train(options, environment: ["HOME": folder]), "--download")
  }

  @Test("a finished run says so, and a changed training state is refused")
  func resumeOdd() throws {
    _ = try train("--model softmax --epochs 1 --quiet --output run.h5")
    let again = try train("--resume run.h5 --output other.h5")
    #expect(again.exitCode == 0 && again.output.contains("all 1 epochs are done already"))
    #expect(!again.output.contains("saved"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/other.h5"))
    let file = try KerasFile.read(path: "\(folder)/run.h5")
    let changes: [(inout TrainingState) -> Void] = [
      { $0.batch = 1 << 58 }, { $0.step = .max - 3 }, { $0.stepInEpoch = 1 << 60 },
      { $0.blockSize = 3 }, { $0.learningRate = 1e300 }, { $0.partialImages = 5 },
      { $0.step += 1 }, { $0.step -= 1 },
    ]
    for change in changes {
      var changed = file
      if var state = file.training {
        change(&state)
        changed.training = state
      }
      try KerasFile.write(changed, to: "\(folder)/changed.h5")
      Tool.expectRefusal(try train("--resume changed.h5 --epochs 2"), "changed.h5")
    }
  }

  @Test("an unwritable place is refused before training, and the old checkpoint survives")
  func unwritable() throws {
    let old = Data("an old checkpoint".utf8)
    try FileManager.default.createDirectory(
      atPath: "\(folder)/taken.h5", withIntermediateDirectories: true)
    Tool.expectRefusal(try train("--output taken.h5 --epochs 1"), "taken.h5")
    try old.write(to: URL(filePath: "\(folder)/file"))
    Tool.expectRefusal(try train("--output file/run.h5 --epochs 1"), "file")
    Tool.expectRefusal(try train("--history file/h.csv --epochs 1"), "file")
    Tool.expectRefusal(try train("--output nowhere/run.h5 --epochs 1"), "nowhere/run.h5")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/nowhere"))
    #expect(FileManager.default.contents(atPath: "\(folder)/file") == old)
  }

  @Test("a full disk is one line, and the old checkpoint survives", .enabled(if: geteuid() == 0))
  func fullDisk() throws {
    let disk = "\(folder)/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let mount = try Finished(
      "/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk])
    guard mount.exitCode == 0 else {
      print("skipped: a tmpfs cannot be mounted here: \(mount.errors)")
      return
    }
    defer { _ = try? Finished("/usr/bin/env", ["umount", disk]) }
    let old = Data("an old checkpoint".utf8)
    try old.write(to: URL(filePath: "\(disk)/run.h5"))
    let run = try train("--output disk/run.h5 --epochs 1 --quiet")
    Tool.expectRefusal(run, "No space left")
    #expect(FileManager.default.contents(atPath: "\(disk)/run.h5") == old)
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == ["run.h5"])
  }

  @Test("a loss that is not finite stops with step and layer; the checkpoint stays")
  func notFinite() throws {
    let model = Model(
      name: "relu", input: .image(height: 28, width: 28, channels: 1),
      layers: [
        Flatten(name: "flatten"), Dense(name: "first", units: 50, activation: .relu),
        Dense(name: "second", units: 50, activation: .relu),
        Dense(name: "third", units: 10, activation: .softmax),
      ])
    try Data(model.json.text.utf8).write(to: URL(filePath: "\(folder)/relu.json"))
    let options = "--model relu.json --epochs 1 --quiet --output run.h5"
    #expect(try train(options).exitCode == 0)
    let before = FileManager.default.contents(atPath: "\(folder)/run.h5")
    let run = try train(options + " --learning-rate 1e6")
    Tool.expectRefusal(run, "the loss is not finite at step")
    #expect(["first", "second", "third"].contains { run.errors.contains("layer '\($0)' (slot ") })
    #expect(FileManager.default.contents(atPath: "\(folder)/run.h5") == before)
  }

  @Test("weights that are not finite are named before the first step, by eval and plan too")
  func hiddenBrokenWeight() throws {
    #expect(try train("--model mlp --epochs 1 --quiet --output run.h5").exitCode == 0)
    let before = FileManager.default.contents(atPath: "\(folder)/run.h5")
    var file = try KerasFile.read(path: "\(folder)/run.h5")
    file.training = nil
    // tanh(infinity) is 1 and its derivative 0: the loss stays finite and the bias stays infinite.
    file.weights[1].tensors[1].values[0] = .infinity
    try KerasFile.write(file, to: "\(folder)/broken.h5")
    let message = "'broken.h5': bias of layer 'dense1' (slot dense1/bias) is not finite"
    Tool.expectRefusal(
      try train("--model broken.h5 --epochs 1 --quiet --output run.h5"), message)
    Tool.expectRefusal(
      try train("--model broken.h5 --optimizer lbfgs --data digits --output run.h5"), message)
    #expect(FileManager.default.contents(atPath: "\(folder)/run.h5") == before)
    for tool in ["eval", "plan"] {
      // The file records no data any more, so eval is told.
      let run = try Tool.run(
        tool, tool == "eval" ? "broken.h5 --data digits" : "broken.h5", in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(
        run.errors.contains(
          "\(tool): warning: 'broken.h5' holds NaN or infinite values in dense1/bias"))
    }
  }
}
