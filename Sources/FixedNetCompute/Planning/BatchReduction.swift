import FixedNetCore

/// How the losses of a mini-batch's images become its loss, and what that makes of their gradients.
struct BatchReduction {
  /// What the gradient of an image's loss is multiplied by.
  var gradientScale: Float
  /// What an image's loss is multiplied by where losses are added up to be divided by the number of images. 1 for the mean.
  var lossFactor = 1.0
  /// Whether every target is 0 or 1.
  var targetsAreBinary = false

  /// The mean over `count` images.
  init(count: Int) { gradientScale = 1 / Float(count) }

  /// The sum over `count` images divided by `divisor` and multiplied by `weight`; 0 where the divisor is.
  init(count: Int, divisor: Double, weight: Double) {
    let scale = divisor == 0 ? 0 : weight / divisor
    gradientScale = Float(scale)
    lossFactor = Double(count) * scale
  }
}

extension Network {
  /// Of the mini-batch of the images `index(0) ..< index(count)`.
  func reduction(of targets: TargetSource, count: Int, index: (Int) -> Int) -> BatchReduction {
    guard let loss = plan.loss, loss.dependsOnBatch || loss.weight != 1 else {
      return BatchReduction(count: count)
    }
    var divisor = 0.0
    switch loss.reduction {
    case .sum: divisor = 1
    case .sumOverBatchSize:
      for position in 0..<count where !isIgnored(index(position), targets) { divisor += 1 }
    case .meanWithSampleWeight:
      for position in 0..<count { divisor += Double(weight(of: index(position), targets)) }
    }
    var reduction = BatchReduction(count: count, divisor: divisor, weight: loss.weight)
    if loss.convertsBinaryTargets {
      reduction.targetsAreBinary = areBinary(targets, count: count, index: index)
    }
    if loss.weight == 1, divisor == Double(count) {
      (reduction.gradientScale, reduction.lossFactor) = (1 / Float(count), 1)
    }
    return reduction
  }

  /// How much an image of the data set counts: 0 where its class is ignored.
  func weight(of image: Int, _ targets: TargetSource) -> Float {
    isIgnored(image, targets) ? 0 : targets.weights?[image] ?? 1
  }

  private func isIgnored(_ image: Int, _ targets: TargetSource) -> Bool {
    guard let ignored = plan.loss?.ignoredClass, case .labels(let labels) = targets.answers else {
      return false
    }
    return Int(labels[image]) == ignored
  }

  private func areBinary(_ targets: TargetSource, count: Int, index: (Int) -> Int) -> Bool {
    guard case .values(let values, let stride) = targets.answers else { return true }
    for position in 0..<count {
      let own = values + index(position) * stride
      for place in 0..<stride where own[place] != 0 && own[place] != 1 { return false }
    }
    return true
  }
}
