import CSupport
import FixedNetCompute
import FixedNetCore

/// From an image's backward pass to the weights: the optimiser's step, or the image's part of a mini-batch's gradient.
extension ProgramWriter {
  /// The gradients of an operation's weights, and what is done with them.
  mutating func update(_ operation: Operation) {
    switch operation {
    case .convolution(let o):
      guard let training = o.pointee.training, let weight = training.weight else { return }
      if let pieces = training.pieces { return inPieces(o.pointee, training, weight, pieces) }
      use(weight, at(training.partial))
      if let bias = training.bias { use(bias, at(training.partial, weight.count)) }
    case .dense(let o): dense(o.pointee)
    case .transposedConvolution(let o): use(o.pointee.gradients)
    case .depthwise(let o): use(o.pointee.gradients)
    case .layerNormalization(let o): use(o.pointee.gradients)
    case .prelu(let o): use(o.pointee.gradients)
    case .pooling, .activation, .rectifier, .rescaling, .normalization, .dropout, .spatialDropout,
      .gaussianNoise, .softmax, .columnSoftmax, .batchNormalization, .batchNormalizationInference,
      .crossEntropy, .squaredError, .logisticLoss, .outputLoss, .function, .gradientSum, .merge,
      .gather, .copy, .input:
      break
    }
  }

  private var training: ExportOptions.Training {
    network.options.training ?? ExportOptions.Training()
  }

  private mutating func use(_ gradients: PartialGradients?) {
    guard let gradients else { return }
    use(gradients.first, at(gradients.partial))
    if let second = gradients.second {
      use(second, at(gradients.partial, gradients.first.count))
    }
  }

  /// An image's gradient of a weight that lies in one place: the step, or a part of the mini-batch's.
  private mutating func use(_ parameter: Parameter, _ gradient: String) {
    if training.updatesInBackward {
      step(parameter, "\(parameter.count)", gradient, first: nil)
    } else if training.batch == 1 {
      write("copy(\(parameter.count), \(gradient), \(self.gradient(parameter)));")
    } else {
      write("gather_part(\(parameter.count), image, \(gradient), \(self.gradient(parameter)));")
    }
  }

  // MARK: - Dense

  private mutating func dense(_ o: DenseOperation) {
    guard let training = o.training, let weight = training.weight else { return }
    let (x, dz) = (at(o.input), at(training.outputGradient))
    guard let pieces = training.pieces else {
      write(
        "dense_backward_weights(0, \(o.inputCount), \(o.outputCount), \(x), \(dz), image > 0, "
          + "\(gradient(weight)));")
      if let bias = training.bias {
        write("dense_backward_bias(\(o.outputCount), \(dz), image > 0, \(gradient(bias)));")
      }
      return
    }
    let piece = at(pieces.slot)
    if isPlainDescent(weight) {
      write(
        "dense_sgd(\(o.inputCount), \(o.outputCount), rate, \(x), \(dz), \(self.weight(weight)));")
    } else {
      inPieces(of: o.inputCount, pieces.rowCount, "i") { writer, range in
        writer.write(
          "dense_backward_weights(\(range.first), \(range.end), \(o.outputCount), \(x), \(dz), 0, "
            + "\(piece));")
        writer.step(
          weight, range.count(o.outputCount), piece, first: range.place(o.outputCount))
      }
    }
    guard let bias = training.bias else { return }
    write("dense_backward_bias(\(o.outputCount), \(dz), 0, \(piece));")
    step(bias, "\(bias.count)", piece, first: nil)
  }

  /// Whether a step is w - rate g and nothing else.
  private func isPlainDescent(_ parameter: Parameter) -> Bool {
    let optimizer = training.optimizer
    return optimizer.method == .sgd && !optimizer.hasMomentum && optimizer.weightDecay == 0
      && training.clipping == .none && parameter.regularizer.isNone
  }

  // MARK: - Pieces

  /// A part of some rows: C expressions.
  struct PieceRange {
    var first: String
    var end: String
    /// Whether all rows are in one piece.
    var isWhole: Bool

    func count(_ columns: Int) -> String {
      isWhole ? "\((Int(end) ?? 0) * columns)" : "(\(end) - \(first)) * \(columns)"
    }

    /// The first value's place; nil for the start.
    func place(_ columns: Int) -> String? { isWhole ? nil : "\(first) * \(columns)" }
  }

  private mutating func inPieces(
    of count: Int, _ rows: Int, _ variable: String,
    _ body: (inout ProgramWriter, PieceRange) -> Void
  ) {
    guard rows < count else {
      return body(&self, PieceRange(first: "0", end: "\(count)", isWhole: true))
    }
    write("for (int32_t \(variable) = 0; \(variable) < \(count); \(variable) += \(rows)) {")
    indent += "  "
    write(
      "const int32_t end = \(variable) + \(rows) < \(count) ? \(variable) + \(rows) : \(count);")
    body(&self, PieceRange(first: variable, end: "end", isWhole: false))
    indent.removeLast(2)
    write("}")
  }

  /// The gradient a few taps at a time, each followed by its step.
  private mutating func inPieces(
    _ o: ConvolutionOperation, _ training: ConvolutionOperation.Training, _ weight: Parameter,
    _ pieces: GradientPieces
  ) {
    let channels = Int(o.shape.outChannels)
    let (piece, dz) = (at(pieces.slot), at(training.outputGradient))
    inPieces(of: weight.count / channels, pieces.rowCount, "k") { writer, range in
      writer.write(
        "convolution_backward_taps(\(writer.shape(o.shape)), \(range.first), \(range.end), "
          + "\(writer.at(o.input)), \(dz), \(piece));")
      writer.step(weight, range.count(channels), piece, first: range.place(channels))
    }
    guard let bias = training.bias else { return }
    write("convolution_backward_bias(\(o.filters), \(o.pixels), \(dz), \(piece));")
    step(bias, "\(bias.count)", piece, first: nil)
  }

  // MARK: - Steps

  /// The steps of a mini-batch's gradients.
  mutating func stepAll(_ parameters: [Parameter]) {
    for parameter in parameters { complete(parameter, "\(parameter.count)", gradient(parameter)) }
    switch training.clipping {
    case .none, .value: break
    case .norm(let limit):
      for parameter in parameters {
        let g = gradient(parameter)
        write(
          "clip_norm(\(parameter.count), squared_norm(\(parameter.count), \(g)), "
            + "\(CText.literal(limit)), \(g));")
      }
    case .globalNorm(let limit):
      write("double sum = 0.0;")
      for parameter in parameters {
        write("sum += squared_norm(\(parameter.count), \(gradient(parameter)));")
      }
      for parameter in parameters {
        write(
          "clip_norm(\(parameter.count), sum, \(CText.literal(limit)), \(gradient(parameter)));")
      }
    }
    for parameter in parameters {
      apply(parameter, "\(parameter.count)", gradient(parameter), first: nil)
    }
  }

  /// The step of some of a weight's values, whose gradients are complete over the batch. `first`: where they begin.
  mutating func step(_ p: Parameter, _ count: String, _ g: String, first: String?) {
    complete(p, count, g, first: first)
    apply(p, count, g, first: first)
  }

  /// The regulariser's part, and the limit of every value.
  private mutating func complete(
    _ p: Parameter, _ count: String, _ g: String, first: String? = nil
  ) {
    let w = from(weight(p), first)
    let regularizer = p.regularizer
    if regularizer.l1 != 0 {
      write("add_signs(\(count), \(CText.literal(regularizer.l1)), \(w), \(g));")
    }
    if regularizer.l2 != 0 {
      write("add_scaled(\(count), \(CText.literal(2 * regularizer.l2)), \(w), \(g));")
    }
    if case .value(let limit) = training.clipping {
      write("clip(\(count), \(CText.literal(limit)), \(g));")
    }
  }

  private func from(_ base: String, _ first: String?) -> String {
    first.map { "\(base) + \($0)" } ?? base
  }

  private mutating func apply(_ p: Parameter, _ count: String, _ g: String, first: String?) {
    let w = from(weight(p), first)
    func state(_ index: Int) -> String { from(self.state(index, p), first) }
    let optimizer = training.optimizer
    if optimizer.weightDecay != 0 { write("decay(\(count), decay_factor, \(w));") }
    switch optimizer.rule(at: 0, learningRate: 1).formula {
    case .sgd: write("sgd_update(\(count), rate, \(g), \(w));")
    case .momentum(_, let momentum, let isNesterov):
      write(
        "\(isNesterov ? "nesterov" : "momentum")_update(\(count), rate, \(CText.literal(momentum)), "
          + "\(g), \(state(0)), \(w));")
    case .rmsprop(_, let hasMomentum, let isCentered):
      write(
        "rmsprop_update(\(count), &rule, \(g), \(state(0)), \(hasMomentum ? state(1) : "0"), "
          + "\(isCentered ? state(hasMomentum ? 2 : 1) : "0"), \(w));")
    case .adam: write("adam_update(\(count), &rule, \(g), \(state(0)), \(state(1)), \(w));")
    case .nadam: write("nadam_update(\(count), &rule, \(g), \(state(0)), \(state(1)), \(w));")
    case .adagrad(_, let epsilon):
      write(
        "adagrad_update(\(count), rate, \(CText.literal(epsilon)), \(g), \(state(0)), \(w));")
    }
  }

  /// The constants of this step, from `rate` and `step`.
  mutating func rule() {
    let o = training.optimizer
    if o.weightDecay != 0 {
      write(
        "const float decay_factor = (float)((double)rate * \(CText.literal(Double(Float(o.weightDecay)))));"
      )
    }
    switch o.rule(at: 0, learningRate: 1).formula {
    case .sgd, .momentum, .adagrad: break
    case .rmsprop(let r, _, _):
      let fields = [r.rho, r.gradientShare, r.momentum, r.epsilon].map { CText.literal($0) }
      write("const rmsprop rule = {rate, \(fields.joined(separator: ", ")), \(r.isLegacy)};")
    case .adam(let a):
      write(
        "const adam rule = adam_rule(rate, step, \(CText.literal(Double(Float(o.beta1)))), "
          + "\(CText.literal(Double(Float(o.beta2)))), \(CText.literal(a.gradientShare)), "
          + "\(CText.literal(a.squareShare)), \(CText.literal(a.epsilon)));")
    case .nadam(let n):
      write(
        "const nadam rule = nadam_rule(rate, step, \(CText.literal(Double(Float(o.beta1)))), "
          + "\(CText.literal(Double(Float(o.beta2)))), \(CText.literal(n.gradientShare)), "
          + "\(CText.literal(n.squareShare)), \(CText.literal(n.epsilon)));")
    }
  }
}
