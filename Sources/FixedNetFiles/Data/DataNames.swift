import FixedNetCompute

/// The names of the arrays of one part of a data file.
struct PartNames: Equatable {
  var x: String
  /// nil: samples that are to be their own answers.
  var y: String?
  var weights: String?

  var answers: [String] { [y, weights].compactMap(\.self) }
  var all: [String] { [x] + answers }
}

/// The names of the arrays in a data file.
struct DataNames: Equatable {
  var train: PartNames
  var test: PartNames?

  var all: [String] { train.all + (test?.all ?? []) }

  /// What files are asked for first: x, y, x_test, ...; MATLAB's are called X.
  static func usual(_ x: String) -> DataNames {
    DataNames(
      train: PartNames(x: x, y: "y", weights: "sample_weight"),
      test: PartNames(x: "\(x)_test", y: "y_test", weights: "sample_weight_test"))
  }

  /// How the parts' names are made of a stem: what is in front and behind of it.
  private static let patterns: [(train: (String, String), test: (String, String))] = [
    (("", ""), ("", "_test")), (("", "_train"), ("", "_test")), (("train_", ""), ("test_", "")),
    (("train/", ""), ("test/", "")), (("train_set_", ""), ("test_set_", "")),
    (("", "train"), ("", "test")), (("train", ""), ("test", "")),
  ]
  private static let samples = ["x", "X", "data", "images", "features", "inputs", "fea", "set"]
  private static let answers = [
    "y", "Y", "label", "labels", "target", "targets", "class", "classes", "gnd",
  ]

  /// What was found.
  enum Search: Equatable {
    /// The same as fields of a struct.
    func inside(of root: String) -> Search {
      func named(_ name: String) -> String { "\(root).\(name.replacing("/", with: "."))" }
      func part(_ names: PartNames) -> PartNames {
        PartNames(x: named(names.x), y: names.y.map(named), weights: names.weights.map(named))
      }
      switch self {
      case .none: return .none
      case .several(let names): return .several(names.map(named))
      case .one(let names):
        return .one(DataNames(train: part(names.train), test: names.test.map(part)))
      }
    }

    case one(DataNames)
    case none
    /// Names of which nobody knows which ones are meant.
    case several([String])
  }

  /// The arrays that a file's names say: as the user calls them, else one pair of names that are usual for samples and
  /// answers; else one of the fields of a struct ("dataset.train.images"), as EMNIST has them.
  static func search(_ names: [String], said: DataArrayNames) -> Search {
    let plain = searchPlain(names, said: said)
    guard plain == .none, said == DataArrayNames() else { return plain }
    var found: [Search] = []
    for root in Set(names.filter { $0.contains(".") }.map(root)) {
      let fields = names.filter { $0.hasPrefix("\(root).") }
        .map { $0.dropFirst(root.count + 1).replacing(".", with: "/") }
      let inside = searchPlain(fields.map { String($0) }, said: said)
      if inside != .none { found.append(inside.inside(of: root)) }
    }
    guard found.count == 1 else { return found.isEmpty ? .none : .several(names) }
    return found[0]
  }

  private static func searchPlain(_ names: [String], said: DataArrayNames) -> Search {
    var found: [DataNames] = []
    var doubtful: [String] = []
    for pattern in patterns {
      func named(_ stems: [String], _ said: String?) -> [String] {
        if let said { return [said] }
        return stems.filter { names.contains(pattern.train.0 + $0 + pattern.train.1) }
      }
      func full(_ stem: String, _ said: String?, _ part: (String, String)) -> String {
        said ?? part.0 + stem + part.1
      }
      let (xs, ys) = (named(samples, said.x), named(answers, said.y))
      guard !xs.isEmpty, !ys.isEmpty else { continue }
      guard xs.count == 1, ys.count == 1 else {
        doubtful += (xs + ys).map { full($0, nil, pattern.train) }
        continue
      }
      let train = PartNames(
        x: full(xs[0], said.x, pattern.train), y: full(ys[0], said.y, pattern.train),
        weights: weights(names, pattern.train))
      var test: PartNames?
      let x = said.xTest ?? (said.x == nil ? pattern.test.0 + xs[0] + pattern.test.1 : "")
      let y = said.yTest ?? (said.y == nil ? pattern.test.0 + ys[0] + pattern.test.1 : "")
      if said.xTest != nil || said.yTest != nil || names.contains(x) || names.contains(y) {
        test = PartNames(x: x, y: y, weights: weights(names, pattern.test))
      }
      let one = DataNames(train: train, test: test)
      if !found.contains(one) { found.append(one) }
      // What is said is found with any pattern.
      if said.x != nil, said.y != nil { break }
    }
    guard found.count == 1, doubtful.isEmpty else {
      let all = doubtful + (found.count > 1 ? found.flatMap(\.train.all) : [])
      return all.isEmpty ? .none : .several(all)
    }
    return .one(found[0])
  }

  /// The samples alone, with those of a test set: as the user calls them, else the one array with a usual name, else the
  /// only one that there is.
  static func searchAlone(_ names: [String], said: DataArrayNames) -> Search {
    func one(_ x: String, _ test: String?) -> Search {
      let pattern = patterns.first { weights(names, $0.train) != nil } ?? patterns[0]
      return .one(
        DataNames(
          train: PartNames(x: x, weights: weights(names, pattern.train)),
          test: (said.xTest ?? test).map {
            PartNames(x: $0, weights: weights(names, pattern.test))
          }))
    }
    if let x = said.x { return one(x, nil) }
    var found: [(x: String, test: String?)] = []
    for pattern in patterns {
      for stem in samples where names.contains(pattern.train.0 + stem + pattern.train.1) {
        let (x, test) = (
          pattern.train.0 + stem + pattern.train.1, pattern.test.0 + stem + pattern.test.1
        )
        if !found.contains(where: { $0.x == x }) {
          found.append((x, names.contains(test) ? test : nil))
        }
      }
    }
    let others = names.filter { name in
      !patterns.contains { [$0.train, $0.test].contains { weights([name], $0) != nil } }
    }
    if found.isEmpty, others.count == 1 { return one(others[0], nil) }
    if found.count == 1 { return one(found[0].x, found[0].test) }
    return found.isEmpty ? .none : .several(found.map(\.x))
  }

  /// "dataset" of "dataset.train.images".
  private static func root(of name: String) -> String { String(name.prefix { $0 != "." }) }

  /// The one array of samples that a file's names say, whatever else there is; nil for none and for several.
  static func samples(in names: [String]) -> String? {
    let found = patterns.flatMap { pattern in
      samples.flatMap { stem in
        let name = pattern.train.0 + stem + pattern.train.1
        let field = ".\(name.replacing("/", with: "."))"
        return names.filter { $0 == name || $0.hasSuffix(field) && root(of: $0) + field == $0 }
      }
    }
    return Set(found).count == 1 ? found[0] : nil
  }

  private static func weights(_ names: [String], _ part: (String, String)) -> String? {
    let name = part.0 + "sample_weight" + part.1
    return names.contains(name) ? name : nil
  }
}

/// A data file's arrays as they were read.
struct DataContents {
  /// Training, and test where the file has it.
  var parts: [DataPart]
  /// What the file holds besides.
  var others: [String]
  /// What may be meant otherwise, in a sentence; nil where nothing is doubtful.
  var doubt: String?
  /// How the test set was divided off, for the digest and for people; nil: it is the file's own, or to be divided off.
  var split: (rule: String, note: String)?
}
