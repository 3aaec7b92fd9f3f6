/// A shift, a turn, a zoom and a mirror image, by bilinear interpolation.
///
/// The value at row i, column j is read from the image at
///   (y, x) = R (zoom (i - cy, j - cx) + shift) + (cy, cx), R = ((cos, sin), (-sin, cos)),
/// with the centre (cy, cx) = ((height - 1) / 2, (width - 1) / 2); a mirror image has -(i - cy) for i - cy, or
/// -(j - cx) for j - cx. y and x are rounded to 2^-16 pixels. With y = r + f and x = c + g, r and c whole and f and g
/// from 0 to less than 1, the value is
///   a + f (b - a), a = v(r, c) + g (v(r, c+1) - v(r, c)), b = v(r+1, c) + g (v(r+1, c+1) - v(r+1, c))
/// in float, with v beyond the border as `fill` has it.
/// Source: `apply_affine_transform` of Keras' `ImageDataGenerator` for square images, where its centre is the image's;
/// `scipy.ndimage.affine_transform` of order 1 (modes nearest, reflect, grid-constant).
package struct ImageTransform: BitwiseCopyable, Sendable {
  private let height: Int
  private let width: Int
  private let fill: Augmentation.Fill
  /// y = rows.0 i + rows.1 j + rows.2, and x with `columns`; i and j from the centre.
  private let rows: (Double, Double, Double)
  private let columns: (Double, Double, Double)

  package init(
    height: Int, width: Int, _ amounts: Augmentation.Amounts, fill: Augmentation.Fill
  ) {
    self.height = height
    self.width = width
    self.fill = fill
    let (rotation, zoom) = (amounts.rotation, amounts.zoom)
    // Exact for multiples of 90 degrees.
    let turn = rotation < 0 ? -rotation : rotation
    let cosine = Elementary.cosine(halfTurns: turn / 180)
    let quarterOff = turn < 90 ? 90 - turn : turn - 90
    let magnitude = Elementary.cosine(halfTurns: quarterOff / 180)
    let sine = rotation < 0 ? -magnitude : magnitude
    let down = amounts.flipsVertically ? -zoom : zoom
    let right = amounts.flipsHorizontally ? -zoom : zoom
    rows = (
      cosine * down, sine * right,
      cosine * amounts.rows + sine * amounts.columns + Double(height - 1) / 2
    )
    columns = (
      -sine * down, cosine * right,
      cosine * amounts.columns - sine * amounts.rows + Double(width - 1) / 2
    )
  }

  /// The whole pixel of a position that is rounded to 2^-16, and what is beyond it. Positions are above -2^30.
  @inline(__always)
  private static func split(_ position: Double) -> (pixel: Int, rest: Float) {
    // Doubles of this size are 2^-16 apart.
    let rounded = (position + 0x1.8p36) - 0x1.8p36
    let pixel = Int(rounded + 0x1p30) - (1 << 30)
    return (pixel, Float(rounded - Double(pixel)))
  }

  /// The pixel that stands for number `index` of `count`; nil beyond the border where nothing does.
  @inline(__always)
  private func inside(_ index: Int, _ count: Int) -> Int? {
    if index >= 0 && index < count { return index }
    switch fill {
    case .nearest: return index < 0 ? 0 : count - 1
    case .constant: return nil
    case .reflect:
      let folded = index % (2 * count)
      let place = folded < 0 ? folded + 2 * count : folded
      return place < count ? place : 2 * count - 1 - place
    }
  }

  /// Writes the transformed image, pixel by pixel. `value`: of a pixel and a channel of the image.
  /// Layout: output [channels][height][width], `stride` floats from element to element.
  @inline(__always)
  package func apply(
    channels: Int, to output: UnsafeMutablePointer<Float>, stride: Int,
    value: (_ pixel: Int, _ channel: Int) -> Float
  ) {
    var pixel = 0
    for row in 0..<height {
      let i = Double(row) - Double(height - 1) / 2
      for column in 0..<width {
        let j = Double(column) - Double(width - 1) / 2
        let (top, f) = ImageTransform.split(rows.0 * i + rows.1 * j + rows.2)
        let (left, g) = ImageTransform.split(columns.0 * i + columns.1 * j + columns.2)
        let (r0, r1) = (inside(top, height), inside(top + 1, height))
        let (c0, c1) = (inside(left, width), inside(left + 1, width))
        for channel in 0..<channels {
          func v(_ row: Int?, _ column: Int?) -> Float {
            guard let row, let column else { return 0 }
            return value(row * width + column, channel)
          }
          let a = v(r0, c0) + g * (v(r0, c1) - v(r0, c0))
          let b = v(r1, c0) + g * (v(r1, c1) - v(r1, c0))
          output[(channel * height * width + pixel) * stride] = a + f * (b - a)
        }
        pixel += 1
      }
    }
  }
}
