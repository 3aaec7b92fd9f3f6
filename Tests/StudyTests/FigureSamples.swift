import FixedNetStudies
import Foundation

/// One figure of every kind, with texts that no program would choose.
enum FigureSamples {
  static let hostile = "it's `id` \"$(id)\" <b>&amp; 100 % {/=40 x}_a^b \\n \u{1B}[31m\n}"

  static let curves = Figure(
    "curves", title: "Training and test curves: \(hostile)", caption: "Curves.",
    panels: [
      Figure.Panel(
        "accuracy", x: Figure.Axis("epoch"), y: Figure.Axis("accuracy (%)"), .lines(accuracies)),
      Figure.Panel(
        "loss against the rate", x: Figure.Axis("learning rate", isLogarithmic: true),
        y: Figure.Axis("training loss", isLogarithmic: true), .lines(losses)),
    ])

  private static var accuracies: [Figure.Line] {
    var lines: [Figure.Line] = []
    for (index, name) in ["plain", "BN", "dropout"].enumerated() {
      let spread = [Double](repeating: 0.8, count: 10)
      let training = curve(from: 80 + Double(3 * index))
      let test = curve(from: 79 + Double(3 * index))
      lines.append(Figure.Line("\(name), training", training, spread: spread, colour: index))
      lines.append(Figure.Line("\(name), test", test, isDashed: true, colour: index))
    }
    return lines
  }

  /// With gaps; the second has lone points.
  private static var losses: [Figure.Line] {
    var first: [(x: Double, y: Double)] = []
    var second: [(x: Double, y: Double)] = []
    for exponent in -9...1 {
      let rate = pow(10, Double(exponent))
      first.append((rate, exponent == -3 ? .nan : pow(10, abs(Double(exponent) + 1) / 4)))
      second.append((rate, [-5, -3].contains(exponent) ? .infinity : 2))
    }
    return [Figure.Line(hostile, first, hasMarkers: true), Figure.Line("others", second)]
  }

  static let violins = Figure(
    "violins", title: "Gradients per layer", caption: "Violins.", columns: 3,
    panels: [0.01, 0.1, 0.8].map { deviation in
      Figure.Panel(
        "N(0, \(deviation))", x: Figure.Axis("layer"), y: Figure.Axis("gradient"),
        .violins(gradients(Float(deviation))))
    })

  private static func gradients(_ deviation: Float) -> [Figure.Violin] {
    let layers = (1...7).map { layer in
      Figure.Violin("hidden\(layer)", normal(2000, deviation / Float(layer)))
    }
    return layers + [Figure.Violin("constant", [0.1, 0.1]), Figure.Violin("nothing", [.nan])]
  }

  static let heatMap = Figure(
    "heat", title: "Collapsed networks", caption: "A heat map.", columns: 1,
    panels: [
      Figure.Panel(
        "", x: Figure.Axis("hidden layers"), y: Figure.Axis("width"),
        .heatMap(values: (1...5).map(collapsed), unit: "collapsed (%)", isPrinted: true))
    ])

  /// Of networks of 1 to 20 layers; the last of width 5 is unknown.
  private static func collapsed(width: Int) -> [Double] {
    let alive = 1 - pow(2, -Double(width))
    return (1...20).map { width == 5 && $0 == 20 ? .nan : 100 * (1 - pow(alive, Double($0))) }
  }

  static let confusion = Figure.confusion(
    "confusion", title: "Confusion matrix", caption: "Counts.",
    counts: (0..<10).map(counts),
    classNames: [
      "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", hostile,
      "ankle boot",
    ])

  private static func counts(label: Int) -> [Int] {
    (0..<10).map { $0 == label ? 480 + label : ($0 * 7 + label) % 4 }
  }

  static let all = [curves, violins, heatMap, confusion]

  private static func curve(from start: Double) -> [(x: Double, y: Double)] {
    (1...10).map { (Double($0), start + 10 * (1 - exp(-Double($0) / 3))) }
  }

  /// Sums of twelve uniform numbers, from a linear congruential generator.
  static func normal(_ count: Int, _ deviation: Float) -> [Float] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
      var sum: Float = -6
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        sum += Float(state >> 40) / Float(1 << 24)
      }
      return sum * deviation
    }
  }
}
