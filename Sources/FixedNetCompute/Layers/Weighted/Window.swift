/// How a window treats the border.
public enum Padding: String, CaseIterable, Sendable {
  /// Only windows that lie inside.
  case valid
  /// ceil(n / stride) windows, zeros around.
  case same
  /// The same with all zeros before the rows: no output depends on later ones. For Conv1D.
  case causal

  init(_ config: LayerConfig) throws(ModelError) {
    let name = try config.string("padding", in: ["valid", "same"], default: "valid")
    self = Padding(rawValue: name) ?? .valid
  }

  /// Output extent and padding of one axis, as Keras counts them: with an odd total the extra cell is at the end.
  func axis(_ extent: Int, kernel: Int, stride: Int) -> (output: Int, before: Int, after: Int) {
    switch self {
    case .valid: return (extent >= kernel ? (extent - kernel) / stride + 1 : 0, 0, 0)
    case .same:
      let output = (extent + stride - 1) / stride
      let total = max((output - 1) * stride + kernel - extent, 0)
      return (output, total / 2, total - total / 2)
    case .causal: return ((extent + stride - 1) / stride, kernel - 1, 0)
    }
  }
}

/// A window that moves over an image: what convolution and pooling share.
struct Window {
  var size: (height: Int, width: Int)
  var strides: (height: Int, width: Int)
  var padding: Padding
  /// Cells from tap to tap.
  var dilation: (height: Int, width: Int) = (1, 1)

  /// Cells from the first to the last tap, both included.
  var span: (height: Int, width: Int) {
    ((size.height - 1) * dilation.height + 1, (size.width - 1) * dilation.width + 1)
  }

  /// Output extent and padding of both axes, and the image's channels.
  typealias Axes = (
    rows: (output: Int, before: Int, after: Int), columns: (output: Int, before: Int, after: Int),
    channels: Int
  )

  /// Throws: `ModelError.shape` if `input` is no image, or smaller than the window.
  func axes(over input: Shape, layer: String) throws(ModelError) -> Axes {
    guard case .image(let height, let width, let channels) = input else {
      throw .shape(
        layer: layer, expected: "an image (height x width x channels)", found: "\(input)")
    }
    let rows = padding.axis(height, kernel: span.height, stride: strides.height)
    let columns = padding.axis(width, kernel: span.width, stride: strides.width)
    guard rows.output > 0, columns.output > 0 else {
      throw .shape(
        layer: layer, expected: "an image of at least \(span.height)x\(span.width)",
        found: "\(input)")
    }
    return (rows, columns, channels)
  }

  /// The same for an input that `axes(over:layer:)` has accepted, with its extents.
  func checkedAxes(over input: Shape) -> (axes: Axes, height: Int, width: Int) {
    guard case .image(let height, let width, _) = input,
      let axes = try? axes(over: input, layer: "")
    else { preconditionFailure("outputShape has accepted the input") }
    return (axes, height, width)
  }
}
