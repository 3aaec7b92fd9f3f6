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
  /// Columns of a line.
  private static let width = 80

  /// Tables of the works of a kind, then the range of every time.
  var text: String {
    var lines = wrapped(
      "\(machine.cpu), \(threads) thread\(threads == 1 ? "" : "s"), \(machine.instructionSet); "
        + versionList + ".")
    lines += wrapped(
      "Medians of \(rounds) round\(rounds == 1 ? "" : "s") in turn; each peer's fastest variant, "
        + "compiled and warm, data in memory. Ratio: the fastest peer's time over FixedNet's.")
    for (title, kinds) in [
      ("training a batch", [PeerWork.Kind.training]),
      ("all samples, an epoch", [.gradient, .lanes]),
      ("running batch, threads", [.inference]),
    ] {
      let rows = rows.filter { kinds.contains($0.work.kind) }
      guard !rows.isEmpty else { continue }
      lines += [""] + table(title, rows)
    }
    lines.append("")
    for item in rows where !item.results.isEmpty { lines += wrapped(details(item)) }
    for item in rows {
      lines += item.notes.flatMap { wrapped("left out of \(item.work.title): \(OneLine.text($0))") }
    }
    lines += missing.flatMap { wrapped("not here: \(OneLine.text($0))") }
    if machine.configuration == "debug" {
      lines.append("this is a debug build: use swift run -c release bench --peers")
    }
    return lines.joined(separator: "\n")
  }

  private var versionList: String {
    versions.map(\.text).reduce(into: [String]()) { list, text in
      for part in text.split(separator: ", ").map(String.init) where !list.contains(part) {
        list.append(part)
      }
    }.joined(separator: ", ")
  }

  /// A column for each peer that does any of the works.
  private func table(_ title: String, _ rows: [PeerRow]) -> [String] {
    let columns = versions.map(\.peer).filter { peer in
      rows.contains { $0.results.contains { $0.peer == peer } }
    }
    let head = [title, "FixedNet"] + columns.map(\.column) + ["ratio"]
    let body = rows.map { item in
      let cells = columns.map { peer in
        item.results.first { $0.peer == peer }.map { time($0.samples.median) } ?? "-"
      }
      return [item.work.title, time(item.ours.median)] + cells
        + [item.ratio.map { times($0.median) } ?? "-"]
    }
    return TextTable.lines([head] + body, right: Set(1..<head.count))
  }

  /// A work's steps, the spread of its ratio, and the variants and ranges of the times.
  private func details(_ item: PeerRow) -> String {
    let ratio =
      item.ratio.map {
        ", ratio \(times($0.least)) to \(times($0.greatest)), of the least times "
          + times($0.ofLeast)
      } ?? ""
    let parts = item.results.map { result in
      let variant = result.variant.isEmpty ? "" : " (\(result.variant))"
      return "\(result.peer.title)\(variant) \(range(result.samples))"
    }
    return "\(item.work.title): \(item.work.steps) steps\(ratio); FixedNet \(range(item.ours)), "
      + parts.joined(separator: ", ")
  }

  /// Lines of at most `width` columns; those behind the first stand two further in.
  private func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty,
        TextWidth.columns(of: line) + 1 + TextWidth.columns(of: String(word)) > Self.width
      {
        lines.append(line)
        line = "  \(word)"
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    return lines + [line]
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
