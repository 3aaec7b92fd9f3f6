/// What Keras calls a layer that nobody named: its class in snake case, from the second one on with _1, _2, ....
enum KerasDefaultName {
  /// `names`: those that are taken; the new one joins them.
  static func next(_ base: String, besides names: inout Set<String>) -> String {
    var name = base
    var number = 0
    while !names.insert(name).inserted {
      number += 1
      name = "\(base)_\(number)"
    }
    return name
  }
}

extension [any Layer] {
  /// With default names for those that have none.
  var named: [any Layer] {
    guard contains(where: \.name.isEmpty) else { return self }
    var names = Set(map(\.name))
    return map { layer in
      guard layer.name.isEmpty else { return layer }
      var layer = layer
      layer.name = KerasDefaultName.next(
        SnakeCase.text(type(of: layer).className), besides: &names)
      return layer
    }
  }
}

/// Keras' `to_snake_case`: AveragePooling2D is average_pooling2d, ReLU is re_lu.
package enum SnakeCase {
  /// A break stands before a capital that a small letter follows, and between a small letter and a capital.
  package static func text(_ name: String) -> String {
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
