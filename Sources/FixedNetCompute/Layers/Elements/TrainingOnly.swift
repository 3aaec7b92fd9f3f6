/// Layers that do nothing outside training, and whose training is not done here. They keep their config as the file has it.
/// Everything but their names and keys.
package protocol TrainingOnlyLayer: PlannedLayer {
  /// Keras' config entries.
  static var ownKeys: Set<String> { get }
  /// As in the file.
  var members: [String: JSONValue] { get }
  init(name: String, members: [String: JSONValue])
}

extension TrainingOnlyLayer {
  package static var configKeys: Set<String> { ownKeys.union(["seed", "data_format"]) }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name, members: config.members.filter { Self.configKeys.contains($0.key) })
  }

  public var config: [String: JSONValue] { members }

  package var trainingObstacle: String? {
    "layer '\(name)' (\(Self.className)) changes what it reads at random in training, which is not "
      + "done here; take it out of the model to train without"
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan { plan.renamed(input) }
}

/// Keras' dropout for SELU networks: evaluated here, not trained.
public struct AlphaDropout: TrainingOnlyLayer {
  public static let className = "AlphaDropout"
  package static let ownKeys: Set = ["rate", "noise_shape"]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random mirroring of images: evaluated here, not trained; see `Augmentation`.
public struct RandomFlip: TrainingOnlyLayer {
  public static let className = "RandomFlip"
  package static let ownKeys: Set = ["mode"]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random rotation of images: evaluated here, not trained; see `Augmentation`.
public struct RandomRotation: TrainingOnlyLayer {
  public static let className = "RandomRotation"
  package static let ownKeys: Set = [
    "factor", "fill_mode", "fill_value", "interpolation", "value_range",
  ]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random zoom of images: evaluated here, not trained; see `Augmentation`.
public struct RandomZoom: TrainingOnlyLayer {
  public static let className = "RandomZoom"
  package static let ownKeys: Set = [
    "height_factor", "width_factor", "fill_mode", "fill_value", "interpolation",
  ]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random shift of images: evaluated here, not trained; see `Augmentation`.
public struct RandomTranslation: TrainingOnlyLayer {
  public static let className = "RandomTranslation"
  package static let ownKeys = RandomZoom.ownKeys
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random contrast of images: evaluated here, not trained.
public struct RandomContrast: TrainingOnlyLayer {
  public static let className = "RandomContrast"
  package static let ownKeys: Set = ["factor", "value_range"]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Keras' random brightness of images: evaluated here, not trained.
public struct RandomBrightness: TrainingOnlyLayer {
  public static let className = "RandomBrightness"
  package static let ownKeys: Set = ["factor", "value_range"]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }
}

/// Adds to the loss, not to the outputs: not computed here.
public struct ActivityRegularization: TrainingOnlyLayer {
  public static let className = "ActivityRegularization"
  package static let ownKeys: Set = ["l1", "l2", "activity_regularizer"]
  public var name: String
  package let members: [String: JSONValue]
  package init(name: String = "", members: [String: JSONValue]) {
    (self.name, self.members) = (name, members)
  }

  package var trainingObstacle: String? { lossObstacle }
  package var lossObstacle: String? {
    "layer '\(name)' (ActivityRegularization) adds to the loss what is not computed here"
  }
}
