import Foundation

/// A distribution as a smooth curve, with its quartiles: what a violin is drawn from.
///
/// f(x) = 1 / (n h) sum_i phi((x - x_i) / h), phi the standard normal density, on equally spaced points from the least to
/// the greatest value. h = 0.9 min(deviation, interquartile range / 1.34) n^(-1/5), and at least a grid step, so that
/// heavy tails do not hide the middle. The values are binned to the grid first (linearly), as there may be millions.
/// Source: Silverman, Density Estimation, 1986, section 3.4.2; Jones and Lotwick, Applied Statistics 33, 1984.
package struct KernelDensity {
  package static let pointCount = 201

  /// Ascending.
  package private(set) var positions: [Double] = []
  /// f at each position.
  package private(set) var densities: [Double] = []
  /// First quartile, median, third quartile.
  package private(set) var quartiles: (first: Double, median: Double, third: Double) = (0, 0, 0)
  package private(set) var bandwidth = 0.0

  /// nil without finite values. Others are left out. Equal values give one position of density 1.
  package init?(_ values: [Double]) {
    let sorted = values.filter(\.isFinite).sorted()
    guard let low = sorted.first, let high = sorted.last else { return nil }
    quartiles = (
      KernelDensity.quantile(sorted, 0.25), KernelDensity.quantile(sorted, 0.5),
      KernelDensity.quantile(sorted, 0.75)
    )
    let step = (high - low) / Double(KernelDensity.pointCount - 1)
    guard step > 0, step.isFinite else {
      (positions, densities) = ([low], [1])
      return
    }
    bandwidth = max(KernelDensity.bandwidth(sorted, quartiles.third - quartiles.first), step)
    positions = (0..<KernelDensity.pointCount).map { low + Double($0) * step }
    densities = KernelDensity.smooth(
      KernelDensity.bin(sorted, low: low, step: step), deviation: bandwidth / step
    ).map { $0 / (Double(sorted.count) * step) }
  }

  private static func bandwidth(_ sorted: [Double], _ range: Double) -> Double {
    let count = Double(sorted.count)
    let mean = sorted.reduce(0, +) / count
    let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / max(1, count - 1)).squareRoot()
    let spread = range > 0 ? min(deviation, range / 1.34) : deviation
    return 0.9 * spread * pow(count, -0.2)
  }

  /// Between the two values next to it, as NumPy's default does.
  private static func quantile(_ sorted: [Double], _ fraction: Double) -> Double {
    let place = fraction * Double(sorted.count - 1)
    let index = Int(place)
    guard index + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
  }

  /// Every value is shared between the two grid points beside it.
  private static func bin(_ values: [Double], low: Double, step: Double) -> [Double] {
    var bins = [Double](repeating: 0, count: pointCount)
    for value in values {
      let place = min((value - low) / step, Double(pointCount - 1))
      let index = min(Int(place), pointCount - 2)
      let part = place - Double(index)
      bins[index] += 1 - part
      bins[index + 1] += part
    }
    return bins
  }

  /// The bins convolved with a normal density of `deviation` grid steps.
  private static func smooth(_ bins: [Double], deviation: Double) -> [Double] {
    let weights = bins.indices.map { distance in
      exp(-0.5 * pow(Double(distance) / deviation, 2)) / (deviation * (2 * Double.pi).squareRoot())
    }
    return bins.indices.map { point in
      bins.indices.reduce(0) { $0 + bins[$1] * weights[abs(point - $1)] }
    }
  }
}
