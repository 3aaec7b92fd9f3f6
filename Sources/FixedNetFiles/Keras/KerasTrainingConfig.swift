import FixedNet

/// Keras' two descriptions of loss and optimiser: `training_config` of a `.h5`, `compile_config` of a `.keras`.
enum KerasTrainingConfig {
  /// `training_config` of a run of this program.
  static func config(of training: TrainingState) -> JSONValue {
    [
      "loss": .string(training.loss), "metrics": ["accuracy"], "weighted_metrics": nil,
      "loss_weights": nil, "optimizer_config": training.optimizer,
    ]
  }

  /// `training_config` from the `compile_config` of a `.keras`.
  static func config(fromCompileConfig compile: JSONValue?) -> JSONValue? {
    guard case .object(var members)? = compile else { return nil }
    if let optimizer = members.removeValue(forKey: "optimizer") {
      members["optimizer_config"] = optimizer
    }
    return .object(members)
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
      "loss": loss, "metrics": metrics(config["metrics"]), "weighted_metrics": nil,
      "loss_weights": nil,
      "optimizer": [
        "module": "keras.optimizers", "class_name": .string(optimizer.kind.rawValue),
        "config": .object(members), "registered_name": nil,
      ],
    ]
  }

  /// What both understand; the rest is left to their defaults.
  private static let optimizerKeys: Set<String> = [
    "name", "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
    "ema_momentum", "ema_overwrite_frequency", "momentum", "nesterov", "rho", "epsilon", "centered",
    "beta_1", "beta_2", "amsgrad",
  ]

  /// Names only: TF-Keras' nested objects do not load in Keras 3.
  private static func metrics(_ metrics: JSONValue?) -> JSONValue {
    guard case .array(let values)? = metrics else { return [] }
    return .array(values.filter { if case .string = $0 { true } else { false } })
  }
}
