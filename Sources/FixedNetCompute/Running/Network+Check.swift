import CSupport
import FixedNetCore
import Foundation

// What a network refuses to run on.

extension Network {
  /// Refuses images of another shape than the model's input, labels or targets that do not suit the outputs, and what
  /// `ImageSet.check` refuses.
  /// Throws: `NetworkError.images`, `.labels`, `.targets`, `.malformedImages`, `.noImages`.
  public func check(_ images: ImageSet) throws(NetworkError) {
    try images.check()
    let input = plan.model.input
    guard input.takes(images.shape) else {
      throw .images(expected: "\(plan.model.input)", found: "\(images.shape)")
    }
    if let changed = plan.model.inputType.firstChanged(images) {
      let type = plan.model.inputType
      let range = type.range.map { " from \(Int($0.lowerBound)) to \(Int($0.upperBound))" } ?? ""
      throw .images(
        expected: "\(input) of whole numbers\(range) (its type is \(type.rawValue))",
        found: "\(changed)")
    }
    let outputCount = plan.inference.output.shape.elementCount
    // One output tells two classes apart; of softmax over one there is nothing to tell.
    let isOne = outputCount == 1 && plan.loss?.takesClassNumbers != true
    let classCount = isOne ? 2 : outputCount
    if let largest = images.largestLabel, Int(largest) >= classCount {
      throw .labels(outputCount: outputCount, largest: Int(largest))
    }
    if let weight = images.sampleWeights.first(where: { !$0.isFinite }) {
      throw .targets(expected: "finite sample weights", found: "\(weight)")
    }
    guard images.predictsNumbers else { return }
    guard plan.loss?.takesClassNumbers != true else {
      throw .targets(expected: "class numbers", found: "values")
    }
    guard images.targetWidth == outputCount else {
      throw .targets(
        expected: "\(outputCount) values per sample", found: "\(images.targetWidth)")
    }
  }

  /// What every run needs.
  /// Throws: `NetworkError.weightsNotSet`, `.isSolving`, and as `check`.
  func checkRun(_ images: ImageSet) throws(NetworkError) {
    guard !isSolving else { throw .isSolving }
    try check(images)
    guard hasWeights else { throw .weightsNotSet }
  }

  /// What every training run needs.
  /// Throws: `NetworkError.planned`, `.targets`, and as `checkRun`.
  func checkTraining(_ images: ImageSet) throws(NetworkError) {
    guard trainingProgram != nil else {
      throw .planned(for: "inference", needed: "isTraining: true")
    }
    try checkRun(images)
    guard images.hasTargets else { throw .targets(expected: "labels or targets", found: "none") }
  }
}
