import FixedNetCompute
import Testing

struct CalibrationTests {
  @Test("bins, means and the error of six predictions, by hand")
  func sixPredictions() throws {
    let metrics = try #require(
      CalibrationMetrics(
        [0.95, 0.91, 1, 0.5, 0.41, 0], areRight: [true, false, true, true, false, false]))
    #expect(metrics.bins.map(\.count) == [1, 0, 0, 0, 2, 0, 0, 0, 0, 3])
    // 0.5 is the upper end of its bin, 0 the lower end of the first.
    #expect(abs(metrics.bins[4].confidence - 0.455) < 1e-15 && metrics.bins[4].accuracy == 0.5)
    #expect(abs(metrics.bins[9].confidence - 2.86 / 3) < 1e-15)
    #expect(metrics.bins[9].accuracy == 2.0 / 3)
    #expect(abs(metrics.error - (2 * 0.045 + 0.86) / 6) < 1e-15)
  }

  @Test("what is no probability, or not one for each answer, has no calibration")
  func refusals() {
    #expect(CalibrationMetrics([], areRight: []) == nil)
    #expect(CalibrationMetrics([0.5], areRight: [true, true]) == nil)
    #expect(CalibrationMetrics([1.5], areRight: [true]) == nil)
    #expect(CalibrationMetrics([.nan], areRight: [true]) == nil)
    #expect(CalibrationMetrics([0.5], areRight: [true], binCount: 0) == nil)
  }
}
