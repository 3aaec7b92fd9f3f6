import FixedNet
import FixedNetCore
import Foundation

/// Section 1: softmax, its Jacobian, and the gradient of cross-entropy, against central differences.
struct SoftmaxStudy: Study {
  static let name = "softmax"
  static let title = "Softmax and cross-entropy against central differences"

  private static let classCount = 10
  /// Logits are uniform in +- each of these.
  private static let scales = [1.0, 10, 100, 1000, 10_000]
  /// The largest difference that passes: float32 has 24 bits, 6e-8 of a value at 1.
  private static let bound = 1e-6

  func run(_ context: StudyContext) throws -> StudyReport {
    let seeds = context.options.seeds ?? 3
    let trials = context.options.isQuick ? 10 : 200
    let probe = try SoftmaxProbe(classCount: Self.classCount)
    var results: [SoftmaxDifferences] = []
    for (index, scale) in Self.scales.enumerated() {
      var largest = SoftmaxDifferences(scale: scale)
      for seed in 0..<seeds {
        try context.checkInterrupt()
        context.progress(index * seeds + seed, of: Self.scales.count * seeds, "logits of \(scale)")
        var random = Philox(seed: UInt64(seed), stream: UInt64(index + 1)).reader()
        for _ in 0..<trials {
          let logits = (0..<Self.classCount).map { _ in
            (2 * random.nextUnit() - 1) * Float(scale)
          }
          let label = Int(random.next()) % Self.classCount
          try probe.compare(logits, label: label, into: &largest)
        }
      }
      results.append(largest)
    }
    return try report(results, probe, seeds: seeds, trials: trials)
  }

  // MARK: - Report

  private func report(
    _ results: [SoftmaxDifferences], _ probe: SoftmaxProbe, seeds: Int, trials: Int
  ) throws -> StudyReport {
    var report = StudyReport(
      protocolText: """
        o_i = exp(v_i) / sum_j exp(v_j) of \(Self.classCount) classes, do_i/dv_j = o_i (delta_ij - o_j), \
        and for L = -sum_i y_i log o_i the gradient dL/dv_i = o_i - y_i. The engine (float32) computes \
        outputs, loss, gradient and Jacobian of \(trials) random vectors of logits for each of seeds \
        \(ReportText.seeds(seeds)) and each range, uniform in ± the range, one random class each. Beside \
        them stand the same formula in double precision and its central differences, \
        (f(v + h e_j) - f(v - h e_j)) / 2h with h = 1e-4. A row of the Jacobian is the engine's gradient of \
        a squared error whose derivative with respect to the outputs is the unit vector of that row.
        """)
    report.tables = [
      ReportTable(
        "Largest differences over all vectors",
        columns: [
          "logits", "gradient", "Jacobian", "outputs", "loss, relative", "not finite",
        ],
        rows: results.map { result in
          ["± \(Format.grouped(Int(result.scale)))"]
            + [result.gradient, result.jacobian, result.outputs, result.loss].map(Self.power)
            + ["\(result.nonFinite)"]
        })
    ]
    report.figures = [differences(results), try jacobian(probe)]
    let gradient = results.map(\.gradient).max() ?? .nan
    let jacobian = results.map(\.jacobian).max() ?? .nan
    let nonFinite = results.reduce(0) { $0 + $1.nonFinite }
    report.checks = [
      ReportCheck(
        "the gradient is within 1e-6 of a central difference", isMet: gradient <= Self.bound,
        found: Self.power(gradient)),
      ReportCheck(
        "the Jacobian is within 1e-6 of a central difference", isMet: jacobian <= Self.bound,
        found: Self.power(jacobian)),
      ReportCheck(
        "no NaN and no infinity, up to logits of ± 10,000", isMet: nonFinite == 0,
        found: "\(nonFinite) values"),
    ]
    report.findings = [
      "The largest difference of a gradient is \(Self.power(gradient)), of an entry of the Jacobian "
        + "\(Self.power(jacobian)): float32's own precision at values up to 1.",
      "At ± 10,000 exp alone would overflow float32 (beyond 88.7): the largest logit is taken off "
        + "first, and the loss is computed on the logits, so that it is large and finite.",
    ]
    report.csv =
      [["range", "gradient", "jacobian", "outputs", "loss_relative", "not_finite"]]
      + results.map { result in
        [result.scale, result.gradient, result.jacobian, result.outputs, result.loss]
          .map { "\($0)" } + ["\(result.nonFinite)"]
      }
    return report
  }

  private static func power(_ value: Double) -> String { String(format: "%.1e", value) }

  private func differences(_ results: [SoftmaxDifferences]) -> Figure {
    func line(_ label: String, _ value: KeyPath<SoftmaxDifferences, Double>) -> Figure.Line {
      Figure.Line(label, results.map { ($0.scale, $0[keyPath: value]) }, hasMarkers: true)
    }
    return Figure(
      "differences", title: "The engine in float32 against central differences in double",
      caption:
        "Largest difference over all random vectors, by the range of the logits. Where they are far "
        + "apart, softmax is 0 or 1 and its Jacobian zero: that point is below the axis.",
      columns: 1,
      panels: [
        Figure.Panel(
          "", x: Figure.Axis("range of the logits (±)", isLogarithmic: true),
          y: Figure.Axis("largest difference", isLogarithmic: true, range: 1e-10...1e-5),
          .lines([
            line("gradient of cross-entropy, o - y", \.gradient),
            line("Jacobian of softmax", \.jacobian),
          ]))
      ])
  }

  private func jacobian(_ probe: SoftmaxProbe) throws -> Figure {
    let logits = (0..<Self.classCount).map { Float($0) / 3 }
    let outputs = try probe.outputs(logits)
    let rows = try outputs.indices.map { try probe.jacobianRow($0, logits, outputs) }
    let ticks = logits.indices.map {
      (Double($0 + 1), FigureNumber.short(Double(logits[$0])))
    }
    return Figure(
      "jacobian", title: "Jacobian of softmax at v = 0, 1/3, ..., 3",
      caption: "do_i/dv_j as the engine computes it: positive on the diagonal, rows sum to zero.",
      columns: 1,
      panels: [
        Figure.Panel(
          "", x: Figure.Axis("v_j", ticks: ticks), y: Figure.Axis("v_i", ticks: ticks),
          .heatMap(
            values: rows.map { $0.map { (1000 * Double($0)).rounded() / 1000 } }, unit: "do_i/dv_j",
            isPrinted: true))
      ])
  }
}

/// The largest differences found over the vectors of one range.
private struct SoftmaxDifferences {
  var scale: Double
  var gradient = 0.0
  var jacobian = 0.0
  var outputs = 0.0
  /// Of the loss, relative to it where it is above 1.
  var loss = 0.0
  var nonFinite = 0
}

/// Softmax and its derivatives as the engine computes them: a dense layer with the identity for a kernel makes the
/// samples the logits, and its bias's gradient the gradient with respect to them.
private final class SoftmaxProbe {
  private let classCount: Int
  private let entropy: Network
  private let squared: Network

  init(classCount: Int) throws {
    self.classCount = classCount
    let model = Model(
      name: "softmax", input: .vector(classCount),
      layers: [Dense(name: "logits", units: classCount, activation: .softmax)])
    var identity = Tensor(zeros: [classCount, classCount])
    for index in 0..<classCount { identity.values[index * classCount + index] = 1 }
    let weights = LayerWeights(layer: "logits", tensors: [identity, Tensor(zeros: [classCount])])
    func network(_ loss: Loss) throws -> Network {
      let options = PlanOptions(batch: 1, isTraining: true, threads: 1, loss: loss)
      let network = try Network(NetworkPlan(model, options: options))
      try network.load([weights])
      return network
    }
    entropy = try network(.crossEntropy)
    squared = try network(.meanSquaredError)
  }

  func outputs(_ logits: [Float]) throws -> [Float] {
    try squared.predict(ImageSet(shape: .vector(classCount), pixels: .floats(logits), labels: []))
      .outputs.values
  }

  /// The gradient of cross-entropy with respect to the logits, and the loss.
  func gradient(_ logits: [Float], label: Int) throws -> (gradient: [Float], loss: Double) {
    let sums = try entropy.computeGradients(
      ImageSet(shape: .vector(classCount), pixels: .floats(logits), labels: [UInt16(label)]))
    return (entropy.gradients[0].tensors[1].values, sums.meanLoss)
  }

  /// do_row/dv: the targets are chosen so that 2 (o - t) / classCount is the unit vector.
  func jacobianRow(_ row: Int, _ logits: [Float], _ outputs: [Float]) throws -> [Float] {
    var targets = outputs
    targets[row] -= Float(classCount) / 2
    _ = try squared.computeGradients(
      ImageSet(
        shape: .vector(classCount), pixels: .floats(logits), labels: [], targets: targets,
        targetWidth: classCount))
    return squared.gradients[0].tensors[1].values
  }

  /// Compares everything with double precision.
  func compare(_ logits: [Float], label: Int, into largest: inout SoftmaxDifferences) throws {
    let (gradient, loss) = try gradient(logits, label: label)
    let outputs = try outputs(logits)
    let exact = ExactSoftmax(logits.map(Double.init))
    func note(_ place: WritableKeyPath<SoftmaxDifferences, Double>, _ value: Double, _ goal: Double)
    {
      if value.isFinite {
        largest[keyPath: place] = max(largest[keyPath: place], abs(value - goal))
      } else {
        largest.nonFinite += 1
      }
    }
    let exactLoss = exact.loss(label)
    note(\.loss, loss / max(1, exactLoss), exactLoss / max(1, exactLoss))
    for index in 0..<classCount {
      note(\.outputs, Double(outputs[index]), exact.outputs[index])
      note(\.gradient, Double(gradient[index]), exact.lossDifference(index, label: label))
    }
    let differences = (0..<classCount).map { exact.outputDifferences($0) }
    for row in 0..<classCount {
      let values = try jacobianRow(row, logits, outputs)
      for column in 0..<classCount {
        note(\.jacobian, Double(values[column]), differences[column][row])
      }
    }
  }
}

/// The formula in double precision, and its central differences.
private struct ExactSoftmax {
  private static let step = 1e-4
  private let logits: [Double]
  let outputs: [Double]

  init(_ logits: [Double]) {
    self.logits = logits
    outputs = ExactSoftmax.outputs(logits)
  }

  private static func outputs(_ logits: [Double]) -> [Double] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// -log o_label = log sum_j exp(v_j) - v_label
  private static func loss(_ logits: [Double], _ label: Int) -> Double {
    let largest = logits.max() ?? 0
    return log(logits.reduce(0) { $0 + exp($1 - largest) }) + largest - logits[label]
  }

  func loss(_ label: Int) -> Double { ExactSoftmax.loss(logits, label) }

  private func moved(_ index: Int, _ step: Double) -> [Double] {
    var moved = logits
    moved[index] += step
    return moved
  }

  /// dL/dv_index
  func lossDifference(_ index: Int, label: Int) -> Double {
    let h = ExactSoftmax.step
    return
      (ExactSoftmax.loss(moved(index, h), label) - ExactSoftmax.loss(moved(index, -h), label))
      / (2 * h)
  }

  /// do_i/dv_index for every i.
  func outputDifferences(_ index: Int) -> [Double] {
    let h = ExactSoftmax.step
    return zip(ExactSoftmax.outputs(moved(index, h)), ExactSoftmax.outputs(moved(index, -h)))
      .map { ($0 - $1) / (2 * h) }
  }
}
