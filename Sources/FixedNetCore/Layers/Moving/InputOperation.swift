import CSupport

/// Brings the images of a block from the data set once more: their place had something else since the forward pass.
///
/// Shapes: y [C][H][W][B] per block.
public struct InputOperation: OperationDescription {
  public var output: BlockSlot

  public static func operation(at place: UnsafePointer<InputOperation>) -> Operation {
    .input(place)
  }

  public init(output: BlockSlot) { self.output = output }
}
