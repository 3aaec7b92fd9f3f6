extension Model {
  /// The activation that the outputs come from; linear where there is none. A scaled sigmoid is one function, however
  /// a file spells it.
  package var endFunction: ActivationFunction {
    (try? Graph(self).lowered(fuses: true).nodes.last?.function) ?? .linear
  }
}
