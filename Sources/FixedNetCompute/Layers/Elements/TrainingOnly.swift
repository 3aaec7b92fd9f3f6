/// Layers that do nothing outside training, and whose training is not done here. They keep their config as the file has it.
/// Everything but their names and keys.
public protocol TrainingOnlyLayer: Layer {
  /// Keras' config entries.
  static var ownKeys: Set<String> { get }
  /// As in the file.
  var members: [String: JSONValue] { get }
  init(name: String, members: [String: JSONValue])
}

extension TrainingOnlyLayer {
  public static var configKeys: Set<String> { ownKeys.union(["seed", "data_format"]) }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name, members: config.members.filter { Self.configKeys.contains($0.key) })
  }

  public var config: [String: JSONValue] { members }

  public var trainingObstacle: String? {
    "layer '\(name)' (\(Self.className)) changes what it reads at random in training, which is not "
      + "done here; take it out of the model to train without"
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  public func plan(_ input: Value, in plan: Planner) -> LayerPlan { plan.renamed(input) }
}

public struct AlphaDropout: TrainingOnlyLayer {
  public static let className = "AlphaDropout"
  public static let ownKeys: Set = ["rate", "noise_shape"]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomFlip: TrainingOnlyLayer {
  public static let className = "RandomFlip"
  public static let ownKeys: Set = ["mode"]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomRotation: TrainingOnlyLayer {
  public static let className = "RandomRotation"
  public static let ownKeys: Set = [
    "factor", "fill_mode", "fill_value", "interpolation", "value_range",
  ]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomZoom: TrainingOnlyLayer {
  public static let className = "RandomZoom"
  public static let ownKeys: Set = [
    "height_factor", "width_factor", "fill_mode", "fill_value", "interpolation",
  ]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomTranslation: TrainingOnlyLayer {
  public static let className = "RandomTranslation"
  public static let ownKeys = RandomZoom.ownKeys
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomContrast: TrainingOnlyLayer {
  public static let className = "RandomContrast"
  public static let ownKeys: Set = ["factor", "value_range"]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

public struct RandomBrightness: TrainingOnlyLayer {
  public static let className = "RandomBrightness"
  public static let ownKeys: Set = ["factor", "value_range"]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Adds to the loss, not to the outputs: not computed here.
public struct ActivityRegularization: TrainingOnlyLayer {
  public static let className = "ActivityRegularization"
  public static let ownKeys: Set = ["l1", "l2", "activity_regularizer"]
  public var name: String
  public let members: [String: JSONValue]
  public init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }

  public var trainingObstacle: String? { lossObstacle }
  public var lossObstacle: String? {
    "layer '\(name)' (ActivityRegularization) adds to the loss what is not computed here"
  }
}
