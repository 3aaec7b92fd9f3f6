import FixedNet
import FixedNetExport

/// The study's tables, figure and sentences.
struct OnDeviceReport {
  let options: StudyOptions
  let data: DataSet
  let seeds: [UInt64]
  let epochs: Int
  let points: [Int]
  /// One per seed.
  var trainings: [TrainingResult] = []
  /// Of all seeds.
  var runs: [(adaptation: Adaptation, result: AdaptationResult)] = []

  init(options: StudyOptions, data: DataSet, seeds: [UInt64], epochs: Int, points: [Int]) {
    (self.options, self.data, self.seeds) = (options, data, seeds)
    (self.epochs, self.points) = (epochs, points)
  }

  var report: StudyReport {
    get throws {
      var report = StudyReport(protocolText: protocolText)
      report.tables = [accuracy, try needs]
      report.figures = [curves]
      report.deviations = ["None; the study has no reference."]
      report.findings = findings
      if !options.isQuick { report.checks = checks }
      report.csv = csv
      report.modelHashes =
        zip(seeds, trainings).map { ("lenet-plain, seed \($0)", $1.sha256) }
        + runs.map { ($0.adaptation.name, $0.result.points.last?.sha256 ?? "") }
      return report
    }
  }

  private var protocolText: String {
    let rates = Adaptation.Learning.allCases.map {
      "\($0.rate) where \($0 == .last ? "the last layer learns" : "all layers do")"
    }
    let changes = ChangedDigits.allCases.map(\.title).joined(separator: "; ")
    let place =
      options.bench.map { "It ran \($0.text)." }
      ?? "It ran nowhere, as this machine has no make and C compiler or the program no checkout: the figures "
      + "are the engine's."
    return
      "LeNet-5 without BN or dropout is trained on \(data.sizes) for \(epochs) epochs (SGD, batch 32, "
      + "learning rate 0.1), for \(seeds.count) seed\(seeds.count > 1 ? "s" : "") from 0, and exported as a "
      + "C library that trains. The digits change (\(changes)), and the library learns from "
      + "\(points[points.count - 1]) of them that nobody trained on, each one once, one by one: SGD, "
      + "learning rate \(rates.joined(separator: ", ")). \(place) The host's engine makes the same steps; "
      + "with its weights the other test digits are told, changed and unchanged."
  }

  // MARK: - Results over the seeds

  private func runs(_ learning: Adaptation.Learning, _ change: ChangedDigits) -> [AdaptationResult]
  {
    runs.filter { $0.adaptation.learning == learning && $0.adaptation.change == change }
      .map(\.result)
  }

  private func spread(
    _ results: [AdaptationResult], at point: Int, _ value: (AdaptationResult.Point) -> Double
  ) -> SeedSpread { SeedSpread(results.map { value($0.points[point]) }) }

  private var last: Int { points.count - 1 }

  // MARK: - Tables

  private var accuracy: ReportTable {
    // Before, behind about a tenth of the images, and behind all.
    let middle = points.lastIndex { $0 <= max(10, points[last] / 10) } ?? 0
    return ReportTable(
      "Accuracy on test digits",
      columns: [
        "digits", "learns", "unchanged, before", "changed, before", "after \(points[middle])",
        "after \(points[last])", "unchanged, after \(points[last])",
      ],
      rows: ChangedDigits.allCases.flatMap { change in
        Adaptation.Learning.allCases.map { learning in
          let results = runs(learning, change)
          return [
            change.rawValue, learning.rawValue, spread(results, at: 0) { $0.plain }.percent,
            spread(results, at: 0) { $0.changed }.percent,
            spread(results, at: middle) { $0.changed }.percent,
            spread(results, at: last) { $0.changed }.percent,
            spread(results, at: last) { $0.plain }.percent,
          ]
        }
      })
  }

  /// The library of the first seed.
  private func library(_ learning: Adaptation.Learning) throws -> CLibrary? {
    try runs.first { $0.adaptation.learning == learning }
      .map { try Adaptation.library(learning, $0.adaptation.weights) }
  }

  private var needs: ReportTable {
    get throws {
      ReportTable(
        "What the device needs (bytes and instructions; code and what follows as measured, not in data.csv)",
        columns: [
          "learns", "RAM", "flash: weights and constants", "code", "stack", "a prediction",
          "a step",
        ],
        rows: try Adaptation.Learning.allCases.compactMap { learning in
          guard let library = try library(learning) else { return nil }
          let numbers = runs.first { $0.adaptation.learning == learning }?.result.device?.numbers
          return [
            learning.rawValue, Format.grouped(library.ramByteCount),
            Format.grouped(library.constantByteCount),
          ]
            + ["code", "stack", "prediction", "step"].map { name in
              numbers?[name].map { Format.grouped($0) } ?? "-"
            }
        })
    }
  }

  private var csv: [[String]] {
    [["learns", "digits", "seed", "images", "right_before", "accuracy", "unchanged_accuracy"]]
      + runs.flatMap { run in
        run.result.points.map { point in
          [
            run.adaptation.learning.rawValue, run.adaptation.change.rawValue,
            "\(run.adaptation.seed)", "\(point.images)", "\(point.right)", "\(point.changed)",
            "\(point.plain)",
          ]
        }
      }
  }

  // MARK: - The figure

  private var curves: Figure {
    Figure(
      "accuracy", title: "Accuracy against the images that the device has learned from",
      caption:
        "Solid: test digits that are changed as those it learns from; dashed: unchanged ones.",
      panels: ChangedDigits.allCases.map { change in
        Figure.Panel(
          change.title, x: Figure.Axis("images seen"), y: Figure.Axis("test accuracy (%)"),
          .lines(
            Adaptation.Learning.allCases.enumerated().flatMap { colour, learning in
              [
                line(learning.rawValue, runs(learning, change), colour) { $0.changed },
                line("\(learning.rawValue), unchanged", runs(learning, change), colour) {
                  $0.plain
                },
              ]
            }))
      })
  }

  private func line(
    _ label: String, _ results: [AdaptationResult], _ colour: Int,
    _ value: (AdaptationResult.Point) -> Double
  ) -> Figure.Line {
    let spreads = points.indices.map { spread(results, at: $0) { 100 * value($0) } }
    return Figure.Line(
      label, zip(points, spreads).map { (Double($0), $1.mean) },
      spread: results.count > 1 ? spreads.map(\.deviation) : [],
      isDashed: label.hasSuffix("unchanged"), colour: colour)
  }

  // MARK: - What it shows

  private var findings: [String] {
    ChangedDigits.allCases.map { change in
      let all = runs(.all, change)
      let part = runs(.last, change)
      return
        "\(change.rawValue.capitalised) digits: \(spread(all, at: 0) { $0.changed }.percent) are told "
        + "before, \(spread(part, at: last) { $0.changed }.percent) once the last layer has learned from "
        + "\(points[last]), \(spread(all, at: last) { $0.changed }.percent) once all layers have."
    } + ["The device has the engine's weights and answers at \(agreement)."]
  }

  private var agreement: String {
    let equal = runs.reduce(0) { $0 + $1.result.equalPoints }
    let place = options.bench.map { ", on \($0.name)" } ?? ": there was no device"
    return "\(equal) of \(runs.count * points.count) points\(place)"
  }

  private var checks: [ReportCheck] {
    func mean(_ learning: Adaptation.Learning, _ change: ChangedDigits, _ point: Int) -> Double {
      spread(runs(learning, change), at: point) { $0.changed }.mean
    }
    let plain = spread(runs.map(\.result), at: 0) { $0.plain }.mean
    func change(_ change: ChangedDigits) -> [ReportCheck] {
      let before = mean(.all, change, 0)
      let after = Adaptation.Learning.allCases.map { mean($0, change, last) }
      return [
        ReportCheck(
          "\(change.rawValue) digits cost the trained network 5 points of accuracy or more",
          isMet: plain - before >= 0.05,
          found: "\(Format.percent(plain)), then \(Format.percent(before))"),
        ReportCheck(
          "all layers learn to win half of that back, the last one alone some of it",
          isMet: after[1] - before >= (plain - before) / 2 && after[0] > before,
          found: "\(Format.percent(after[1])) and \(Format.percent(after[0]))"),
      ]
    }
    return ChangedDigits.allCases.flatMap(change) + [
      ReportCheck(
        "the device has the engine's hash and answers at every point",
        isMet: runs.allSatisfy { $0.result.equalPoints == points.count }, found: agreement)
    ]
  }
}

extension String {
  fileprivate var capitalised: String { prefix(1).uppercased() + dropFirst() }
}
