import FixedNet
import FixedNetCore

/// The study's tables, figures and sentences.
struct ArchitectureReport {
  let results: [ArchitectureResult]
  let seeds: [UInt64]
  let digests: [(name: String, digest: String)]
  let options: StudyOptions

  var report: StudyReport {
    var report = StudyReport(protocolText: protocolText)
    report.tables = [sizes, quality, times]
    report.figures = [bytesFigure, multiplyAddsFigure, curves, errors]
    report.deviations = deviations
    report.findings = findings
    if !options.isQuick { report.checks = checks }
    report.csv = csv
    report.modelHashes = results.flatMap { result in
      zip(seeds, result.runs).map { ("\(result.architecture.name), seed \($0)", $1.sha256) }
    }
    report.dataDigests = digests
    return report
  }

  // MARK: - Tables

  private var sizes: ReportTable {
    ReportTable(
      "What they need (planned bytes of one thread; training with weights, Adam's memory, everything)",
      columns: [
        "network", "trained values", "multiply-adds", "run one image", "train on one image",
        "with recompute", "its cost", "batch", "train on a batch", "with recompute", "its cost",
      ],
      rows: results.map { result in
        let sizes = result.sizes
        func recomputed(_ value: ArchitectureSizes.Recomputed?) -> [String] {
          guard let value else { return ["-", "-"] }
          // Of the multiply-adds of a step: forward, to the weights, to the inputs.
          let share = Double(value.multiplyAdds) / Double(3 * sizes.multiplyAdds)
          return [Format.grouped(value.bytes), "+" + Format.percent(share, 1)]
        }
        return [
          result.architecture.name, Format.grouped(sizes.parameters),
          Format.grouped(sizes.multiplyAdds), Format.grouped(sizes.inference),
          Format.grouped(sizes.one),
        ] + recomputed(sizes.oneRecomputed)
          + ["\(result.architecture.batch)", Format.grouped(sizes.batch)]
          + recomputed(sizes.batchRecomputed)
      })
  }

  private var hasKeras: Bool { results.contains { !$0.keras.isEmpty } }

  private var quality: ReportTable {
    ReportTable(
      "After the last epoch",
      columns: [
        "network", "task", "samples", "epochs", "training loss", "test loss",
        "test accuracy, or AUC",
      ] + (hasKeras ? ["Keras: training loss", "test loss", "test accuracy, or AUC"] : []),
      rows: results.map { result in
        let architecture = result.architecture
        let runs = SeedRuns(label: "", results: result.runs)
        let last = result.keras.compactMap(\.epochs.last)
        let keras =
          [
            SeedSpread(last.map(\.trainLoss)).text(5), SeedSpread(last.map(\.testLoss)).text(5),
            result.kerasQuality.map { text($0, architecture) } ?? "-",
          ]
        return [
          architecture.name, architecture.task.rawValue, Format.grouped(architecture.trainCount),
          "\(architecture.epochs)", runs.final(\.trainLoss).text(5),
          runs.final(\.testLoss).text(5), text(result.quality, architecture),
        ] + (hasKeras ? keras : [])
      })
  }

  private func text(_ quality: SeedSpread, _ architecture: Architecture) -> String {
    architecture.isAutoencoder ? "AUC \(quality.text(4))" : quality.percent
  }

  private var times: ReportTable {
    let threads = "\(options.threads) thread\(options.threads == 1 ? "" : "s")"
    return ReportTable(
      "How long it took here (medians; measured, not in data.csv)",
      columns: ["network", "a step on \(threads) (ms)", "batch", "one image on one thread (us)"]
        + (hasKeras ? ["Keras: a step of fit (ms)", "Keras / FixedNet"] : []),
      rows: results.map { result in
        let step = result.times?.step ?? .nan
        let keras = SeedSpread(result.keras.map(\.step)).mean
        return [
          result.architecture.name, Format.fixed(1e3 * step, 2), "\(result.architecture.batch)",
          Format.fixed(1e6 * (result.times?.image ?? .nan), 1),
        ] + (hasKeras ? [Format.fixed(1e3 * keras, 1), Format.fixed(keras / step, 1)] : [])
      })
  }

  /// data.csv: a row per number. Bytes and parameters are the same for all seeds.
  private var csv: [[String]] {
    var rows = [["network", "seed", "epoch", "quantity", "value"]]
    for result in results {
      let (name, sizes) = (result.architecture.name, result.sizes)
      for (quantity, value) in [
        ("parameters", sizes.parameters), ("multiply_adds", sizes.multiplyAdds),
        ("inference_bytes", sizes.inference), ("train_one_bytes", sizes.one),
        ("train_one_recompute_bytes", sizes.oneRecomputed?.bytes),
        ("train_one_recompute_multiply_adds", sizes.oneRecomputed?.multiplyAdds),
        ("train_batch_bytes", sizes.batch),
        ("train_batch_recompute_bytes", sizes.batchRecomputed?.bytes),
        ("train_batch_recompute_multiply_adds", sizes.batchRecomputed?.multiplyAdds),
      ] {
        guard let value else { continue }
        rows.append([name, "", "", quantity, "\(value)"])
      }
      for (index, seed) in seeds.enumerated() where index < result.runs.count {
        let run = result.runs[index]
        for (epoch, values) in run.epochs.enumerated() {
          var quantities = [("train_loss", values.trainLoss), ("test_loss", values.testLoss)]
          if !result.architecture.isAutoencoder {
            quantities += [
              ("train_accuracy", values.trainAccuracy), ("test_accuracy", values.testAccuracy),
            ]
          }
          rows += quantities.map { [name, "\(seed)", "\(epoch + 1)", $0, "\($1)"] }
        }
        if result.architecture.isAutoencoder {
          rows.append([
            name, "\(seed)", "\(run.epochs.count)", "auc", "\(result.quality.values[index])",
          ])
        }
      }
    }
    return rows
  }

  // MARK: - Figures

  /// A point per network.
  private func points(_ x: (ArchitectureSizes) -> Double) -> Figure.Content {
    .lines(
      results.map { result in
        Figure.Line(
          result.architecture.name, [(x(result.sizes), 100 * result.quality.mean)],
          hasMarkers: true)
      })
  }

  private static let qualityAxis = "test accuracy, or AUC (%)"

  private var bytesFigure: Figure {
    func panel(_ title: String, _ x: @escaping (ArchitectureSizes) -> Int) -> Figure.Panel {
      Figure.Panel(
        title, x: Figure.Axis("planned bytes (KiB)", isLogarithmic: true),
        y: Figure.Axis(Self.qualityAxis), points { Double(x($0)) / 1024 })
    }
    return Figure(
      "accuracy-bytes", title: "Accuracy against bytes",
      caption:
        "To run one image, to train on one image (weights, Adam's memory and everything that is kept "
        + "included), and the same where outputs are computed again instead of kept. Every network has a task of its own: heights of different "
        + "tasks do not compare.",
      columns: 3,
      panels: [
        panel("inference", \.inference), panel("training", \.one),
        panel("training, computing again") { $0.oneRecomputed?.bytes ?? $0.one },
      ])
  }

  private var multiplyAddsFigure: Figure {
    Figure(
      "accuracy-multiply-adds", title: "Accuracy against multiply-adds",
      caption:
        "Of one image at inference. Every network has a task of its own: heights of different "
        + "tasks do not compare.", columns: 1,
      panels: [
        Figure.Panel(
          "", x: Figure.Axis("multiply-adds (millions)", isLogarithmic: true),
          y: Figure.Axis(Self.qualityAxis), points { Double($0.multiplyAdds) / 1e6 })
      ])
  }

  private var curves: Figure {
    let classifiers = results.filter { !$0.architecture.isAutoencoder }
    let colours = Dictionary(
      uniqueKeysWithValues: results.enumerated().map { ($1.architecture.name, $0) })
    func lines(_ figure: KeyPath<TrainingResult.Epoch, Double>, scale: Double) -> [Figure.Line] {
      classifiers.map { result in
        let runs = SeedRuns(label: result.architecture.name, results: result.runs)
        var line = runs.curve(figure, scale: scale)
        line.colour = colours[result.architecture.name]
        line.hasMarkers = true
        return line
      }
    }
    let epoch = Figure.Axis("epoch")
    return Figure(
      "curves", title: "Accuracy and loss per epoch",
      caption: "On the test samples; without the autoencoder, which has no classes.",
      panels: [
        Figure.Panel(
          "accuracy", x: epoch, y: Figure.Axis("test accuracy (%)"),
          .lines(lines(\.testAccuracy, scale: 100))),
        Figure.Panel(
          "loss", x: epoch, y: Figure.Axis("test loss", isLogarithmic: true),
          .lines(lines(\.testLoss, scale: 1))),
      ])
  }

  private var errors: Figure {
    let distributions = results.first { $0.architecture.isAutoencoder }?.runs.first?.distributions
    return Figure(
      "reconstruction", title: "What the autoencoder tells apart",
      caption:
        "The mean squared error of each test sample's reconstruction, after training on normal "
        + "machines alone (seed \(seeds.first ?? 0)).", columns: 1,
      panels: [
        Figure.Panel(
          "", x: Figure.Axis("machine"),
          y: Figure.Axis("mean squared error", isLogarithmic: true),
          .violins((distributions ?? []).map { Figure.Violin($0.name, $0.values) }))
      ])
  }

  // MARK: - Sentences

  private var protocolText: String {
    let recipes = results.map { result in
      let a = result.architecture
      return "\(a.name) (\(a.task.rawValue), \(Format.grouped(a.trainCount)) training and "
        + "\(Format.grouped(a.testCount)) test samples, batch \(a.batch), \(a.epochs) epochs, rate "
        + "\(a.learningRate))"
    }
    return
      "The six networks of MLPerf Tiny as their official files have them, each trained with Adam "
      + "whose rate a cosine brings to 0, L2 as the files have it, without augmentation: "
      + recipes.joined(separator: "; ")
      + ". \(seeds.count) seed\(seeds.count > 1 ? "s" : "") from 0, each of which decides the start, the "
      + "shuffles and the dropout. Training figures are means over the last epoch. The AUC is the "
      + "chance that a broken machine's reconstruction error is above a good one's. "
      + (hasKeras
        ? "Keras (\(results.compactMap(\.keras.first?.versions).first ?? "")) trained from the same start "
          + "over the same batches in the same order; its dropout draws its own numbers."
        : "`--keras` has Keras do the same work and puts its figures beside these.")
  }

  private var deviations: [String] {
    [
      "The benchmark's own data (Speech Commands, CIFAR-10, Visual Wake Words, ToyADMOS) are not at "
        + "hand without a network. Garments are Fashion-MNIST's, in a light colour on a dark one in "
        + "32x32; scenes are three of them in 96x96, in every second one a digit of MNIST instead of the "
        + "third.",
      "The words and the machines are generated: nobody has spoken them, and no machine has made them. "
        + "Words are three moving resonances in noise, at a speed, pitch and loudness of their own each "
        + "time; machines are harmonics of a speed in noise, and broken ones have a tone too many, weak "
        + "harmonics or a rattle. The figures show that the networks learn, not how well they would do on "
        + "sound.",
      "No augmentation, which the benchmark's training has, and another schedule.",
    ]
  }

  private var findings: [String] {
    let least = results.min { $0.sizes.one < $1.sizes.one }
    let most = results.max { $0.sizes.one < $1.sizes.one }
    var findings: [String] = []
    if let least, let most {
      findings.append(
        "Training on one image takes from \(Format.binaryUnits(least.sizes.one)) "
          + "(\(least.architecture.name)) to \(Format.binaryUnits(most.sizes.one)) "
          + "(\(most.architecture.name)), everything included.")
    }
    findings += results.map { result in
      let keras =
        result.kerasQuality.map { ", in Keras \(text($0, result.architecture))" } ?? ""
      return "\(result.architecture.name), \(result.architecture.task.rawValue): "
        + "\(text(result.quality, result.architecture))\(keras)."
    }
    return findings
  }

  // MARK: - Checks

  private var checks: [ReportCheck] {
    results.flatMap { result -> [ReportCheck] in
      let architecture = result.architecture
      let found = result.quality
      var checks: [ReportCheck] = []
      if let least = architecture.least {
        checks.append(
          ReportCheck(
            "\(architecture.name): \(architecture.figure) of at least \(Format.percent(least, 0))",
            isMet: found.mean >= least, found: text(found, architecture)))
      }
      if let keras = result.kerasQuality {
        checks.append(
          ReportCheck(
            "\(architecture.name): within 3 points of Keras",
            isMet: abs(found.mean - keras.mean) <= 0.03, found: text(keras, architecture)))
      }
      return checks
    }
  }
}
