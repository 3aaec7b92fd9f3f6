#if HDF5
  extension KerasReader {
    /// All that is ever looked at in a model's file. `isNumbered`: the layout of a `.weights.h5` too, and weights alone.
    static func wants(_ policy: KerasFile.TrainingStatePolicy, isNumbered: Bool) -> HDF5Wants {
      var wants = HDF5Wants()
      for name in ["model_config", "training_config", "keras_version"] { wants.attribute(name) }
      wants.list("layer_names")
      wants.values(
        .name("model_weights"), .listed("layer_names"), .listed("weight_names"), as: .stored)
      for group in numberedGroups { wants.object(.name(group)) }
      if isNumbered {
        wants.values(.listed("layer_names"), .listed("weight_names"), as: .stored)
        for group in numberedGroups {
          // The model's layers, and those of nested models, four of them deep.
          for depth in 0...4 {
            let nested = [HDF5Wants.Step](repeating: .name("layers"), count: depth).flatMap {
              [$0, .all]
            }
            wants.values([.name(group), .all] + nested + [.name("vars"), .numbers], as: .stored)
          }
        }
      }
      guard policy != .ignore else { return wants }
      wants.attribute("name", of: .name("optimizer/vars"))
      wants.values(.name("optimizer/vars"), .numbers, as: .stored)
      wants.values(.name("optimizer_weights"), .listed("weight_names"), as: .stored)
      for name in TrainingState.attributes { wants.attribute(name, of: .name("fixednet")) }
      for name in TrainingState.lists {
        wants.values(.name("fixednet/history/\(name)"), as: .double)
      }
      return wants
    }
  }
#endif
