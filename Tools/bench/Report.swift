import FixedNet
import ToolSupport

/// Everything that was measured.
struct Report {
  var machine: Machine
  var rounds: Int
  var imageCount: Int
  var peaks: [PeakMeter]
  var training: [TrainingCase]
  var inference: [InferenceCase]
  var kernels: [KernelResult]

  /// How much faster a case is than the same model on one thread, by the medians.
  private func speedup(_ item: TrainingCase) -> Double {
    let single = training.first { $0.name == item.name && $0.threads == 1 }
    return (single?.epochs.median ?? .nan) / item.epochs.median
  }
}

// MARK: - For people

extension Report {
  var text: String {
    [machineText, peakText, trainingText, inferenceText, kernelText].joined(separator: "\n\n")
  }

  private var machineText: String {
    let isDebug = machine.configuration == "debug"
    let warning = isDebug ? "\nthis is a debug build: use swift run -c release bench" : ""
    return "\(machine.cpu), \(machine.cores) core\(machine.cores == 1 ? "" : "s"); "
      + "\(machine.compiler), \(machine.configuration); \(machine.instructionSet)" + warning
  }

  private var peakText: String {
    let lines = peaks.map { peak in
      "  \(Format.padded("\(peak.threads)", 3)) thread\(peak.threads == 1 ? " " : "s")  "
        + "\(Format.padded(Format.fixed(peak.samples.greatest, 1), 7)) GFLOP/s best, "
        + "\(Format.fixed(peak.samples.median, 1)) median"
    }
    return (["multiply-add peak, measured"] + lines).joined(separator: "\n")
  }

  private var trainingText: String {
    var rows = [
      [
        "model", "batch", "threads", "s/epoch min", "median", "images/s", "GFLOP/s", "% of peak",
        "speed-up", "arena bytes",
      ]
    ]
    for item in training {
      let median = item.epochs.median
      rows.append([
        item.name, "\(item.batch)", "\(item.threads)", Format.fixed(item.epochs.least, 3),
        Format.fixed(median, 3), Format.grouped(Int(Double(imageCount) / median)),
        Format.fixed(item.gflops(seconds: median), 1),
        Format.fixed(100 * item.peakShares.median, 1), Format.fixed(speedup(item), 2),
        Format.grouped(item.arenaByteCount),
      ])
    }
    return "training with sgd, \(Format.grouped(imageCount)) images an epoch, "
      + "\(rounds) round\(rounds == 1 ? "" : "s"); rates from the median\n" + columns(rows)
  }

  private var inferenceText: String {
    var rows = [["model", "batch", "threads", "us/call min", "median", "images/s", "arena bytes"]]
    for item in inference {
      let median = item.calls.median
      rows.append([
        item.name, "\(item.batch)", "\(item.threads)", Format.fixed(item.calls.least * 1e6, 2),
        Format.fixed(median * 1e6, 2), Format.grouped(Int(Double(item.batch) / median)),
        Format.grouped(item.arenaByteCount),
      ])
    }
    return "inference\n" + columns(rows)
  }

  private var kernelText: String {
    var rows = [["kernel", "GFLOP/s median", "best", "% of peak"]]
    for kernel in kernels {
      rows.append([
        kernel.name, Format.fixed(kernel.rates.median, 1), Format.fixed(kernel.rates.greatest, 1),
        Format.fixed(100 * kernel.peakShares.median, 1),
      ])
    }
    return "kernels of lenet-plain, one thread, blocks of 16 images "
      + "(forward with bias and activation, dense dW over 128 images)\n" + columns(rows)
  }

  /// The first column to the left, the others to the right.
  private func columns(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = "  " + row[0] + String(repeating: " ", count: widths[0] - row[0].count)
      for column in row.indices.dropFirst() {
        line += "  " + Format.padded(row[column], widths[column])
      }
      return line
    }.joined(separator: "\n")
  }
}

// MARK: - For programs

extension Report {
  /// One object; the keys are stable. Times are in seconds, sizes in bytes, rates in GFLOP/s.
  var json: JSONValue {
    [
      "machine": machine.json,
      "rounds": .integer(rounds), "images": .integer(imageCount),
      "peak": .array(peaks.map(json)), "training": .array(training.map(json)),
      "inference": .array(inference.map(json)), "kernels": .array(kernels.map(json)),
    ]
  }

  private func json(_ peak: PeakMeter) -> JSONValue {
    [
      "threads": .integer(peak.threads), "gflopsBest": .number(peak.samples.greatest),
      "gflopsMedian": .number(peak.samples.median),
    ]
  }

  private func json(_ item: TrainingCase) -> JSONValue {
    let median = item.epochs.median
    return [
      "model": .string(item.name), "batch": .integer(item.batch),
      "threads": .integer(item.threads), "flopsPerImage": .integer(item.flopsPerImage),
      "epochSecondsMin": .number(item.epochs.least), "epochSecondsMedian": .number(median),
      "imagesPerSecond": .number(Double(imageCount) / median),
      "gflops": .number(item.gflops(seconds: median)),
      "peakFraction": .number(item.peakShares.median), "speedup": .number(speedup(item)),
      "arenaBytes": .integer(item.arenaByteCount),
    ]
  }

  private func json(_ item: InferenceCase) -> JSONValue {
    [
      "model": .string(item.name), "batch": .integer(item.batch),
      "threads": .integer(item.threads), "callSecondsMin": .number(item.calls.least),
      "callSecondsMedian": .number(item.calls.median),
      "imagesPerSecond": .number(Double(item.batch) / item.calls.median),
      "arenaBytes": .integer(item.arenaByteCount),
    ]
  }

  private func json(_ kernel: KernelResult) -> JSONValue {
    [
      "kernel": .string(kernel.name), "flops": .number(kernel.flops),
      "gflopsMedian": .number(kernel.rates.median), "gflopsBest": .number(kernel.rates.greatest),
      "peakFraction": .number(kernel.peakShares.median),
    ]
  }
}
