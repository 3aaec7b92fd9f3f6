import FixedNet
import FixedNetFiles
import Foundation
import TestSupport

/// One case through the tools, as a user would run them.
struct CaseTrial {
  let folder: String
  let item: CaseFolder.Case
  let tools: String
  let scratch: String

  private var model: String { "\(folder)/\(item.model)" }
  private var data: String { "\(folder)/data.h5" }

  func run() throws -> Outcome {
    do {
      switch item.kind {
      case .outputs: return try outputs()
      case .loss: return try loss()
      case .steps: return try steps()
      case .rates: return try rates()
      }
    } catch is Refusal {
      return .refused
    }
  }

  private struct Refusal: Error {}

  // MARK: - eval

  /// The outputs are those expected within 1e-5 of the value, or of a tenth of the largest (0.01 at least): float32 sums of
  /// up to a few hundred terms, in another order than the reference's, differ by some 1e-6 of their terms, which may be much
  /// larger than the sum. ONNX itself allows 1e-3.
  private func outputs() throws -> Outcome {
    let found = "\(scratch)/y.h5"
    try tool("eval", [model, "--inputs", data, "--outputs", found])
    let ours = try HDF5Arrays.readFloats(path: found, dataset: "y")
    let expected = try HDF5Arrays.readFloats(path: data, dataset: "y")
    guard ours.shape == expected.shape else {
      return .failed(reason: "shape \(ours.shape), expected \(expected.shape)")
    }
    let largest = expected.values.lazy.filter(\.isFinite).reduce(0) { max($0, abs(Double($1))) }
    let errors = zip(ours.values, expected.values).map {
      CaseTrial.error(Double($0), Double($1), floor: max(0.01, 0.1 * largest))
    }
    return CaseTrial.judge(errors, within: 1e-5)
  }

  /// The loss within 1e-5 of its value, or 1e-7 below a hundredth: it is Keras' float32 result, and where the model ends
  /// in softmax or a sigmoid, its logits are rounded logarithms of what Keras' test gives as probabilities.
  private func loss() throws -> Outcome {
    guard let value = item.value else { throw ConformanceError("the case has no value") }
    let options = item.answers == "numbers" ? ["--regression"] : []
    let text = try tool("eval", [model, "--data", data, "--json"] + options)
    let found: Double
    switch try JSONValue(parsing: text)["loss"] {
    case .number(let number): found = number
    case .integer(let number): found = Double(number)
    default: return .failed(reason: "no loss: \(text)")
    }
    return CaseTrial.judge([CaseTrial.error(found, value, floor: 0.01)], within: 1e-5)
  }

  // MARK: - train

  /// Weights after every step, each step a run of its own that goes on with the file's optimiser and its memory.
  ///
  /// The model is y = x w under the absolute error, with an answer far below: its gradient is x.
  /// Errors are relative to how far the weights have moved, less two roundings of the weight a step, within 1e-4:
  /// Keras works in float32, where 1 - 0.999 alone is off by 1e-5.
  private func steps() throws -> Outcome {
    let gradients = try HDF5Arrays.readFloats(path: data, dataset: "x")
    let expected = try HDF5Arrays.readFloats(path: data, dataset: "y")
    let width = gradients.shape[1]
    let start = try weights(in: model)
    guard start.count == width else { throw ConformanceError("\(start.count) weights") }
    var errors: [Double] = []
    var current = model
    for step in 0..<gradients.shape[0] {
      let range = step * width..<(step + 1) * width
      let next = "\(scratch)/step\(step % 2).keras"
      try train(current, gradient: Array(gradients.values[range]), epochs: 1, ["--output", next])
      let found = try weights(in: next)
      let wanted = Array(expected.values[range])
      let moved = zip(wanted, start).reduce(0) { max($0, abs(Double($1.0) - Double($1.1))) }
      for (found, wanted) in zip(found, wanted) {
        let rounding = Double(step + 1) * 0x1p-23 * max(abs(Double(wanted)), abs(Double(start[0])))
        let difference = abs(Double(found) - Double(wanted))
        errors.append(
          found == wanted ? 0 : max(0, difference - rounding) / max(moved, rounding))
      }
      current = next
    }
    return CaseTrial.judge(errors, within: 1e-4)
  }

  /// The rates within 1e-6 of their values, or of a tenth of the largest: Keras computes them in float32, and near the end
  /// of a cosine they are the difference of two numbers near 1.
  private func rates() throws -> Outcome {
    let all = try HDF5Arrays.readFloats(path: data, dataset: "step").values.map { Int($0) }
    let rates = try HDF5Arrays.readFloats(path: data, dataset: "rate").values.map(Double.init)
    // Keras' own tests ask for a step before the first one too.
    let (steps, expected) = (
      all.filter { $0 >= 0 }, zip(all, rates).filter { $0.0 >= 0 }.map(\.1)
    )
    let history = "\(scratch)/history.csv"
    try? FileManager.default.removeItem(atPath: history)
    try train(
      model, gradient: [1], epochs: (steps.max() ?? 0) + 1,
      ["--batch-history", history, "--output", "\(scratch)/rates.h5"])
    let lines = try String(contentsOfFile: history, encoding: .utf8).split(separator: "\n")
      .dropFirst().map { $0.split(separator: ",") }
    let found = try steps.map { step in
      guard step < lines.count, lines[step].count > 2, let rate = Double(lines[step][2]) else {
        throw ConformanceError("no line of step \(step + 1) in \(history)")
      }
      return rate
    }
    let floor = 0.1 * expected.reduce(0) { max($0, abs($1)) }
    return CaseTrial.judge(
      zip(found, expected).map { CaseTrial.error($0, $1, floor: floor) }, within: 1e-6)
  }

  private func train(_ model: String, gradient: [Float], epochs: Int, _ options: [String]) throws {
    let sample = "\(scratch)/sample.h5"
    try HDF5Arrays.write(
      path: sample,
      datasets: [
        (name: "x", shape: [1, gradient.count], values: gradient),
        (name: "y", shape: [1, 1], values: [-1e6]),
      ])
    try tool(
      "train",
      [
        "--model", model, "--data", sample, "--regression", "--test-fraction", "0", "--batch", "1",
        "--epochs", String(epochs),
      ] + options)
  }

  /// The kernel of the only layer with weights.
  private func weights(in path: String) throws -> [Float] {
    let tensors = try KerasFile.read(path: path).weights.flatMap(\.tensors)
    guard tensors.count == 1 else { throw ConformanceError("\(path): \(tensors.count) weights") }
    return tensors[0].values
  }

  // MARK: - Helpers

  @discardableResult
  private func tool(_ name: String, _ arguments: [String]) throws -> String {
    let run = try Finished("\(tools)/\(name)", arguments, in: scratch)
    guard run.exitCode == 0 else {
      let text = run.errors.trimmingCharacters(in: .whitespacesAndNewlines)
      if run.exitCode == 1, text.hasPrefix("\(name): "), !text.contains("\n") { throw Refusal() }
      throw ConformanceError("\(name) ended with \(run.exitCode): \(text)")
    }
    return run.output
  }

  static func error(_ found: Double, _ expected: Double, floor: Double) -> Double {
    if found == expected || (found.isNaN && expected.isNaN) { return 0 }
    let error = abs(found - expected) / max(abs(expected), floor)
    return error.isNaN ? .infinity : error
  }

  static func judge(_ errors: [Double], within tolerance: Double) -> Outcome {
    guard let largest = errors.max() else { return .failed(reason: "nothing to compare") }
    guard largest <= tolerance else {
      let text = String(format: "%.2e", largest)
      return .failed(reason: "an error of \(text), allowed is \(tolerance)")
    }
    return .passed(error: largest)
  }
}
