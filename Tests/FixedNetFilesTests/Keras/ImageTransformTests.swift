#if HDF5
  import FixedNetCore
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// Against scipy and Keras: see Tests/Python/fixtures/make_augmentation.py, which wrote the fixture.
  @Suite("Image transforms of a fixture")
  struct ImageTransformFixtureTests {
    @Test("values are scipy's and Keras'", arguments: 0..<36)
    func values(_ number: Int) throws {
      let name = "\(number % 3 == 2 ? "keras" : "scipy")\(number)"
      let path = TestFiles.path("layers/augmentation.h5")
      let arrays = try ["x", "y", "numbers"].map {
        try HDF5Arrays.readFloats(path: path, dataset: "\(name)/\($0)")
      }
      let (x, expected) = (arrays[0], arrays[1].values)
      let numbers = arrays[2].values.map(Double.init)
      var amounts = Augmentation.Amounts()
      (amounts.rotation, amounts.rows, amounts.columns) = (numbers[0], numbers[1], numbers[2])
      amounts.zoom = numbers[3]
      (amounts.flipsVertically, amounts.flipsHorizontally) = (numbers[4] != 0, numbers[5] != 0)
      let fill = try #require(Augmentation.Fill(rawValue: UInt8(numbers[6])))
      let (height, width, channels) = (x.shape[0], x.shape[1], x.shape[2])
      var values = [Float](repeating: .nan, count: expected.count)
      values.withUnsafeMutableBufferPointer { values in
        ImageTransform(height: height, width: width, amounts, fill: fill).apply(
          channels: channels, to: values.baseAddress!, stride: 1
        ) { pixel, channel in x.values[pixel * channels + channel] }
      }
      for channel in 0..<channels {
        for pixel in 0..<height * width {
          let (own, theirs) = (
            values[channel * height * width + pixel], expected[pixel * channels + channel]
          )
          // Positions are rounded to 2^-16 pixels, of values that differ by up to 2.
          #expect(abs(own - theirs) < 4 * 0x1p-16, "pixel \(pixel), channel \(channel)")
        }
      }
    }
  }
#endif
