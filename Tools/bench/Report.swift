import FixedNet
import ToolSupport

/// Everything that was measured.
struct Report {
  var machine: Machine
  var rounds: Int
  var peaks: [PeakMeter]
  var training: [TrainingCase]
  var gradients: [GradientCase]
  var lanes: [LaneCase]
  var inference: [InferenceCase]
  var kernels: [KernelResult]

  /// How much faster a case is than the same work on one thread, by the medians.
  private func speedup(_ item: TrainingCase) -> Double {
    let single = training.first {
      $0.name == item.name && $0.batch == item.batch && $0.threads == 1
    }
    return (single?.epochs.median ?? .nan) / item.epochs.median
  }
  private func speedup(_ item: GradientCase) -> Double {
    (gradients.first?.evaluations.median ?? .nan) / item.evaluations.median
  }
  private func speedup(_ item: LaneCase) -> Double {
    (lanes.first?.epochs.median ?? .nan) / item.epochs.median
  }
}

// MARK: - For people

extension Report {
  var text: String {
    [machine.text, peakText, trainingText, otherText, inferenceText, kernelText].joined(
      separator: "\n\n")
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
        "model", "batch", "threads", "ms/step", "min", "max", "images/s", "GFLOP/s", "% of peak",
        "speed-up", "bound", "arena bytes",
      ]
    ]
    for item in training {
      let steps = Double(item.stepCount)
      let median = item.epochs.median
      rows.append([
        item.name, "\(item.batch)", "\(item.threads)", Format.fixed(median / steps * 1e3, 3),
        Format.fixed(item.epochs.least / steps * 1e3, 3),
        Format.fixed(item.epochs.greatest / steps * 1e3, 3),
        Format.grouped(Int(Double(item.imageCount) / median)),
        Format.fixed(item.gflops(seconds: median), 1),
        Format.fixed(100 * item.peakShares.median, 1), Format.fixed(speedup(item), 2),
        Format.fixed(item.bound, 2), Format.grouped(item.arenaByteCount),
      ])
    }
    let counts = Set(training.map(\.imageCount)).sorted(by: >).map(Format.grouped)
    return "training with sgd, \(counts.joined(separator: " or ")) images a round, "
      + "\(rounds) round\(rounds == 1 ? "" : "s"); medians; bound: of the speed-up, by the plan's schedule\n"
      + columns(rows)
  }

  private var otherText: String {
    var rows = [
      ["work", "threads", "ms", "min", "max", "GFLOP/s", "% of peak", "speed-up", "arena bytes"]
    ]
    func add(
      _ name: String, _ threads: Int, _ times: Samples, _ flops: Double, _ share: Double,
      _ speedup: Double, _ bytes: Int
    ) {
      rows.append([
        name, "\(threads)", Format.fixed(times.median * 1e3, 3),
        Format.fixed(times.least * 1e3, 3), Format.fixed(times.greatest * 1e3, 3),
        Format.fixed(flops / times.median * 1e-9, 1), Format.fixed(100 * share, 1),
        Format.fixed(speedup, 2), Format.grouped(bytes),
      ])
    }
    for item in gradients {
      add(
        "gradient of 400-20-20-10, all samples", item.threads, item.evaluations, item.flops,
        item.peakShares.median, speedup(item), item.arenaByteCount)
    }
    for item in lanes {
      let plan = item.networks.plan
      add(
        "epoch of \(Format.grouped(plan.networkCount)) ReLU networks", plan.threads, item.epochs,
        item.flops, item.peakShares.median, speedup(item), plan.memory.byteCount)
    }
    return "full batch, and many small networks\n" + columns(rows)
  }

  private var inferenceText: String {
    var rows = [
      ["model", "batch", "threads", "us/call", "min", "images/s", "arena bytes"]
    ]
    for item in inference {
      let median = item.calls.median
      rows.append([
        item.name, "\(item.batch)", "\(item.threads)", Format.fixed(median * 1e6, 2),
        Format.fixed(item.calls.least * 1e6, 2),
        Format.grouped(Int(Double(item.batch) / median)), Format.grouped(item.arenaByteCount),
      ])
    }
    return "inference\n" + columns(rows)
  }

  private var kernelText: String {
    var rows = [["kernel", "us", "min", "max", "GFLOP/s", "% of peak", "GB/s"]]
    for kernel in kernels {
      let computes = kernel.flops > 0
      rows.append([
        kernel.name, Format.fixed(kernel.calls.median * 1e6, 2),
        Format.fixed(kernel.calls.least * 1e6, 2), Format.fixed(kernel.calls.greatest * 1e6, 2),
        computes ? Format.fixed(kernel.gflops, 1) : "",
        computes ? Format.fixed(100 * kernel.peakShares.median, 1) : "",
        Format.fixed(kernel.bandwidth, 1),
      ])
    }
    return "kernels alone, one thread, a block of 16 images (forward with bias and activation, "
      + "dense dW over 128 images)\n" + columns(rows)
  }
}

// MARK: - For programs

extension Report {
  /// One object; the keys are stable. Times are in seconds, sizes in bytes, rates in GFLOP/s.
  var json: JSONValue {
    [
      "machine": machine.json,
      "rounds": .integer(rounds), "gradients": .array(gradients.map(json)),
      "lanes": .array(lanes.map(json)),
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
      "images": .integer(item.imageCount), "steps": .integer(item.stepCount),
      "epochSecondsMax": .number(item.epochs.greatest),
      "epochSecondsMin": .number(item.epochs.least), "epochSecondsMedian": .number(median),
      "imagesPerSecond": .number(Double(item.imageCount) / median),
      "gflops": .number(item.gflops(seconds: median)),
      "peakFraction": .number(item.peakShares.median), "speedup": .number(speedup(item)),
      "speedupBound": .number(item.bound), "arenaBytes": .integer(item.arenaByteCount),
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

  private func json(_ item: GradientCase) -> JSONValue {
    [
      "threads": .integer(item.threads), "seconds": item.evaluations.json,
      "gflops": .number(item.flops / item.evaluations.median * 1e-9),
      "peakFraction": .number(item.peakShares.median), "speedup": .number(speedup(item)),
      "arenaBytes": .integer(item.arenaByteCount),
    ]
  }

  private func json(_ item: LaneCase) -> JSONValue {
    let plan = item.networks.plan
    return [
      "networks": .integer(plan.networkCount), "threads": .integer(plan.threads),
      "seconds": item.epochs.json,
      "gflops": .number(item.flops / item.epochs.median * 1e-9),
      "peakFraction": .number(item.peakShares.median), "speedup": .number(speedup(item)),
      "arenaBytes": .integer(plan.memory.byteCount),
    ]
  }

  private func json(_ kernel: KernelResult) -> JSONValue {
    [
      "kernel": .string(kernel.name), "flops": .number(kernel.flops),
      "bytes": .number(kernel.bytes), "seconds": kernel.calls.json,
      "gflopsMedian": .number(kernel.gflops), "gigabytesPerSecond": .number(kernel.bandwidth),
      "peakFraction": .number(kernel.peakShares.median),
    ]
  }

}

extension Samples {
  var json: JSONValue {
    ["median": .number(median), "min": .number(least), "max": .number(greatest)]
  }
}

/// A table: the first column to the left, the others to the right.
func columns(_ rows: [[String]]) -> String {
  TextTable.lines(rows, right: Set(1..<rows[0].count)).map { "  \($0)" }.joined(separator: "\n")
}
