/// How Keras names things in files.
enum KerasNames {
  /// What a weight is, from its dataset's name: "lenet/conv1/kernel", "conv1/kernel:0" and "kernel" are all kernels.
  static func role(of name: String) -> String {
    let last = name.split(separator: "/").last ?? ""
    let parts = last.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy({ ("0"..."9").contains($0) }) {
      return String(parts[0])
    }
    return String(last)
  }

  /// The groups under /layers of a `.weights.h5`, one per layer: the class in snake case, then _1, _2, ...
  static func keys(ofClasses classes: [String]) -> [String] {
    var used: [String: Int] = [:]
    return classes.map { name in
      let key = snakeCase(name)
      let count = used[key, default: 0]
      used[key] = count + 1
      return count == 0 ? key : "\(key)_\(count)"
    }
  }

  /// Keras' `to_snake_case`: AveragePooling2D is average_pooling2d, ReLU is re_lu.
  /// A break stands before a capital that a small letter follows, and between a small letter and a capital.
  static func snakeCase(_ name: String) -> String {
    let characters = Array(name).filter { $0.isLetter || $0.isNumber || $0 == "_" }
    var result = ""
    for (index, character) in characters.enumerated() {
      if index > 0, character.isUppercase {
        let startsWord = index + 1 < characters.count && characters[index + 1].isLowercase
        if startsWord || characters[index - 1].isLowercase { result += "_" }
      }
      result += character.lowercased()
    }
    return result
  }
}
