import Foundation

/// The gnuplot commands of one axis: its range, ticks and label.
struct FigureAxis {
  let axis: Figure.Axis
  /// "x" or "y".
  let letter: String
  /// The least and the greatest finite value on the axis; nil: none.
  let data: ClosedRange<Double>?
  /// Ends of the axis beyond the data, as a part of its length.
  var padding = 0.03
  /// Decades that may have labels.
  var labelLimit = 9
  /// What follows the label's text in its command.
  var labelOptions = ""

  /// Whether a value has a place on the axis.
  static func isShown(_ value: Double, _ axis: Figure.Axis) -> Bool {
    value.isFinite && (!axis.isLogarithmic || value > 0)
  }

  /// What the axis shows.
  var range: ClosedRange<Double> {
    if let range = axis.range, range.lowerBound < range.upperBound,
      !axis.isLogarithmic || range.lowerBound > 0
    {
      return range
    }
    guard let data else { return axis.isLogarithmic ? 1...10 : 0...1 }
    if axis.isLogarithmic {
      let (low, high) = (log10(data.lowerBound), log10(data.upperBound))
      let margin = high > low ? padding * (high - low) : 0.5
      return pow(10, low - margin)...pow(10, high + margin)
    }
    let length = data.upperBound - data.lowerBound
    let margin = length > 0 ? padding * length : max(abs(data.lowerBound) * 0.1, 0.5)
    return (data.lowerBound - margin)...(data.upperBound + margin)
  }

  /// `slant`: degrees that the labels of given ticks are turned.
  func commands(slant: Int = 0) -> [String] {
    let range = range
    var result = [
      "set \(letter)range [\(range.lowerBound):\(range.upperBound)]",
      "set \(letter)label \(Gnuplot.quoted(axis.label)) \(labelOptions)",
    ]
    if axis.isLogarithmic { result.append("set logscale \(letter) 10") }
    let turn = slant == 0 ? "" : "rotate by \(slant) right "
    if !axis.ticks.isEmpty {
      let ticks = axis.ticks.filter { $0.position.isFinite }
      let texts = ticks.map { "\(Gnuplot.quotedTick($0.label)) \($0.position)" }
      result.append("set \(letter)tics \(turn)(\(texts.joined(separator: ", ")))")
    } else if axis.isLogarithmic {
      let ticks = FigureAxis.logarithmicTicks(range, labelLimit: labelLimit)
      let texts = ticks.map { "\(Gnuplot.quotedTick($0.label)) \($0.position) \($0.level)" }
      result.append("set \(letter)tics (\(texts.joined(separator: ", ")))")
    }
    return result
  }

  // MARK: - Logarithmic ticks

  /// Decades, of which at most `labelLimit` have labels, and their parts where there are few; `level` 1: a short one.
  static func logarithmicTicks(_ range: ClosedRange<Double>, labelLimit: Int)
    -> [(position: Double, label: String, level: Int)]
  {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    let decades = Int(low.rounded(.up))...max(Int(low.rounded(.up)), Int(high.rounded(.down)))
    let step = max(1, (decades.count + labelLimit - 1) / labelLimit)
    // 0.01 beside 10⁻⁴ would be two ways to say it.
    let labelled = decades.filter { $0 % step == 0 && range.contains(pow(10, Double($0))) }
    let isPlain = labelled.allSatisfy { (-2...3).contains($0) }
    var ticks: [(position: Double, label: String, level: Int)] = []
    for exponent in (decades.lowerBound - 1)...decades.upperBound {
      let position = pow(10, Double(exponent))
      let isLabelled = exponent % step == 0
      if range.contains(position) {
        ticks.append(
          (position, isLabelled ? power(exponent, isPlain: isPlain) : "", isLabelled ? 0 : 1))
      }
      guard step == 1, decades.count <= 6 else { continue }
      for digit in 2...9 where range.contains(position * Double(digit)) {
        // Where hardly two decades are in sight, their parts need numbers too.
        let isNamed = high - low < 2.2 && [2, 5].contains(digit)
        let value = position * Double(digit)
        ticks.append((value, isNamed ? FigureNumber.short(value) : "", isNamed ? 0 : 1))
      }
    }
    return ticks
  }

  /// 10 to the power of `exponent`, with raised digits; 1, 10 and, if asked for, all as plain numbers.
  private static func power(_ exponent: Int, isPlain: Bool) -> String {
    if isPlain || (0...1).contains(exponent) {
      return FigureNumber.short(pow(10, Double(exponent)))
    }
    let raised = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let digits = String(abs(exponent)).compactMap { $0.wholeNumberValue }.map { raised[$0] }
    return "10" + (exponent < 0 ? "⁻" : "") + String(digits)
  }
}

/// Numbers as a figure shows them.
enum FigureNumber {
  /// At most three digits; whole numbers below a million in full.
  static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e6
      ? String(format: "%.0f", value) : String(format: "%.3g", value)
  }

  /// All cells of a map with as many decimals: none where all are whole, else so that the largest has three digits.
  static func cells(_ values: [Double]) -> (Double) -> String {
    let largest = values.map(abs).max() ?? 0
    if largest >= 1e5 { return { String(format: "%.2g", $0) } }
    let areWhole = values.allSatisfy { $0 == $0.rounded() }
    let decimals = areWhole ? 0 : largest >= 10 ? 1 : largest >= 1 ? 2 : 3
    return { value in
      let text = String(format: "%.\(decimals)f", value)
      return Double(text) == 0 ? String(text.drop { $0 == "-" }) : text
    }
  }
}
