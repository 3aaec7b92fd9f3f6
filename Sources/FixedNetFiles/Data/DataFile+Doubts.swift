import FixedNetCompute
import FixedNetCore

// What is read as it is and may be meant otherwise.
extension DataFile {
  /// Classes that the test set has and the training samples have not: nothing is learnt of them. nil where there are none.
  static func unseen(in test: ImageSet, _ train: ImageSet, names: [String]) -> String? {
    let missing = Set(test.labels).subtracting(train.labels).sorted()
    guard !missing.isEmpty, !train.labels.isEmpty else { return nil }
    let list = OneLine.list(missing.map { Int($0) < names.count ? names[Int($0)] : "\($0)" })
    return missing.count == 1
      ? "class \(list) has samples in the test set and none to train on"
      : "\(missing.count) classes have samples in the test set and none to train on: \(list)"
  }
}

extension DataPart {
  /// Images whose first axis has as many places as there are colours: PyTorch has channels first.
  var axesDoubt: String? {
    guard case .arrays = form, xShape.count == 4, [1, 3].contains(xShape[1]), xShape[2] > 4,
      xShape[3] > 4
    else { return nil }
    return
      "\(xName) may have its channels first, as PyTorch has them; it is taken as images \(xShape[1]) "
      + "high, \(xShape[2]) wide, of \(xShape[3]) channels (in NumPy x.transpose(0, 2, 3, 1) puts them last)"
  }
}
