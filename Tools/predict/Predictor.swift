import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// The outputs for the samples of one file.
struct Prediction {
  var path: String
  var count: Int
  /// [count] and the model's output.
  var outputs: Tensor
  /// [count] how badly each sample is reproduced, of a model whose samples were their own answers; nil of others.
  var squaredErrors: [Float]?

  /// The outputs of one sample.
  func row(_ sample: Int) -> ArraySlice<Float> {
    let width = count > 0 ? outputs.values.count / count : 0
    return outputs.values[sample * width..<(sample + 1) * width]
  }
}

/// A model in memory, ready to answer.
struct Predictor {
  let answer: Answer
  let recorded: RecordedData?
  /// How many, and why.
  let threads: ThreadChoice
  /// Whether the samples of the training were their own answers.
  let reproduces: Bool
  private let network: Network
  private let options: PredictCommand

  /// Throws: whatever reading the file does; `ModelError`, `NetworkError`, `ToolError`.
  init(_ options: PredictCommand) throws {
    self.options = options
    let path = options.model
    let file = try KerasFile.read(path: path, trainingState: .ifPresent)
    recorded = file.training.map(RecordedData.init)
    answer = try Answer(file.model, training: file.training, loss: file.lossStatement.computed)
    reproduces = file.training?.learnsInputs ?? false
    let plan: NetworkPlan
    (plan, threads) = try InferencePlan.make(
      file.model, of: path, batch: options.batch, threads: options.threads, loss: nil,
      budget: options.memoryBudget,
      subnormals: options.subnormals.resolved(file.training?.subnormals, of: path))
    network = try Network(plan, instructionSet: .selected())
    try network.load(file.weights)
    if !file.nonFinite.isEmpty {
      printError(
        "warning: '\(path)' holds NaN or infinite values in "
          + file.nonFinite.joined(separator: ", "))
    }
  }

  /// `name`: what the file is called where its predictions are shown.
  /// Throws: `ToolError` for samples that are not the model's; whatever reading throws.
  func predict(_ path: String, shownAs name: String? = nil) throws -> Prediction {
    let input = network.plan.model.input
    let arrays = try InputArrays(
      path, input: input, order: options.pixelOrder, options: options.columns.options,
      recorded: recorded)
    return try predict(arrays, shownAs: name ?? path)
  }

  /// One prediction for each picture.
  /// Throws: `DataFileError` for the first one that cannot be read; whatever predicting throws.
  func predict(pictures: [String]) throws -> [Prediction] {
    let arrays = try InputArrays(
      pictures: pictures, input: network.plan.model.input, recorded: recorded)
    let all = try predict(
      arrays, shownAs: pictures.count == 1 ? pictures[0] : "\(pictures.count) pictures")
    return pictures.enumerated().map { index, path in
      let shape = [1] + all.outputs.shape.dropFirst()
      return Prediction(
        path: path, count: 1, outputs: Tensor(shape: shape, values: Array(all.row(index))),
        squaredErrors: all.squaredErrors.map { [$0[index]] })
    }
  }

  private func predict(_ arrays: InputArrays, shownAs name: String) throws -> Prediction {
    let samples = ImageSet(
      shape: network.plan.model.input, pixels: .floats(arrays.x), labels: [])
    let (outputs, _) = try network.predict(samples)
    let width = network.plan.model.input.elementCount
    let prediction = Prediction(
      path: name, count: arrays.count, outputs: outputs,
      squaredErrors: reproduces
        ? AnomalyMetrics.squaredErrors(outputs.values, arrays.x, width: width) : nil)
    let broken = (0..<arrays.count).count { !prediction.row($0).allSatisfy(\.isFinite) }
    if broken > 0 {
      let first = try network.brokenOutput(samples).map { ": \($0) broke first" } ?? ""
      printError(
        "warning: \(broken) of \(arrays.count) samples of '\(prediction.path)' have outputs that are not finite\(first)"
      )
    }
    return prediction
  }
}
