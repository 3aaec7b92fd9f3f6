extension SequentialModel {
  /// The activation that the outputs come from; linear where there is none. A scaled sigmoid is one function, however
  /// a file spells it.
  package var endFunction: ActivationFunction {
    (lowered(fuses: true).last?.layer as? Activation)?.function ?? .linear
  }
}
