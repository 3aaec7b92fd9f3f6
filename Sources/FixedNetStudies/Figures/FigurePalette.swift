/// The colours of all figures; the colour-blind can tell them apart.
enum FigurePalette {
  /// Okabe and Ito's, the yellow darkened: lines are drawn on white.
  static let lines = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999",
  ]

  /// Viridis in nine steps. Source: Smith and van der Walt, matplotlib 2015.
  static let gradient: [(red: Int, green: Int, blue: Int)] = [
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129),
    (92, 200, 99), (170, 220, 50), (253, 231, 37),
  ]

  /// The colour of line `index` of `count`: one of the eight, or a step of the gradient (which ends before its light
  /// yellow) where there are more lines.
  static func line(_ index: Int, of count: Int) -> String {
    if count <= lines.count { return lines[index % lines.count] }
    return text(colour(at: 0.9 * Double(index % count) / Double(count - 1)))
  }

  /// The gradient's colour at a fraction of 0 ... 1.
  static func colour(at fraction: Double) -> (red: Int, green: Int, blue: Int) {
    let place = min(max(fraction, 0), 1) * Double(gradient.count - 1)
    let index = min(Int(place), gradient.count - 2)
    let (low, high, part) = (gradient[index], gradient[index + 1], place - Double(index))
    func mix(_ a: Int, _ b: Int) -> Int { Int((Double(a) + part * Double(b - a)).rounded()) }
    return (mix(low.red, high.red), mix(low.green, high.green), mix(low.blue, high.blue))
  }

  /// Black or white, as 0xRRGGBB, whichever can be read on the gradient's colour at a fraction.
  static func ink(on fraction: Double) -> Int {
    let (red, green, blue) = colour(at: fraction)
    let luminance = 0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue)
    return luminance > 125 ? 0 : 0xFFFFFF
  }

  private static func text(_ colour: (red: Int, green: Int, blue: Int)) -> String {
    "#"
      + [colour.red, colour.green, colour.blue].map {
        let digits = String($0, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
  }
}
