/// How many of some values lie where: in 30 buckets of one width between the least and the greatest, as TensorFlow's
/// `tf.summary.histogram` makes them; equal values are one bucket.
///
/// Bucket i of n holds min + i w <= value < min + (i + 1) w, w = (max - min) / n, the last one the greatest value too.
/// Source: TensorBoard, plugins/histogram/summary_v2.py.
package struct ValueHistogram: Equatable, Sendable {
  package static let bucketCount = 30

  package private(set) var minimum = 0.0
  package private(set) var maximum = 0.0
  package private(set) var count = 0
  package private(set) var sum = 0.0
  package private(set) var sumOfSquares = 0.0
  /// The upper end of each bucket, ascending.
  package private(set) var limits: [Double] = []
  /// The number of values in each bucket.
  package private(set) var counts: [Int] = []

  /// Values that are not finite are left out.
  package init(_ values: [Float]) {
    let finite = values.lazy.filter(\.isFinite).map(Double.init)
    guard let low = finite.min(), let high = finite.max() else { return }
    (minimum, maximum) = (low, high)
    let bucketCount = high > low ? ValueHistogram.bucketCount : 1
    let width = (high - low) / Double(bucketCount)
    limits = (1...bucketCount).map { $0 == bucketCount ? high : low + Double($0) * width }
    counts = Array(repeating: 0, count: bucketCount)
    for value in finite {
      count += 1
      sum += value
      sumOfSquares += value * value
      let bucket = width > 0 ? Int((value - low) / width) : 0
      counts[min(bucket, bucketCount - 1)] += 1
    }
  }
}
