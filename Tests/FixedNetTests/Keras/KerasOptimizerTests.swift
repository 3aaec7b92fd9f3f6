import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetCompute

/// What Keras writes of optimisers and schedules: followed, or refused by name.
@Suite("Keras' optimisers")
struct KerasOptimizerTests {
  private static func optimizer(_ name: String, _ config: [String: JSONValue]) -> JSONValue {
    ["class_name": .string(name), "config": .object(config)]
  }

  /// Keras 3.15's `get_config()`, with what each class has besides.
  private static let standard: [String: JSONValue] = [
    "name": "x", "learning_rate": 0.5, "weight_decay": .null, "clipnorm": .null,
    "global_clipnorm": .null, "clipvalue": .null, "use_ema": false, "ema_momentum": 0.99,
    "ema_overwrite_frequency": .null, "loss_scale_factor": .null,
    "gradient_accumulation_steps": .null,
  ]
  private static let own: [String: [String: JSONValue]] = [
    "SGD": ["momentum": 0.0, "nesterov": false],
    "RMSprop": ["rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": false],
    "Adam": ["beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false],
    "AdamW": [
      "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false, "weight_decay": 0.004,
    ],
    "Nadam": ["beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7],
    "Adagrad": ["initial_accumulator_value": 0.1, "epsilon": 1e-7],
  ]

  private static func config(_ name: String, _ changes: [String: JSONValue] = [:]) -> JSONValue {
    let all = standard.merging(own[name] ?? [:]) { $1 }
    return optimizer(name, all.merging(changes) { $1 })
  }

  @Test("every key of Keras at its default gives the optimiser of the tools")
  func defaults() throws {
    #expect(Self.own.keys.sorted() == Optimizer.Method.all.map(\.className).sorted())
    for method in Optimizer.Method.all {
      let name = method.className
      let expected = try #require(OptimizerName(rawValue: name.lowercased()))
      let parsed = try OptimizerConfiguration.parse(Self.config(name))
      #expect(parsed.optimizer == expected.optimizer() && parsed.clipping == .none)
      #expect(parsed.learningRate == 0.5 && parsed.schedule == nil)
      #expect(OptimizerName(parsed.optimizer) == expected)
      // A name alone has Keras' defaults; of Nadam's only TF-Keras' files have it.
      guard method != .nadam else { continue }
      let named = try OptimizerConfiguration.parse(.string(name.lowercased()))
      #expect(named.optimizer == parsed.optimizer && named.learningRate == nil)
    }
  }

  struct Follow: Sendable {
    var name: String
    var key: String
    var value: JSONValue
    var expected: Optimizer

    init(_ name: String, _ key: String, _ value: JSONValue, _ expected: Optimizer) {
      (self.name, self.key, self.value, self.expected) = (name, key, value, expected)
    }
  }

  static let followed: [Follow] = [
    Follow("SGD", "momentum", 0.25, .momentum(0.25)), Follow("SGD", "momentum", 0, .sgd),
    // Without momentum Keras does not look at it.
    Follow("SGD", "nesterov", true, .sgd), Follow("SGD", "jit_compile", true, .sgd),
    Follow("SGD", "is_legacy_optimizer", true, .sgd), Follow("SGD", "ema_momentum", 0.5, .sgd),
    Follow("SGD", "ema_overwrite_frequency", 100, .sgd), Follow("SGD", "use_ema", .null, .sgd),
    Follow("SGD", "weight_decay", 0.0, .sgd), Follow("SGD", "loss_scale_factor", 1024.0, .sgd),
    Follow("SGD", "weight_decay", 0.25, .sgd.decaying(0.25)),
    Follow("RMSprop", "weight_decay", 1, .rmsprop().decaying(1)),
    Follow("Adam", "weight_decay", 0.25, .adam().decaying(0.25)),
    Follow("AdamW", "weight_decay", 0.25, .adam(method: .adamw).decaying(0.25)),
    Follow("AdamW", "weight_decay", 0, .adam(method: .adamw).decaying(0)),
    Follow("AdamW", "beta_1", 0.5, .adam(beta1: 0.5, method: .adamw)),
    Follow("AdamW", "is_legacy_optimizer", false, Optimizer(.adamw)),
    Follow("Adagrad", "initial_accumulator_value", 0, .adagrad(initialAccumulator: 0)),
    Follow("Adagrad", "epsilon", 0.5, .adagrad(epsilon: 0.5)),
    Follow("Adagrad", "weight_decay", 0.25, .adagrad().decaying(0.25)),
    Follow("Adagrad", "is_legacy_optimizer", false, .adagrad()),
    Follow("SGD", "gradient_accumulation_steps", 0, .sgd), Follow("SGD", "decay", 0.0, .sgd),
    Follow("RMSprop", "rho", 0.5, .rmsprop(rho: 0.5)),
    Follow("RMSprop", "momentum", 0.5, .rmsprop(momentum: 0.5)),
    Follow("RMSprop", "epsilon", 0.5, .rmsprop(epsilon: 0.5)),
    Follow("RMSprop", "epsilon", .null, .rmsprop()),
    Follow("RMSprop", "centered", true, .rmsprop(isCentered: true)),
    Follow("RMSprop", "decay", 0.0, .rmsprop(isLegacy: true)),
    Follow("RMSprop", "is_legacy_optimizer", true, .rmsprop(isLegacy: true)),
    Follow("RMSprop", "is_legacy_optimizer", false, .rmsprop()),
    Follow("Adam", "beta_1", 0.5, .adam(beta1: 0.5)),
    Follow("Adam", "beta_2", 0.5, .adam(beta2: 0.5)),
    Follow("Adam", "epsilon", 0.5, .adam(epsilon: 0.5)), Follow("Adam", "amsgrad", .null, .adam()),
  ]

  @Test("a key that is followed does what Keras does with it", arguments: followed)
  func follows(_ test: Follow) throws {
    let json = Self.config(test.name, [test.key: test.value])
    #expect(try OptimizerConfiguration.parse(json).optimizer == test.expected)
    let custom = Self.optimizer("Custom>\(test.name)", json["config"]?.members ?? [:])
    #expect(try OptimizerConfiguration.parse(custom).optimizer == test.expected)
  }

  @Test("Nadam is followed where Keras 3 wrote it: its formula is another one in every Keras 2")
  func nadam() throws {
    for (changes, expected) in [
      ([:], Optimizer(.nadam)), (["beta_1": 0.5], .adam(beta1: 0.5, method: .nadam)),
      (["beta_2": 0.5], .adam(beta2: 0.5, method: .nadam)),
      (["epsilon": 0.5], .adam(epsilon: 0.5, method: .nadam)),
      (["weight_decay": 0.25], Optimizer(.nadam).decaying(0.25)),
      (["loss_scale_factor": 8], Optimizer(.nadam)),
    ] as [([String: JSONValue], Optimizer)] {
      #expect(
        try OptimizerConfiguration.parse(Self.config("Nadam", changes)).optimizer == expected)
    }
    let config = Self.config("Nadam")["config"]?.members ?? [:]
    for json in [
      .string("nadam"), Self.optimizer("Custom>Nadam", config),
      Self.config("Nadam", ["jit_compile": false]),
      Self.config("Nadam", ["is_legacy_optimizer": false]), Self.config("Nadam", ["decay": 0.004]),
      ["module": "keras.optimizers.legacy", "class_name": "Nadam", "config": .object(config)],
    ] {
      let error = #expect(throws: ModelError.self) { try OptimizerConfiguration.parse(json) }
      #expect(
        error?.description == "Nadam's formula must be Keras 3's, found that of TF-Keras 2")
    }
  }

  @Test(
    "what is written is read as it was, with Keras' keys and no weight decay where there is none")
  func written() throws {
    let optimizers =
      TestModels.optimizers + [
        .adagrad(initialAccumulator: 0.5, epsilon: 1e-3), Optimizer(.adamw).decaying(0),
        .rmsprop(rho: 0.7, momentum: 0.25).decaying(0.125),
        .adam(beta1: 0.5, beta2: 0.75, epsilon: 0.25, method: .nadam).decaying(0.5),
      ]
    for optimizer in optimizers {
      let json = OptimizerConfiguration.json(optimizer, learningRate: 0.5, clipping: .none)
      var read = try OptimizerConfiguration.parse(json).optimizer
      read.isLegacy = optimizer.isLegacy
      #expect(read == optimizer)
      let name = optimizer.method.className
      let known = Set((Self.own[name] ?? [:]).keys).union(Self.standard.keys)
      let keys = Set((json["config"]?.members ?? [:]).keys)
      #expect(keys.isSubset(of: known) && keys.isSuperset(of: (Self.own[name] ?? [:]).keys))
      #expect(
        keys.contains("weight_decay") == (optimizer.weightDecay != 0 || name == "AdamW"))
    }
  }

  static let refused: [(name: String, changes: [String: JSONValue], message: String)] = [
    ("SGD", ["weight_decay": -0.5], "SGD's weight_decay must be a number from 0.0 to 1000000.0"),
    ("Adam", ["weight_decay": "a"], "Adam's weight_decay must be a number, found \"a\""),
    ("AdamW", ["weight_decay": .null], "AdamW's weight_decay must be a number, found null"),
    ("AdamW", ["amsgrad": true], "AdamW's amsgrad must be false, found true"),
    ("Nadam", ["amsgrad": false], "Nadam's amsgrad must be absent"),
    ("Nadam", ["use_ema": true], "Nadam's use_ema must be false, found true"),
    (
      "Nadam", ["gradient_accumulation_steps": 2],
      "Nadam's gradient_accumulation_steps must be null, found 2"
    ),
    ("Nadam", ["schedule_decay": 0.004], "Nadam's schedule_decay must be absent"),
    (
      "Adagrad", ["initial_accumulator_value": -1],
      "Adagrad's initial_accumulator_value must be a number from 0.0"
    ),
    (
      "Adagrad", ["initial_accumulator_value": .null],
      "Adagrad's initial_accumulator_value must be a number, found null"
    ),
    (
      "Adagrad", ["decay": 0.0],
      "Adagrad's formula must be Keras 3's, found that of Keras 2's legacy optimiser"
    ),
    (
      "Adagrad", ["is_legacy_optimizer": true],
      "Adagrad's formula must be Keras 3's, found that of Keras 2's legacy optimiser"
    ),
    ("SGD", ["use_ema": true], "SGD's use_ema must be false, found true"),
    (
      "SGD", ["gradient_accumulation_steps": 4],
      "SGD's gradient_accumulation_steps must be null, found 4"
    ),
    ("SGD", ["loss_scale_factor": 0], "SGD's loss_scale_factor must be a number from above 0"),
    ("SGD", ["momentum": 1.5], "SGD's momentum must be a number from 0.0 to 1.0, found 1.5"),
    ("SGD", ["momentum": "a"], "SGD's momentum must be a number, found \"a\""),
    ("SGD", ["nesterov": 1], "SGD's nesterov must be true or false, found 1"),
    ("SGD", ["rho": 0.9], "SGD's rho must be absent, as it is not known here, found 0.9"),
    ("SGD", ["dampening": false], "SGD's dampening must be absent"),
    ("SGD", ["clipnorm": -1], "SGD's clipnorm must be a number from 0.0"),
    (
      "SGD", ["clipnorm": 1, "clipvalue": 2],
      "SGD's clipping must be one kind, found clipvalue and clipnorm"
    ),
    ("SGD", ["lr": 0.1], "SGD's learning rate must be given once, found lr and learning_rate"),
    ("SGD", ["learning_rate": -0.1], "SGD's learning_rate must be a number from 0.0"),
    ("SGD", ["learning_rate": "fast"], "SGD's learning_rate must be a number, found \"fast\""),
    ("SGD", ["decay": 0.1, "learning_rate": .null], "SGD's learning_rate must be a number or a"),
    ("SGD", ["decay": 0.1, "learning_rate": schedule], "SGD's decay must be 0 beside a schedule"),
    ("SGD", ["decay": -0.1], "SGD's decay must be a number from 0.0"),
    ("Adam", ["amsgrad": true], "Adam's amsgrad must be false, found true"),
    ("Adam", ["beta_1": 1.0], "Adam's beta_1 must be a number from 0.0 to 0.9999999403953552"),
    ("Adam", ["epsilon": -1], "Adam's epsilon must be a number from 0.0 to 1.0, found -1.0"),
    (
      "Lion", [:], "the optimiser must be SGD, RMSprop, Adam, AdamW, Nadam or Adagrad, found Lion"
    ),
  ]

  private static let schedule: JSONValue = [
    "class_name": "ExponentialDecay",
    "config": ["initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5],
  ]

  @Test("a key that is not followed is refused by name", arguments: refused)
  func refuses(_ test: (name: String, changes: [String: JSONValue], message: String)) throws {
    let error = #expect(throws: ModelError.self) {
      try OptimizerConfiguration.parse(Self.config(test.name, test.changes))
    }
    #expect(error?.description.hasPrefix(test.message) == true, "\(error?.description ?? "")")
  }

  @Test(
    "null is what Keras has it for: nothing where a number may be left out, no number elsewhere",
    arguments: [
      ("SGD", "momentum"), ("SGD", "learning_rate"), ("RMSprop", "rho"), ("Adam", "beta_1"),
    ])
  func nulls(name: String, key: String) throws {
    let error = #expect(throws: ModelError.self) {
      try OptimizerConfiguration.parse(Self.config(name, [key: nil]))
    }
    #expect(error?.description.contains("\(name)'s \(key) must be a number") == true)
    #expect(error?.description.contains("found null") == true)
    for key in ["clipnorm", "weight_decay", "loss_scale_factor", "gradient_accumulation_steps"] {
      let parsed = try OptimizerConfiguration.parse(Self.config(name, [key: nil]))
      #expect(parsed.clipping == .none)
    }
  }

  @Test("null is no number of a schedule, but for the target of a warm-up")
  func nullsOfSchedules() throws {
    func cosine(_ key: String) throws -> Schedule? {
      var config: [String: JSONValue] = [
        "initial_learning_rate": 0.1, "decay_steps": 5, "warmup_target": 0.2, "warmup_steps": 1,
      ]
      config[key] = .null
      let rate: JSONValue = ["class_name": "CosineDecay", "config": .object(config)]
      return try OptimizerConfiguration.parse(Self.config("SGD", ["learning_rate": rate])).schedule
    }
    #expect(try cosine("warmup_target") == .cosine(initial: 0.1, steps: 5, alpha: 0))
    for key in ["alpha", "warmup_steps", "decay_steps", "initial_learning_rate"] {
      let error = #expect(throws: ModelError.self) { try cosine(key) }
      #expect(error?.description.contains("CosineDecay's \(key) must be") == true)
    }
  }

  @Test("a class of one's own that is called as Keras' is none of Keras'")
  func strangers() throws {
    for changes in [
      ["module": "my.optimizers"], ["registered_name": "mine>SGD"],
    ] as [[String: JSONValue]] {
      var members = Self.config("SGD").members
      members.merge(changes) { $1 }
      let error = #expect(throws: ModelError.self) {
        try OptimizerConfiguration.parse(.object(members))
      }
      #expect(error?.description.contains("Keras") == true)
    }
  }

  @Test("Keras 2's lr and decay are rate / (1 + decay t), clipping is one of three")
  func oldKeys() throws {
    let old = try OptimizerConfiguration.parse(
      Self.optimizer("SGD", ["lr": 0.5, "momentum": 0.0, "decay": 0.25, "nesterov": false]))
    #expect(old.learningRate == nil)
    #expect([0, 1, 4].map { old.schedule?.rate(at: $0) } == [0.5, 0.4, 0.25])
    for (key, expected) in [
      ("clipvalue", Clipping.value(0.5)), ("clipnorm", .norm(0.5)),
      ("global_clipnorm", .globalNorm(0.5)),
    ] {
      #expect(try OptimizerConfiguration.parse(Self.config("SGD", [key: 0.5])).clipping == expected)
    }
  }

  @Test("a run that goes on takes Adam's correction and the schedule's step from where they were")
  func firstIteration() throws {
    let schedule = Schedule.exponential(initial: 1, rate: 0.5, steps: 10)
    let configuration = OptimizerConfiguration(
      optimizer: .adam(), schedule: schedule, firstIteration: 7, firstScheduleStep: 7)
    #expect(configuration.rate(at: 3) == 0.5)
    guard case .adam(let found) = configuration.update(at: 3).formula,
      case .adam(let expected) = Optimizer.adam().rule(at: 10, learningRate: 0.5).formula
    else {
      Issue.record("no Adam")
      return
    }
    #expect(found.rate == expected.rate)
  }
}

extension JSONValue {
  fileprivate var members: [String: JSONValue] {
    if case .object(let members) = self { members } else { [:] }
  }
}
