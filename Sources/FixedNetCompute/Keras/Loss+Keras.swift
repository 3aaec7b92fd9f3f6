// A loss as text and as JSON: Keras' names and forms.

extension Loss.Function {
  /// The function that Keras 2 or 3 calls `name`: its name, an alias or the name of its class.
  init?(kerasName name: String) {
    if let function = Loss.Function(rawValue: name) ?? Loss.Function.aliases[name] {
      self = function
    } else if let function = Loss.Function.allCases.first(where: { $0.className == name }) {
      self = function
    } else {
      return nil
    }
  }

  private static let aliases: [String: Loss.Function] = [
    "mse": .meanSquaredError, "MSE": .meanSquaredError, "mae": .meanAbsoluteError,
    "MAE": .meanAbsoluteError, "mape": .meanAbsolutePercentageError,
    "MAPE": .meanAbsolutePercentageError, "msle": .meanSquaredLogarithmicError,
    "MSLE": .meanSquaredLogarithmicError, "bce": .binaryCrossEntropy, "BCE": .binaryCrossEntropy,
    "kld": .klDivergence, "KLD": .klDivergence, "kullback_leibler_divergence": .klDivergence,
    "logcosh": .logCosh, "huber_loss": .huber,
  ]

  /// Keras' class.
  var className: String {
    switch self {
    case .klDivergence: "KLDivergence"
    default:
      rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
  }

  /// The entries of a config, besides name, dtype and axis, that say something.
  var keys: [String] {
    let own: [String] =
      switch self {
      case .sparseCategoricalCrossEntropy: ["from_logits", "ignore_class"]
      case .categoricalCrossEntropy, .binaryCrossEntropy: ["from_logits", "label_smoothing"]
      case .categoricalFocalCrossEntropy: ["alpha", "gamma", "from_logits", "label_smoothing"]
      case .binaryFocalCrossEntropy:
        ["apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing"]
      case .huber: ["delta"]
      default: []
      }
    return own + ["reduction"]
  }

  fileprivate var takesAxis: Bool { keys.contains("from_logits") }
}

extension Loss {
  /// One of `Function.keys`.
  subscript(key: String) -> JSONValue {
    switch key {
    case "reduction": .string(reduction.rawValue)
    case "from_logits": .bool(fromLogits)
    case "label_smoothing": .number(labelSmoothing)
    case "ignore_class": ignoredClass.map { .integer($0) } ?? .null
    case "delta": .number(delta)
    case "alpha": .number(alpha)
    case "gamma": .number(gamma)
    case "apply_class_balancing": .bool(balancesClasses)
    default: .null
    }
  }

  private mutating func set(_ key: String, _ value: JSONValue) throws(ModelError) {
    switch key {
    case "reduction": try setReduction(value)
    case "from_logits": fromLogits = try bool(key, value)
    case "label_smoothing": labelSmoothing = try number(key, value, 0...1)
    case "ignore_class":
      switch value {
      case .null: ignoredClass = nil
      case .integer(let label): ignoredClass = label
      case .number(let label) where Int(exactly: label) != nil: ignoredClass = Int(label)
      default: throw fail("ignore_class must be a whole number or null, found \(value.summary)")
      }
    case "delta": delta = try number(key, value, 0...1e30)
    case "alpha": alpha = try number(key, value, -1e30...1e30)
    case "gamma": gamma = try number(key, value, 0...1e6)
    case "apply_class_balancing": balancesClasses = try bool(key, value)
    default: throw fail("\(OneLine.short(key)) is not known here, found \(value.summary)")
    }
  }

  private mutating func setReduction(_ value: JSONValue) throws(ModelError) {
    switch value {
    case "auto", "mean": reduction = .sumOverBatchSize
    case .string(let name):
      guard let reduction = Reduction(rawValue: name) else { fallthrough }
      self.reduction = reduction
    default:
      throw fail(
        "reduction must be sum_over_batch_size, mean, auto, sum or mean_with_sample_weight, found "
          + value.summary)
    }
  }

  private func bool(_ key: String, _ value: JSONValue) throws(ModelError) -> Bool {
    guard case .bool(let value) = value else {
      throw fail("\(key) must be true or false, found \(value.summary)")
    }
    return value
  }

  private func number(_ key: String, _ value: JSONValue, _ range: ClosedRange<Double>)
    throws(ModelError) -> Double
  {
    let number: Double? =
      switch value {
      case .integer(let value): Double(value)
      case .number(let value): value
      // Keras 2 takes no smoothing for 0.
      case .null where key == "label_smoothing": 0
      default: nil
      }
    guard let number, range.contains(number) else {
      throw fail(
        "\(key) must be a number from \(range.lowerBound) to \(range.upperBound), found "
          + value.summary)
    }
    return number
  }

  private func fail(_ reason: String) -> ModelError { .loss(name: name, reason: reason) }
}

// MARK: - Keras' JSON

extension Loss {
  /// Keras' description of the loss of a model's one output: a name, a class or function with its config, or a list or
  /// dictionary of exactly one of these. nil for null.
  /// Throws: `ModelError.loss` for what would be another loss here.
  package init?(keras json: JSONValue) throws(ModelError) {
    switch json {
    case .null: return nil
    case .string(let name): try self.init(named: name)
    case .array(let losses):
      guard losses.count == 1 else { throw Loss.severalOutputs(losses.count) }
      try self.init(keras: losses[0])
    case .object(let members):
      guard let className = members["class_name"] else {
        guard let loss = members.first?.value, members.count == 1 else {
          throw Loss.severalOutputs(members.count)
        }
        try self.init(keras: loss)
        return
      }
      try self.init(className: className, members)
    default:
      throw .loss(name: json.summary, reason: "the loss must be a name or an object")
    }
  }

  /// The loss of `training_config` or `compile_config`, with the weight of its output; nil where there is none.
  /// Throws: `ModelError.loss`.
  package init?(compileConfig config: JSONValue) throws(ModelError) {
    guard let json = config["loss"] else { return nil }
    try self.init(keras: json)
    var weights = config["loss_weights"] ?? .null
    while true {
      switch weights {
      case .array(let values) where values.count == 1: weights = values[0]
      case .object(let members) where members.count == 1:
        weights = members.first?.value ?? .null
      case .null: return
      default:
        weight = try number("loss_weights", weights, -1e30...1e30)
        return
      }
    }
  }

  private static func severalOutputs(_ count: Int) -> ModelError {
    .loss(name: "\(count) losses", reason: "a model has one output here, which has one loss")
  }

  private init(named name: String) throws(ModelError) {
    guard let function = Function(kerasName: name) else {
      throw .loss(
        name: OneLine.short(name),
        reason: "not supported; supported are "
          + Function.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(function)
  }

  private init(className: JSONValue, _ members: [String: JSONValue]) throws(ModelError) {
    guard case .string(let className) = className else {
      throw .loss(name: className.summary, reason: "class_name must be a name")
    }
    if case .string(let registered)? = members["registered_name"], registered.contains(">") {
      throw .loss(name: OneLine.short(registered), reason: "a class of the user's own")
    }
    let config = members["config"] ?? .null
    switch (className, config) {
    case ("function", .string(let name)): try self.init(named: name)
    case ("LossFunctionWrapper", .object(let entries)):
      guard let loss = try Loss(keras: entries["fn"] ?? .null) else {
        throw .loss(name: className, reason: "its config has no fn")
      }
      self.init(loss.function)
      // Once: a wrapper may have a wrapper as its fn, and so on.
      try read(entries.filter { $0.key != "fn" })
    case (_, .object(let entries)):
      try self.init(named: className)
      try read(entries)
    case (_, .null): try self.init(named: className)
    default: throw .loss(name: OneLine.short(className), reason: "config must be an object")
    }
  }

  private mutating func read(_ config: [String: JSONValue]) throws(ModelError) {
    for (key, value) in config.sorted(by: { $0.key < $1.key }) {
      switch key {
      case "name": continue
      case "fn":
        guard try Loss(keras: value)?.function == function else {
          throw fail("fn must be \(name), found \(value.summary)")
        }
      case "dtype":
        guard [.null, "float32"].contains(value["config"]?["name"] ?? value) else {
          throw fail("dtype must be float32 or null, found \(value.summary)")
        }
      case "axis" where function.takesAxis:
        // Outputs are vectors: axis 1 is the last one too.
        guard [-1, 1, [-1], [1]].contains(value) else {
          throw fail("axis must be -1, found \(value.summary)")
        }
      default:
        guard function.keys.contains(key) else {
          throw fail("\(OneLine.short(key)) is not known here, found \(value.summary)")
        }
        try set(key, value)
      }
    }
  }

  /// Keras' form, which Keras 2 and 3 load: the name where everything is as Keras has it by default, else a class. The
  /// weight of the output is none of it.
  package var kerasJSON: JSONValue {
    let defaults = Loss(function)
    guard function.keys.contains(where: { self[$0] != defaults[$0] }) else { return .string(name) }
    var config: [String: JSONValue] = ["name": .string(name)]
    for key in function.keys where self[key] != defaults[key] { config[key] = self[key] }
    return ["class_name": .string(function.className), "config": .object(config)]
  }
}

// MARK: - Text

extension Loss {
  /// Reads `name` or `name:key=value,...`, the entries of Keras' config.
  /// Throws: `ModelError.loss`.
  package init(text: String) throws(ModelError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    try self.init(named: String(parts.first ?? ""))
    var given: Set<String> = []
    for pair in parts.count > 1 ? parts[1].split(separator: ",") : [] {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, function.keys.contains(sides[0]), given.insert(sides[0]).inserted
      else {
        throw fail(
          "options are \(function.keys.map { "\($0)=..." }.joined(separator: ",")), each given once, "
            + "found '\(OneLine.short(String(pair)))'")
      }
      try set(sides[0], Loss.value(sides[1]))
    }
  }

  private static func value(_ text: String) -> JSONValue {
    if let value = Bool(text) { return .bool(value) }
    if let value = Int(text) { return .integer(value) }
    if let value = Double(text) { return .number(value) }
    return text == "null" ? .null : .string(text)
  }

  /// What a checkpoint records: Keras' name, or JSON where the name does not say everything.
  package var record: String {
    let json = kerasJSON
    guard weight == 1 else {
      return (["loss": json, "loss_weights": .number(weight)] as JSONValue).text
    }
    if case .string(let name) = json { return name }
    return json.text
  }

  /// Throws: `ModelError.loss`.
  package init(record: String) throws(ModelError) {
    guard record.hasPrefix("{") else {
      try self.init(named: record)
      return
    }
    let loss: Loss?
    do {
      let json = try JSONValue(parsing: record)
      loss = json["loss"] == nil ? try Loss(keras: json) : try Loss(compileConfig: json)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .loss(name: OneLine.short(record), reason: "\(error)")
    }
    guard let loss else { throw .loss(name: OneLine.short(record), reason: "it is no loss") }
    self = loss
  }
}
