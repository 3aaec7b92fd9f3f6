import FixedNet
import FixedNetFiles

/// Stops a run whose loss on samples that it was not trained on no longer improves. A function of the history, so that a resumed run agrees.
struct EarlyStopping {
  /// Epochs without an improvement after which to stop; nil: never.
  var patience: Int?
  /// What an improvement must be larger than.
  var minDelta = 0.0

  var isUsable: Bool { patience.map { $0 > 0 } ?? true && minDelta >= 0 && minDelta.isFinite }

  /// Whether the last `patience` epochs were none better than the best before them by more than `minDelta`.
  func stops(after history: [EpochRecord]) -> Bool {
    guard let patience else { return false }
    var best = Double.infinity
    var waited = 0
    for record in history {
      let loss = record.unseen.loss
      if loss < best - minDelta {
        (best, waited) = (loss, 0)
      } else {
        waited += 1
      }
    }
    return waited >= patience
  }
}

extension TrainingState {
  /// As it was asked for, kept among the options.
  var earlyStopping: EarlyStopping {
    get {
      var result = EarlyStopping()
      if case .integer(let patience)? = options["patience"] { result.patience = patience }
      switch options["min_delta"] {
      case .number(let number)?: result.minDelta = number
      case .integer(let number)?: result.minDelta = Double(number)
      default: break
      }
      return result
    }
    set {
      setOption("patience", newValue.patience.map { .integer($0) })
      setOption("min_delta", newValue.minDelta > 0 ? .number(newValue.minDelta) : nil)
    }
  }
}
