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
    switch targets.answers {
    case .labels: return true
    case .values(let values, let stride):
      return (0..<count).allSatisfy { ImageSource.areBinary(values + index($0) * stride, stride) }
    case .images(let images):
      return (0..<count).allSatisfy { images.isBinary(at: UInt32(index($0))) }
    }
  }
}

extension ImageSource {
  /// Whether every value of an image is 0 or 1.
  fileprivate func isBinary(at image: UInt32) -> Bool {
    let row = Int(self.row(of: image))
    switch values {
    case .floats(let values, let stride):
      return ImageSource.areBinary(values + row * stride, stride)
    case .bytes(let values, let stride, let divisor):
      let own = values + row * stride
      return (0..<stride).allSatisfy { own[$0] == 0 || Float(own[$0]) == divisor }
    }
  }

  fileprivate static func areBinary(_ values: UnsafePointer<Float>, _ count: Int) -> Bool {
    (0..<count).allSatisfy { values[$0] == 0 || values[$0] == 1 }
  }
}
