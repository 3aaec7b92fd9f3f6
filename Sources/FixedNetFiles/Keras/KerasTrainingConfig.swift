import FixedNetCompute

/// Keras' two descriptions of loss and optimiser: `training_config` of a `.h5`, `compile_config` of a `.keras`.
enum KerasTrainingConfig {
  /// `training_config` of a file; nil where it has none.
  static func config(of file: KerasModelFile) -> JSONValue? {
    guard let training = file.training, file.trainingConfig == nil else {
      return file.trainingConfig.map(withoutUnused).map(withFloats)
    }
    // A record of what this program does not know is passed on as it is.
    let loss = try? Loss(record: training.loss)
    let weight = loss?.weight ?? 1
    return withFloats([
      "loss": loss?.kerasJSON ?? .string(training.loss), "metrics": ["accuracy"],
      "weighted_metrics": nil, "loss_weights": weight == 1 ? nil : .number(weight),
      "optimizer_config": training.optimizerForKeras,
    ])
  }

  /// `config` without what Keras 3 says of an optimiser and does not use: Keras 2 refuses a file that mentions it.
  private static func withoutUnused(_ config: JSONValue) -> JSONValue {
    guard case .object(var members) = config,
      case .object(var optimizer)? = members["optimizer_config"],
      case .object(var options)? = optimizer["config"],
      KerasOptimizer(json: .object(optimizer))?.isCustom == false
    else { return config }
    options = options.filter { key, value in
      !keras3Keys.contains(key) || (value != .null && value != false)
    }
    if options["use_ema"] == nil { options["ema_momentum"] = nil }
    optimizer["config"] = .object(options)
    members["optimizer_config"] = .object(optimizer)
    return .object(members)
  }

  private static let keras3Keys: Set<String> = [
    "weight_decay", "use_ema", "ema_overwrite_frequency", "loss_scale_factor",
    "gradient_accumulation_steps",
  ]

  /// `config` with whole numbers as floats where Keras insists on floats: 0.0, which JSON's readers may take for 0.
  static func withFloats(_ config: JSONValue) -> JSONValue {
    guard case .object(var members) = config, let optimizer = members["optimizer_config"] else {
      return config
    }
    members["optimizer_config"] = optimizerWithFloats(optimizer)
    return .object(members)
  }

  /// The same for an optimiser alone.
  static func optimizerWithFloats(_ optimizer: JSONValue) -> JSONValue {
    guard case .object(var members) = optimizer, case .object(var config)? = members["config"]
    else { return optimizer }
    func convert(_ keys: [String], in config: inout [String: JSONValue]) {
      for key in keys {
        if case .integer(let value)? = config[key] { config[key] = .number(Double(value)) }
      }
    }
    convert(floatKeys, in: &config)
    if case .object(var schedule)? = config["learning_rate"],
      case .object(var numbers)? = schedule["config"]
    {
      convert(scheduleFloatKeys, in: &numbers)
      if case .array(let values)? = numbers["values"] {
        numbers["values"] = .array(
          values.map { if case .integer(let value) = $0 { .number(Double(value)) } else { $0 } })
      }
      schedule["config"] = .object(numbers)
      config["learning_rate"] = .object(schedule)
    }
    members["config"] = .object(config)
    return .object(members)
  }

  private static let floatKeys =
    OptimizerNumber.allCases.map(\.rawValue) + [
      "learning_rate", "clipnorm", "global_clipnorm", "clipvalue", "ema_momentum",
    ]

  /// A rate of 1 would make Keras compute the schedule in whole numbers.
  private static let scheduleFloatKeys = [
    "initial_learning_rate", "end_learning_rate", "decay_rate", "power", "alpha", "warmup_target",
    "t_mul", "m_mul",
  ]

  /// `training_config` from the `compile_config` of a `.keras`.
  static func config(fromCompileConfig compile: JSONValue?) -> JSONValue? {
    // {} is a model that was never compiled.
    guard case .object(var members)? = compile, !members.isEmpty else { return nil }
    if let optimizer = members.removeValue(forKey: "optimizer") {
      members["optimizer_config"] = optimizer
    }
    return withFloats(.object(members))
  }

  /// `compile_config` from a `training_config`, in the form that Keras 3 and TF-Keras both load. Nil for an optimiser
  /// that is not known here: the model then loads uncompiled.
  static func compileConfig(from config: JSONValue) -> JSONValue? {
    let json = config["optimizer_config"]
    guard let optimizer = KerasOptimizer(json: json), let loss = config["loss"], loss != .null
    else { return nil }
    var members: [String: JSONValue] = [:]
    if case .object(let config)? = json?["config"] {
      members = config.filter { optimizerKeys.contains($0.key) && $0.value != .null }
    }
    if case .object(var schedule)? = members["learning_rate"] {
      schedule["module"] = schedule["module"] ?? "keras.optimizers.schedules"
      schedule["registered_name"] = schedule["registered_name"] ?? .null
      members["learning_rate"] = .object(schedule)
    }
    return [
      "loss": withModule(loss), "metrics": metrics(config["metrics"]), "weighted_metrics": nil,
      "loss_weights": config["loss_weights"] ?? .null,
      "optimizer": [
        "module": "keras.optimizers", "class_name": .string(optimizer.method.className),
        "config": .object(members), "registered_name": nil,
      ],
    ]
  }

  /// A loss's class as Keras 3 writes it.
  private static func withModule(_ loss: JSONValue) -> JSONValue {
    guard case .object(var members) = loss, members["class_name"] != nil else { return loss }
    members["module"] = members["module"] ?? "keras.losses"
    members["registered_name"] = members["registered_name"] ?? .null
    return .object(members)
  }

  /// What both understand; the rest is left to their defaults.
  private static let optimizerKeys = Set(
    floatKeys + OptimizerFlag.allCases.map(\.rawValue)
      + ["name", "use_ema", "ema_overwrite_frequency", "amsgrad"])

  /// Names only: TF-Keras' nested objects do not load in Keras 3.
  private static func metrics(_ metrics: JSONValue?) -> JSONValue {
    guard case .array(let values)? = metrics else { return [] }
    return .array(values.filter { if case .string = $0 { true } else { false } })
  }
}
