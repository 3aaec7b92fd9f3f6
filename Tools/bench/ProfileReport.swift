import FixedNet
import ToolSupport

/// Where the time of every work goes.
struct ProfileReport {
  var machine: Machine
  var rounds: Int
  var works: [ProfiledWork]

  // MARK: - For people

  var text: String {
    let note = """
      us: microseconds that the threads have together in a step or call, in the fastest of \
      \(rounds) round\(rounds == 1 ? "" : "s"). GFLOP/s: of one thread, beside the best \
      peak of all rounds.
      update: the optimiser's step, and the gradients that are computed over the whole batch at once.
      waiting for all: where all threads meet, before a normalisation over the batch and before the update; in a block: \
      those that share one, before an operation that they do together; the rest: for the caller, and its own work.
      """
    return ([machine.text, note] + works.map(text)).joined(separator: "\n\n")
  }

  private func text(_ work: ProfiledWork) -> String {
    var rows = [
      ["layer", "us forward", "backward", "update", "% of time", "GFLOP/s", "% of peak"]
    ]
    for row in work.rows {
      let times = [row.forward, row.backward, row.update].map(micros)
      rows.append([row.layer] + times + shares(work, row.seconds, work.flops(of: row.layer)))
    }
    let empty = ["", "", ""]
    if work.threads > 1 {
      rows.append(["(waiting for all)"] + empty + shares(work, work.waiting.forAll, 0))
      rows.append(["(waiting in a block)"] + empty + shares(work, work.waiting.forBlock, 0))
    }
    rows.append(["(waiting, the rest)"] + empty + shares(work, work.otherSeconds, 0))
    rows.append(["all"] + empty + shares(work, work.threadSeconds, work.totalFlops))
    let threads =
      work.threads == 1
      ? "1 thread" : "\(work.threads) threads that have \(micros(work.threadSeconds)) us together"
    return "\(work.name), batch \(Format.grouped(work.batch)): \(micros(work.stepSeconds)) us on "
      + threads + "\n" + columns(rows)
  }

  private func micros(_ seconds: Double) -> String {
    seconds == 0 ? "" : Format.fixed(seconds * 1e6, seconds < 1e-4 ? 2 : 1)
  }

  private func shares(_ work: ProfiledWork, _ seconds: Double, _ flops: Double) -> [String] {
    let rate = flops / seconds * 1e-9
    return [
      Format.fixed(100 * seconds / work.threadSeconds, 1),
      flops > 0 ? Format.fixed(rate, 1) : "",
      flops > 0 ? Format.fixed(100 * rate / work.peak, 1) : "",
    ]
  }

  // MARK: - For programs

  /// One object; the keys are stable. Times are in seconds, rates in GFLOP/s.
  var json: JSONValue {
    [
      "machine": machine.json, "rounds": .integer(rounds), "profiles": .array(works.map(json)),
    ]
  }

  private func json(_ work: ProfiledWork) -> JSONValue {
    [
      "work": .string(work.name), "batch": .integer(work.batch), "threads": .integer(work.threads),
      "seconds": .number(work.stepSeconds), "peakPerThread": .number(work.peak),
      "restSeconds": .number(work.restSeconds),
      "waitingForAllSeconds": .number(work.waiting.forAll),
      "waitingForBlockSeconds": .number(work.waiting.forBlock),
      "layers": .array(
        work.rows.map { row in
          [
            "layer": .string(row.layer), "forwardSeconds": .number(row.forward),
            "backwardSeconds": .number(row.backward), "updateSeconds": .number(row.update),
            "flops": .number(work.flops(of: row.layer)),
          ]
        }),
    ]
  }
}
