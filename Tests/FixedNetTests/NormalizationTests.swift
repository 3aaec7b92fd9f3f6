import FixedNet
import Foundation
import Testing

@Suite("Normalization")
struct NormalizationTests {
  /// Keras: (x - mean) / max(sqrt(variance), 1e-7).
  @Test("a variance of zero divides by 1e-7")
  func constant() throws {
    let model = Model(
      name: "m", input: .vector(2),
      layers: [Normalization(name: "norm", mean: [1, 2], variance: [0, 0.25])])
    let network = try Network(
      NetworkPlan(model, options: PlanOptions(batch: 2, isTraining: false)))
    let (outputs, _) = try network.predict(
      ImageSet(shape: .vector(2), pixels: .floats([1, 2, 1.5, 3]), labels: []))
    #expect(outputs.values[0] == 0 && outputs.values[1] == 0 && outputs.values[3] == 2)
    #expect(abs(outputs.values[2] - 5e6) < 1)
  }

  @Test("adapts to every channel of bytes and of floats", arguments: [1, 3])
  func adapted(channels: Int) throws {
    let shape = Shape.image(height: 5, width: 2, channels: channels)
    let bytes = (0..<4 * shape.elementCount).map { index -> UInt8 in
      UInt8(truncatingIfNeeded: index * (index + 37))
    }
    // A network sees a byte divided by 255 in float.
    let values = bytes.map { Float($0) / 255 }
    for pixels in [ImageSet.Pixels.bytes(bytes), .floats(values)] {
      let layer = try Normalization(name: "norm")
        .adapted(to: ImageSet(shape: shape, pixels: pixels, labels: []))
      for channel in 0..<channels {
        let own = stride(from: channel, to: values.count, by: channels).map { Double(values[$0]) }
        let mean = own.reduce(0, +) / Double(own.count)
        let squares = own.map { value -> Double in (value - mean) * (value - mean) }
        let variance = squares.reduce(0, +) / Double(own.count)
        #expect(layer.mean?.count == channels && layer.mean?[channel] == Float(mean))
        #expect(layer.variance?[channel] == Float(variance))
      }
    }
  }
}
