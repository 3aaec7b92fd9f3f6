import FixedNet
import Foundation
import ToolSupport

/// The same work by other frameworks and by us, in turn.
struct PeerBench {
  /// nil: the one that `make peers` sets up.
  var python: String?
  var threads: Int
  var rounds: Int
  var isQuick: Bool
  var instructionSet: InstructionSet
  /// Whether a work is wanted, by its name.
  var selects: (String) -> Bool = { _ in true }

  /// Between two measurements threads that still spin come to rest. Seconds.
  private static let pause = 0.3

  /// Throws: `ToolError` where there is no Python or not one peer.
  func run() throws -> PeerReport {
    let (python, script) = try programs()
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw ToolError(
        "no Python at '\(python)': make peers sets it up, or say --python PATH, one that has "
          + "torch, tensorflow, jax, onnxruntime or ai_edge_litert")
    }
    let folder = try PeerFolder()
    defer { folder.remove() }
    var missing: [String] = []
    var peers: [PeerProcess] = []
    for name in PeerProcess.Name.allCases {
      progress("starting \(name.title)")
      do {
        peers.append(
          try PeerProcess(name, python: python, script: script, folder: folder, threads: threads))
      } catch { missing.append("\(name.title) (\(error))") }
    }
    guard !peers.isEmpty else {
      throw ToolError("'\(python)' runs none of the peers: " + missing.joined(separator: "; "))
    }
    progress("preparing our side")
    let images = DataSet.digits(trainCount: 12_800, testCount: 1).train
    let works = try PeerWorks(
      folder: folder, images: images, threads: threads, isQuick: isQuick,
      instructionSet: instructionSet
    ).all(selects)
    try folder.write(works)
    let versions = peers.map { ($0.name, $0.versions) }
    var rows: [PeerRow] = []
    for work in works { rows.append(try row(work, &peers)) }
    return PeerReport(
      machine: Machine(instructionSet: instructionSet), threads: threads, rounds: rounds,
      rows: rows, versions: versions, missing: missing)
  }

  /// Prepares the peers, then measures: ours, the first peer, the second, ..., ours, and so on.
  /// A peer that has ended is not asked again.
  private func row(_ work: PeerWork, _ peers: inout [PeerProcess]) throws -> PeerRow {
    var row = PeerRow(work: work)
    for peer in peers {
      progress("\(work.title): \(peer.name.title) prepares")
      let answer: JSONValue
      do { answer = try peer.ask("prepare", work) } catch {
        row.notes.append("\(peer.name.title), and of what follows: \(error)")
        peers.removeAll { $0 === peer }
        continue
      }
      guard answer["unsupported"] == nil else { continue }
      var result = PeerResult(peer: peer.name, variant: answer["best"]?.plain ?? "")
      result.variants = answer["variants"]
      if let note = note(answer, work) {
        row.notes.append("\(peer.name.title): \(note)")
      } else {
        row.results.append(result)
      }
    }
    _ = try work.measure()
    for round in 1...rounds {
      progress("\(work.title): round \(round) of \(rounds)")
      Thread.sleep(forTimeInterval: PeerBench.pause)
      row.ours.add(try work.measure())
      for index in row.results.indices {
        Thread.sleep(forTimeInterval: PeerBench.pause)
        guard let peer = peers.first(where: { $0.name == row.results[index].peer }) else {
          continue
        }
        guard let seconds = try peer.ask("measure", work)["seconds"]?.double else {
          throw ToolError("\(peer.name.title) does not say how long '\(work.name)' took")
        }
        row.results[index].samples.add(seconds)
      }
    }
    for peer in peers { _ = try? peer.ask("forget", work) }
    return row
  }

  /// Why a peer's work does not count; nil: it does.
  private func note(_ answer: JSONValue, _ work: PeerWork) -> String? {
    if let error = answer["error"] { return error.plain }
    guard answer["parameters"]?.double == Double(work.parameterCount) else {
      return "other work: \(answer["parameters"]?.summary ?? "no") parameters, "
        + "\(work.parameterCount) here"
    }
    guard case .array(let variants)? = answer["checks"] else { return "it shows no results" }
    for case .array(let values) in variants {
      let found = values.map { $0.double ?? .nan }
      guard work.agrees(with: found) else {
        return "other work: \(text(found)), here \(text(work.checks))"
      }
    }
    return nil
  }

  private func text(_ values: [Double]) -> String {
    values.map { Format.fixed($0, 4) }.joined(separator: " ")
  }

  /// The Python, and the worker of the checkout that this program was built in.
  private func programs() throws -> (python: String, script: String) {
    let checkout = Checkout()
    let script = try checkout.file("Tools/bench/peers/worker.py")
    return (python ?? "\(checkout.folder)/.venv-peers/bin/python", script)
  }

  private func progress(_ text: String) {
    printError(text)
  }
}
