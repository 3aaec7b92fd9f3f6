import ArgumentParser
import FixedNet
import FixedNetFiles

extension Loss {
  package static let help =
    "What is made small: one of Keras' losses, "
    + Function.allCases.map(\.rawValue).joined(separator: ", ")
    + ", or their short names (mse, mae, mape, msle, bce, kld); options as in Keras' config behind a "
    + "colon, such as huber:delta=2 or categorical_crossentropy:label_smoothing=0.1,reduction=sum"

  /// The value of --loss.
  /// Throws: `ValidationError`.
  package static func option(_ text: String) throws -> Loss {
    do { return try Loss(text: text) } catch { throw ValidationError("--loss: \(error)") }
  }
}

/// What a file says of the loss that its model was trained with.
package enum LossStatement: Equatable, Sendable {
  /// Nothing.
  case none
  case computed(Loss)
  /// A loss that is not computed here, or not for this model, and why.
  case notComputed(String)

  package var computed: Loss? {
    if case .computed(let loss) = self { loss } else { nil }
  }

  /// Why the loss is not computed; nil where it is, or there is none.
  package var obstacle: String? {
    if case .notComputed(let reason) = self { reason } else { nil }
  }

  /// The loss to train with; nil where the file says none. `name`: the file.
  /// Throws: `ToolError` for one that is not computed.
  package func usable(of name: String) throws -> Loss? {
    switch self {
    case .none: nil
    case .computed(let loss): loss
    case .notComputed(let reason):
      throw ToolError(
        "'\(name)' was compiled with another loss than is computed here: \(reason); "
          + "say which one with --loss")
    }
  }
}

extension KerasModelFile {
  package var lossStatement: LossStatement {
    do {
      let loss =
        try training.map { try Loss(record: $0.loss) }
        ?? trainingConfig.flatMap { try Loss(compileConfig: $0) }
      guard let loss else { return .none }
      // The model without a loss says whether the loss is what fails.
      guard (try? NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false))) != nil
      else { return .computed(loss) }
      _ = try NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false, loss: loss))
      return .computed(loss)
    } catch {
      return .notComputed("\(error)")
    }
  }
}
