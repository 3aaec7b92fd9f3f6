/// The C functions that a library may call, in the order in which they are written.
enum KernelText {
  /// What stands between two lines `// section: names`.
  struct Section {
    /// What others call it by.
    var names: [String]
    var text: String
    /// What it may need.
    var words: Set<String>
  }

  /// Of all files.
  static let sections: [Section] = files.flatMap { sections(String(decoding: $0, as: UTF8.self)) }

  /// One after the other: a function is written before those that call it.
  private static var files: [[UInt8]] {
    [
      PackageResources.arithmetic_c, PackageResources.functions_c, PackageResources.dense_c,
      PackageResources.convolution_c, PackageResources.convolution_gradients_c,
      PackageResources.depthwise_c, PackageResources.pooling_c, PackageResources.elements_c,
      PackageResources.noise_c, PackageResources.smooth_functions_c,
      PackageResources.straight_functions_c,
      PackageResources.normalization_c, PackageResources.merges_c, PackageResources.losses_c,
      PackageResources.output_losses_c, PackageResources.class_losses_c, PackageResources.updates_c,
      PackageResources.storage_c,
    ]
  }

  /// What is in front of the first section is for readers of the file alone.
  private static func sections(_ file: String) -> [Section] {
    let mark = "// section: "
    return file.components(separatedBy: mark).dropFirst().map { part in
      let end = part.firstIndex(of: "\n") ?? part.endIndex
      let text = part[end...].trimmingNewlines()
      return Section(
        names: part[..<end].split(separator: " ").map(String.init), text: text,
        words: CText.words(text))
    }
  }

  /// Names that a library's own must not have.
  static let names = sections.reduce(into: Set<String>()) {
    $0.formUnion($1.names)
    $0.formUnion($1.words)
  }

  /// The sections that `source` needs, and those that they need.
  static func sections(neededBy source: String) -> [Section] {
    var needed = CText.words(source)
    var isIn = sections.map { _ in false }
    // Sections need earlier ones only.
    for index in sections.indices.reversed() {
      guard sections[index].names.contains(where: needed.contains) else { continue }
      isIn[index] = true
      needed.formUnion(sections[index].words)
    }
    return zip(sections, isIn).filter(\.1).map(\.0)
  }
}

extension Substring {
  fileprivate func trimmingNewlines() -> String {
    var part = self
    while part.first == "\n" { part = part.dropFirst() }
    while part.last == "\n" { part = part.dropLast() }
    return String(part)
  }
}

extension String {
  fileprivate func components(separatedBy mark: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: mark) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }
}
