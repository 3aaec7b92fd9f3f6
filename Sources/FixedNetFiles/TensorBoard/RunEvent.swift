/// What happened at a step of a run: figures by their tags ("loss/train"), which TensorBoard groups by what stands in front of
/// the slash.
package struct RunEvent: Sendable {
  /// Steps since the start of training.
  package var step: Int
  /// Seconds since 1970.
  package var wallTime: Double
  package var scalars: [(tag: String, value: Double)]
  package var histograms: [(tag: String, histogram: ValueHistogram)]

  package init(
    step: Int, wallTime: Double, scalars: [(tag: String, value: Double)] = [],
    histograms: [(tag: String, histogram: ValueHistogram)] = []
  ) {
    self.step = step
    self.wallTime = wallTime
    self.scalars = scalars
    self.histograms = histograms
  }
}

/// The bytes of an event file's records.
struct EventEncoder: Sendable {
  /// The first record.
  var version: @Sendable (_ wallTime: Double) -> [UInt8]
  /// From `step` on an earlier file is void.
  var start: @Sendable (_ step: Int, _ wallTime: Double) -> [UInt8]
  var event: @Sendable (RunEvent) -> [UInt8]
}

#if TensorBoard
  import Foundation
  import SwiftProtobuf

  extension EventEncoder {
    /// nil where this program was built without the package trait.
    static let available: EventEncoder? = EventEncoder(
      version: { wallTime in
        bytes { event in
          event.wallTime = wallTime
          event.fileVersion = "brain.Event:2"
        }
      },
      start: { step, wallTime in
        bytes { event in
          (event.step, event.wallTime) = (Int64(step), wallTime)
          event.sessionLog = .with { $0.status = .start }
        }
      },
      event: { run in
        bytes { event in
          (event.step, event.wallTime) = (Int64(run.step), run.wallTime)
          event.summary = .with { $0.value = run.values }
        }
      })

    private static func bytes(_ change: (inout TensorBoardEvent) -> Void) -> [UInt8] {
      var event = TensorBoardEvent()
      change(&event)
      // Only a message with required fields or of 2 GiB cannot be encoded.
      guard let bytes: [UInt8] = try? event.serializedBytes() else {
        preconditionFailure("a summary of 2 GiB")
      }
      return bytes
    }
  }

  extension RunEvent {
    fileprivate var values: [TensorBoardSummary.Value] {
      scalars.map { scalar in
        .with { ($0.tag, $0.simpleValue) = (scalar.tag, Float(scalar.value)) }
      }
        + histograms.map { entry in
          .with { ($0.tag, $0.histo) = (entry.tag, entry.histogram.message) }
        }
    }
  }

  extension ValueHistogram {
    fileprivate var message: TensorBoardHistogramProto {
      .with {
        ($0.min, $0.max, $0.num) = (minimum, maximum, Double(count))
        ($0.sum, $0.sumSquares) = (sum, sumOfSquares)
        $0.bucketLimit = limits
        $0.bucket = counts.map(Double.init)
      }
    }
  }
#else
  extension EventEncoder {
    /// nil where this program was built without the package trait.
    static let available: EventEncoder? = nil
  }
#endif
