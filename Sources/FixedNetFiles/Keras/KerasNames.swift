import FixedNetCompute

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

  /// The groups that a path goes through: "/a" and "/a/b" for "/a/b/c".
  static func folders(of path: String) -> [String] {
    path.indices.dropFirst().filter { path[$0] == "/" }.map { String(path[..<$0]) }
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

  /// Keras' `to_snake_case`.
  static func snakeCase(_ name: String) -> String { SnakeCase.text(name) }
}
