import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

private let perceptronData = Fixtures.shared("data/digits20x20.mat")

/// The perceptron of the notebook, on digits in the layout of its `ex3data1.mat`.
@Suite("Perceptron", .enabled(if: perceptronData != nil, "needs ../shared/data/digits20x20.mat"))
struct PerceptronTests {
  private static func trainer(
    _ method: FullBatchMethod, seed: UInt64, usesReferenceGradient: Bool = false
  ) throws -> FullBatchTrainer {
    let data = try DataFile.load(
      path: try #require(perceptronData), options: DataFileOptions(testFraction: 0))
    let images = data.set.train
    var model = BuiltInModel.perceptron.model(input: images.shape)
    model.changeKernels { $0.kernelRegularizer = .l2(1 / (2 * Float(images.count))) }
    let plan = try FullBatchTrainer.plan(
      model, method, sampleCount: images.count, threads: 2,
      loss: .binaryCrossEntropy(isSum: true), usesReferenceGradient: usesReferenceGradient)
    let network = try Network(plan)
    try network.load(try model.initialWeights(seed: seed))
    return try FullBatchTrainer(network: network, images: images, method: method)
  }

  /// SciPy in double precision: truncated Newton 0.129 to 0.147, L-BFGS 0.092 to 0.097.
  @Test(
    "250 evaluations reach SciPy's costs, averaged over three starts",
    arguments: [(FullBatchMethod.truncatedNewton, 0.14), (.lbfgs, 0.10)])
  func costs(_ method: FullBatchMethod, _ bound: Double) throws {
    var costs: [Double] = []
    for seed in 0..<3 {
      let trainer = try Self.trainer(method, seed: UInt64(seed))
      let result = try trainer.run(limits: SolverLimits(evaluations: 250))
      #expect(result.progress.total <= 250)
      costs.append(result.progress.value)
      let sums = try trainer.network.evaluate(trainer.images)
      #expect(abs(sums.meanLoss - result.progress.value) < 1e-5)
      #expect(sums.accuracy >= 0.996)
    }
    #expect(costs.reduce(0, +) / 3 <= bound, "\(costs)")
  }

  /// The notebook's range on these data: 0.12 to 0.20, 99.2 to 99.9 %.
  @Test("the reference gradient gives the notebook's range of results")
  func reference() throws {
    for seed in 0..<3 {
      let trainer = try Self.trainer(
        .truncatedNewton, seed: UInt64(seed), usesReferenceGradient: true)
      let result = try trainer.run(limits: SolverLimits(evaluations: 250))
      #expect((0.11...0.20).contains(result.progress.value))
      #expect(try trainer.network.evaluate(trainer.images).accuracy >= 0.992)
    }
  }

  @Test(
    "cost and both gradients at the start equal NumPy's",
    .enabled(if: Fixtures.python != nil, "needs Python with NumPy, SciPy and h5py (make test)"))
  func numpy() throws {
    let folder = try Fixtures.temporaryFolder()
    var datasets: [(name: String, shape: [Int], values: [Float])] = []
    for (name, isReference) in [("exact", false), ("reference", true)] {
      let trainer = try Self.trainer(.lbfgs, seed: 4, usesReferenceGradient: isReference)
      let (loss, gradients) = trainer.evaluate()
      for (index, layer) in gradients.enumerated() {
        let tensors = layer.tensors
        datasets.append(("\(name)/\(index + 1)", tensors[0].shape, tensors[0].values))
        datasets.append(("\(name)_bias/\(index + 1)", tensors[1].shape, tensors[1].values))
      }
      guard isReference else { continue }
      for (index, layer) in trainer.network.weights.enumerated() {
        let tensors = layer.tensors
        datasets.append(("weights/\(index + 1)", tensors[0].shape, tensors[0].values))
        datasets.append(("bias/\(index + 1)", tensors[1].shape, tensors[1].values))
      }
      datasets.append(("cost", [1], [Float(loss)]))
    }
    try HDF5Arrays.write(path: "\(folder)/ours.h5", datasets: datasets)
    let check = try Finished(
      try #require(Fixtures.python),
      [
        "\(Fixtures.root)/Tests/Python/check_perceptron.py", try #require(perceptronData),
        "\(folder)/ours.h5",
      ])
    #expect(check.exitCode == 0, "\(check.errors.suffix(400))")
    let differences = check.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(differences.map { String($0[0]) } == ["cost", "exact", "reference"])
    for (line, bound) in zip(differences, [1e-5, 1e-4, 1e-4]) {
      #expect(try #require(Double(line[1])) <= bound, "\(check.output)")
    }
  }

  @Test("train runs both solvers, saves, and answers wrong options in one line")
  func tool() throws {
    let folder = try Fixtures.temporaryFolder()
    let data = try #require(perceptronData)
    let options = "--model perceptron --test-fraction 0 --lambda 1 --seed 2 --json"
    for method in FullBatchMethod.allCases {
      let run = try Tool.run(
        "train", files: ["--data", data],
        "\(options) --optimizer \(method.rawValue) --evaluations 30 --output p.h5 --history h.csv",
        in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
      let json = try JSONValue(parsing: run.output)
      guard case .number(let before)? = json["lossBefore"], case .number(let after)? = json["loss"]
      else {
        Issue.record("\(run.output)")
        return
      }
      #expect((6...9).contains(before) && after < 0.6 * before)
      let eval = try Tool.run(
        "eval", files: ["p.h5", "--data", data], "--test-fraction 0 --json", in: folder)
      #expect(eval.exitCode == 0, "\(eval.errors)")
      #expect(try JSONValue(parsing: eval.output)["accuracy"] == json["accuracy"])
      let lines = try String(contentsOfFile: "\(folder)/h.csv", encoding: .utf8)
        .split(separator: "\n")
      #expect(lines.count > 3 && lines[0] == "iteration,evaluations,loss,gradient_norm")
    }
    for (wrong, fragment, code) in [
      ("--optimizer lbfgs --batch 3", "--batch is for mini-batches", Int32(64)),
      ("--optimizer sgd --evaluations 3", "go with --optimizer truncated-newton", 64),
      ("--optimizer lbfgs --evaluations 0", "--evaluations must be from 1", 64),
      ("--optimizer truncated-newton --lambda nan", "--lambda must be from 0", 64),
      ("--optimizer lbfgs --model lenet", "--image HxWxC", 1),
    ] {
      let run = try Tool.run("train", files: ["--data", data], wrong, in: folder)
      Tool.expectRefusal(run, fragment, exitCode: code)
    }
  }
}
