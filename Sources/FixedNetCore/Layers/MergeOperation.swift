import CSupport

/// y = a + b, a - b, a b, max(a, b) or min(a, b), element by element.
///
/// Shapes: a, b, y [channel][pixel][B] per block.
public struct MergeOperation: OperationDescription {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    case add, subtract, multiply, maximum, minimum
  }

  public var kind: Kind
  /// Elements of one image.
  public var count: Int
  public var inputs: (BlockSlot, BlockSlot)
  public var output: BlockSlot
  /// dY; nil where there is no backward pass.
  public var outputGradient: BlockSlot?
  /// dA and dB; nil where they are not needed. One of them may be dY's slot.
  public var inputGradients: (BlockSlot?, BlockSlot?) = (nil, nil)

  public static func operation(at place: UnsafePointer<MergeOperation>) -> Operation {
    .merge(place)
  }

  public init(kind: Kind, count: Int, inputs: (BlockSlot, BlockSlot), output: BlockSlot) {
    self.kind = kind
    self.count = count
    self.inputs = inputs
    self.output = output
  }

  func forward(_ c: BlockContext) {
    let count = count * Int(c.blockSize)
    let (a, b, y) = (c(inputs.0), c(inputs.1), c(output))
    switch kind {
    case .add, .subtract:
      c.kernels.pointee.activation_forward(count, CS_LINEAR, a, y)
      c.kernels.pointee.add_scaled(count, kind == .add ? 1 : -1, b, y)
    case .multiply, .maximum, .minimum: break
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient else { return }
    let count = count * Int(c.blockSize)
    let dy = c(outputGradient)
    switch kind {
    case .add, .subtract:
      // dA first: dB may take dY's place.
      if let slot = inputGradients.0 {
        c.kernels.pointee.activation_forward(count, CS_LINEAR, dy, c(slot))
      }
      if let slot = inputGradients.1 {
        if kind == .subtract {
          c.kernels.pointee.affine(count, -1, 0, dy, c(slot))
        } else {
          c.kernels.pointee.activation_forward(count, CS_LINEAR, dy, c(slot))
        }
      }
    case .multiply, .maximum, .minimum: break
    }
  }
}
