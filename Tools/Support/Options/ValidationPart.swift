import FixedNet
import FixedNetFiles

/// The part of the training samples that a run is watched by and not trained on.
package enum ValidationPart {
  /// Where a run is to stop by it and nothing else is said.
  package static let usualFraction = 0.1
}

extension LoadedData {
  /// Takes a part of the training samples away from them, and keeps it as `validation`: of every class its share, always
  /// the same samples for a seed.
  /// Throws: `ToolError` where a part would be empty.
  package mutating func holdOut(fraction: Double, seed: UInt64) throws {
    do {
      (set.train, validation) = try set.train.split(fraction: fraction, seed: seed)
    } catch .option {
      throw ToolError(
        "--validation-fraction \(fraction) of the \(set.train.count) training samples of "
          + "'\(set.name)' holds out none of them; give a larger part")
    }
    try checkWeights(fraction)
  }

  /// Both parts have weights that count.
  private func checkWeights(_ fraction: Double) throws {
    for (part, name) in [(set.train, "to train on"), (validation ?? set.train, "held out")]
    where part.isWeightless {
      throw ToolError(
        "--validation-fraction \(fraction): the \(part.count) samples of '\(set.name)' \(name) have weights "
          + "of 0 alone; give another part or another --seed")
    }
  }

  /// As the run did that recorded it; nothing where it held nothing out.
  /// Throws: `ToolError` for a part that there cannot be.
  package mutating func holdOut(as state: TrainingState, of path: String) throws {
    guard let fraction = state.validationFraction else { return }
    guard fraction > 0, fraction < 1 else {
      throw ToolError(
        "'\(path)': its training state is out of range (validation_fraction is \(fraction), expected "
          + "above 0 and below 1)")
    }
    guard state.hasThisValidationRule else {
      throw ToolError(
        "'\(path)': an earlier version drew its validation part by another rule, so that this one "
          + "would train on samples of it; train anew")
    }
    try holdOut(fraction: fraction, seed: state.seed)
  }
}

extension TrainingState {
  /// Goes up where `StratifiedSplit` takes other samples than before. 1 was not recorded.
  private static var validationRule: Int { 2 }

  fileprivate var hasThisValidationRule: Bool {
    options["validation_rule"] == .integer(TrainingState.validationRule)
  }

  /// The part of the training samples that is held out; nil: none.
  package var validationFraction: Double? {
    get {
      switch options["validation_fraction"] {
      case .number(let fraction)?: fraction
      case .integer(let whole)?: Double(whole)
      case nil: nil
      default: .nan
      }
    }
    set {
      setOption("validation_fraction", newValue.map { .number($0) })
      setOption("validation_rule", newValue.map { _ in .integer(TrainingState.validationRule) })
    }
  }
}
