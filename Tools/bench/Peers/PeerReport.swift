import FixedNet
import ToolSupport

/// One peer's measurements of one work.
struct PeerResult {
  var peer: PeerProcess.Name
  /// Its fastest variant, and the seconds per step of all of them when it was chosen.
  var variant: String
  var variants: JSONValue?
  /// Seconds of a step, one per round.
  var samples = Samples()

  init(peer: PeerProcess.Name, variant: String) {
    self.peer = peer
    self.variant = variant
  }
}

/// One work's measurements.
struct PeerRow {
  var work: PeerWork
  var ours = Samples()
  var results: [PeerResult] = []
  /// Why peers are left out.
  var notes: [String] = []

  init(work: PeerWork) { self.work = work }

  var best: PeerResult? { results.min { $0.samples.median < $1.samples.median } }

  /// The best peer's time over ours: of the medians, the least and the greatest of a round, and of the least times, which
  /// a busy machine disturbs least.
  var ratio: (median: Double, least: Double, greatest: Double, ofLeast: Double)? {
    guard let best else { return nil }
    let rounds = Samples(zip(best.samples.values, ours.values).map { $0 / $1 })
    let least = results.map(\.samples.least).min() ?? .nan
    return (
      best.samples.median / ours.median, rounds.least, rounds.greatest, least / ours.least
    )
  }
}

/// The comparison with other frameworks.
struct PeerReport {
  var machine: Machine
  var threads: Int
  var rounds: Int
  var rows: [PeerRow]
  var versions: [(peer: PeerProcess.Name, text: String)]
  /// Peers that did not start, and why.
  var missing: [String]

  /// Milliseconds or microseconds, three digits.
  private func time(_ seconds: Double) -> String {
    let (value, unit) = seconds < 1e-3 ? (seconds * 1e6, "us") : (seconds * 1e3, "ms")
    return Format.fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " " + unit
  }
}

// MARK: - For people

extension PeerReport {
  /// Markdown.
  var text: String {
    let columns = versions.map(\.peer)
    var lines = [
      "\(machine.cpu), \(threads) thread\(threads == 1 ? "" : "s"), \(machine.instructionSet); "
        + versions.map(\.text).reduce(into: [String]()) { list, text in
          for part in text.split(separator: ", ").map(String.init) where !list.contains(part) {
            list.append(part)
          }
        }.joined(separator: ", ") + ".",
      "Time of a step (mini-batch, call, evaluation or epoch): medians of \(rounds) rounds in "
        + "turn; each peer's fastest variant, compiled and warm, data in memory.",
      "",
      row(
        ["work", "FixedNet"] + columns.map(\.title) + [
          "best peer / FixedNet", "of the least times",
        ]),
      row(["---"] + Array(repeating: "---:", count: columns.count + 3)),
    ]
    for item in rows {
      let cells = columns.map { peer in
        item.results.first { $0.peer == peer }.map { time($0.samples.median) } ?? ""
      }
      lines.append(
        row(
          [item.work.title, time(item.ours.median)] + cells + [
            ratio(item), item.ratio.map { times($0.ofLeast) } ?? "",
          ]))
    }
    lines.append("")
    for item in rows {
      guard !item.results.isEmpty else { continue }
      let parts = item.results.map { result in
        let variant = result.variant.isEmpty ? "" : " (\(result.variant))"
        return "\(result.peer.title)\(variant) \(range(result.samples))"
      }
      lines.append(
        "- \(item.work.title), \(item.work.steps) steps: FixedNet \(range(item.ours)), "
          + parts.joined(separator: ", "))
    }
    for item in rows {
      lines += item.notes.map { "- left out of \(item.work.title): \(OneLine.text($0))" }
    }
    lines += missing.map { "- not here: \(OneLine.text($0))" }
    if machine.configuration == "debug" {
      lines.append("- this is a debug build: use swift run -c release bench --peers")
    }
    return lines.joined(separator: "\n")
  }

  private func row(_ cells: [String]) -> String { MarkupText.markdownRow(cells) }

  private func ratio(_ item: PeerRow) -> String {
    guard let ratio = item.ratio else { return "" }
    return "\(times(ratio.median)) (\(times(ratio.least)) to \(times(ratio.greatest)))"
  }

  private func times(_ ratio: Double) -> String { Format.fixed(ratio, ratio < 20 ? 1 : 0) }

  private func range(_ samples: Samples) -> String {
    "\(time(samples.least)) to \(time(samples.greatest))"
  }
}

// MARK: - For programs

extension PeerReport {
  /// One object; the keys are stable. Times are in seconds of a step.
  var json: JSONValue {
    [
      "machine": machine.json, "threads": .integer(threads), "rounds": .integer(rounds),
      "versions": .object(
        Dictionary(uniqueKeysWithValues: versions.map { ($0.peer.rawValue, .string($0.text)) })),
      "missing": .array(missing.map { .string($0) }),
      "works": .array(rows.map(json)),
    ]
  }

  private func json(_ item: PeerRow) -> JSONValue {
    let peers = item.results.map { result -> JSONValue in
      [
        "peer": .string(result.peer.rawValue), "variant": .string(result.variant),
        "seconds": result.samples.json, "variants": result.variants ?? .null,
      ]
    }
    return [
      "work": .string(item.work.name), "threads": .integer(item.work.threads),
      "steps": .integer(item.work.steps), "parameters": .integer(item.work.parameterCount),
      "seconds": item.ours.json, "peers": .array(peers),
      "ratio": item.ratio.map { .number($0.median) } ?? .null,
      "ratioOfLeast": item.ratio.map { .number($0.ofLeast) } ?? .null,
      "leftOut": .array(item.notes.map { .string($0) }),
    ]
  }
}
