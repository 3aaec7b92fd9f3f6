import FixedNet
import FixedNetFiles
import ToolSupport

/// Buffers of a file, placed: what `plan --placement` prints.
struct PlacementReport {
  /// As the user named it.
  var path: String
  var table: PlacementTable
  var solution: Placement.Solution

  private static let sizeLimit = 1 << 20

  /// Throws: `ToolError`, `FileError`.
  init(path: String) throws {
    self.path = path
    guard let text = try TextFile.read(path, limit: Self.sizeLimit) else {
      throw ToolError("--placement: there is no file '\(path)'")
    }
    do { table = try PlacementTable(parsing: text) } catch {
      throw ToolError("--placement: '\(path)', \(error)")
    }
    solution = Placement.solve(
      table.buffers, nodeLimit: Placement.thoroughNodeLimit(table.buffers))
  }

  /// The result in four lines.
  var lines: [String] {
    let verdict = MemoryPlan.verdict(
      byteCount: solution.byteCount, leastByteCount: solution.lowerBound)
    return [
      "\(path): \(Format.grouped(table.buffers.count)) buffers",
      "placed in \(Format.grouped(solution.byteCount)) bytes; no placement needs less than "
        + "\(Format.grouped(solution.lowerBound))",
      "placement: \(verdict)",
      "nodes: \(Format.grouped(solution.nodeCount))",
    ]
  }

  /// One object; the keys are stable. Units: bytes.
  var json: JSONValue {
    let rows = zip(table.ids, solution.offsets).map { id, offset in
      JSONValue.object(["id": .string(id), "offset": .integer(offset)])
    }
    return .object([
      "file": .string(path), "totalBytes": .integer(solution.byteCount),
      "leastBytes": .integer(solution.lowerBound), "optimal": .bool(solution.isOptimal),
      "nodes": .integer(solution.nodeCount), "buffers": .array(rows),
    ])
  }
}
