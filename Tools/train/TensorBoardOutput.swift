import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// `--tensorboard`: what TensorBoard shows of a run, written between epochs, so that a file is whole at any time.
///
/// Steps are steps of training (evaluations for a full-batch solver). Per step: loss/batch. Per epoch: loss/train, loss/test,
/// accuracy/train, accuracy/test (where they say something; "validation" for "test" where a part is held out),
/// learning_rate, gradient_norm; a histogram per weight
/// ("conv1/kernel", "bn1/moving_mean") and per gradient ("gradients/conv1/kernel"), those of the epoch's last step.
struct TensorBoardOutput {
  private let file: EventFile

  /// `resumesAfter`: the steps behind a run that goes on; nil for a new one.
  /// Throws: `ToolError`.
  init(folder: String, resumesAfter step: Int? = nil) throws {
    do { file = try EventFile(folder: folder, resumesAfter: step) } catch {
      throw ToolError("--tensorboard: \(error)")
    }
  }

  /// Throws: `ToolError` where this program has no event files, before anything is read.
  static func checkIsAvailable() throws {
    guard !EventFile.isAvailable else { return }
    throw ToolError("--tensorboard: \(EventFileError.unavailable)")
  }

  static var now: Double { Date().timeIntervalSince1970 }

  /// The losses of steps.
  func write(_ steps: [StepLog.Step]) throws {
    try append(
      steps.map {
        RunEvent(step: $0.step, wallTime: $0.wallTime, scalars: [("loss/batch", $0.loss)])
      })
  }

  /// The end of an epoch. `gradients`: of its last step; empty where they are not kept.
  func write(
    _ record: EpochRecord, step: Int, plan: NetworkPlan, weights: [LayerWeights],
    gradients: [LayerWeights]
  ) throws {
    let part = record.validation == nil ? "test" : "validation"
    let scalars = [
      ("loss/train", record.trainLoss), ("accuracy/train", record.trainAccuracy),
      ("loss/\(part)", record.unseen.loss), ("accuracy/\(part)", record.unseen.accuracy),
      ("learning_rate", record.learningRate),
      ("gradient_norm", gradients.isEmpty ? .nan : TensorBoardOutput.norm(gradients)),
    ]
    try append(
      scalars.filter { !$0.1.isNaN }, step: step,
      histograms: TensorBoardOutput.histograms(plan, weights: weights, gradients: gradients))
  }

  /// Figures at one moment.
  func append(
    _ scalars: [(tag: String, value: Double)], step: Int,
    histograms: [(tag: String, histogram: ValueHistogram)] = []
  ) throws {
    try append([
      RunEvent(
        step: step, wallTime: TensorBoardOutput.now, scalars: scalars, histograms: histograms)
    ])
  }

  /// Events of the caller's making.
  func append(_ events: [RunEvent]) throws {
    do { try file.append(events) } catch { throw ToolError("--tensorboard: \(error)") }
  }

  /// The root of the sum of all squares.
  static func norm(_ gradients: [LayerWeights]) -> Double {
    let values = gradients.lazy.flatMap(\.tensors).map(\.values)
    return values.reduce(0.0) { sum, tensor in
      tensor.reduce(sum) { $0 + Double($1) * Double($1) }
    }.squareRoot()
  }

  static func histograms(
    _ plan: NetworkPlan, weights: [LayerWeights], gradients: [LayerWeights]
  ) -> [(tag: String, histogram: ValueHistogram)] {
    func named(_ layers: [LayerWeights], _ parameters: [PlacedParameter], _ prefix: String)
      -> [(tag: String, histogram: ValueHistogram)]
    {
      zip(parameters, layers.flatMap(\.tensors)).map { parameter, tensor in
        (
          tag: OneLine.text("\(prefix)\(parameter.layerName)/\(parameter.description.name)"),
          histogram: ValueHistogram(tensor.values)
        )
      }
    }
    return named(weights, plan.parameters, "")
      + named(gradients, plan.parameters.filter { $0.gradient != nil }, "gradients/")
  }
}
