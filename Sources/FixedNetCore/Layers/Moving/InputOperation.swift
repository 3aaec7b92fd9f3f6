import CSupport

/// Brings the images of a block from the data set once more: their place had something else since the forward pass.
///
/// Shapes: y [C][H][W][B] per block.
package struct InputOperation: OperationDescription {
  package var output: BlockSlot

  package static func operation(at place: UnsafePointer<InputOperation>) -> Operation {
    .input(place)
  }

  package init(output: BlockSlot) { self.output = output }
}
