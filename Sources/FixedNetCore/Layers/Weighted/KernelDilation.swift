import CSupport

/// A dilated convolution as one whose kernel has zeros between its taps. They add nothing to a sum.
///
/// Shapes: the kernel [groups][outC][C][kh][kw], in blocks of one image [groups][C][kh][kw][outC]; with zeros the same with
/// (kh - 1) height + 1 rows and (kw - 1) width + 1 columns.
package struct KernelDilation: BitwiseCopyable, Sendable {
  /// Rows and columns from tap to tap.
  package var height: Int
  package var width: Int
  /// Without zeros.
  package var kernelHeight: Int
  package var kernelWidth: Int
  /// The kernel with zeros, a copy per thread.
  package var weight: ThreadSlot
  /// The gradient of one group's kernel with zeros; nil where it is not trained.
  package var gradient: ThreadSlot?

  package init(
    height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, weight: ThreadSlot,
    gradient: ThreadSlot?
  ) {
    self.height = height
    self.width = width
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.weight = weight
    self.gradient = gradient
  }

  /// Works out the kernel of this run.
  func spread(_ w: UnsafePointer<Float>, _ convolution: ConvolutionOperation, _ c: BatchContext) {
    let wide = c(weight)
    wide.update(repeating: 0, count: convolution.groups * convolution.groupExtents.weight)
    forEachTap(convolution, c.blockSize, groups: convolution.groups) { wide[$0] = w[$1] }
  }

  /// The gradient of one group's kernel from that with zeros.
  func collect(
    _ wide: UnsafePointer<Float>, _ group: Int, _ convolution: ConvolutionOperation,
    _ blockSize: Int32, into dw: UnsafeMutablePointer<Float>
  ) {
    let shape = convolution.shape
    let count =
      Int(shape.outChannels) * Int(shape.inChannels) * kernelHeight * kernelWidth
    let own = dw + group * count
    forEachTap(convolution, Int(blockSize), groups: 1) { own[$1] = wide[$0] }
  }

  /// Calls `body(place with zeros, place without)` for every weight.
  private func forEachTap(
    _ convolution: ConvolutionOperation, _ blockSize: Int, groups: Int, _ body: (Int, Int) -> Void
  ) {
    let shape = convolution.shape
    let inner = blockSize == 1 ? Int(shape.outChannels) : 1
    let outer = groups * Int(shape.inChannels) * Int(shape.outChannels) / inner
    let (wideHeight, wideWidth) = (Int(shape.kernelHeight), Int(shape.kernelWidth))
    for kernel in 0..<outer {
      for row in 0..<kernelHeight {
        for column in 0..<kernelWidth {
          let wide = (kernel * wideHeight + row * height) * wideWidth + column * width
          let own = (kernel * kernelHeight + row) * kernelWidth + column
          for index in 0..<inner { body(wide * inner + index, own * inner + index) }
        }
      }
    }
  }
}
