import FixedNetCompute

extension TrainingState {
  static let subnormalsKey = "subnormals"

  /// What became of numbers below the smallest normal one in the run; files that say nothing counted them as zero.
  public var subnormals: Subnormals {
    get {
      guard case .string(let name)? = options[TrainingState.subnormalsKey] else { return .flush }
      return Subnormals(rawValue: name) ?? .flush
    }
    set {
      setOption(
        TrainingState.subnormalsKey, newValue == .flush ? nil : .string(newValue.rawValue))
    }
  }

  /// What stands in place of a mode; nil where nothing does, or a mode.
  var unusableSubnormals: JSONValue? {
    guard let value = options[TrainingState.subnormalsKey] else { return nil }
    guard case .string(let name) = value, Subnormals(rawValue: name) != nil else { return value }
    return nil
  }
}
