/// Buffers as text: a head line `id,lower,upper,size` and one line for each, alive from step `lower` up to, but without,
/// step `upper`. The form of the public instances of google/minimalloc, whose older files say `buffer,start,end,size`.
package struct PlacementTable {
  /// What is wrong, and in which line, from 1.
  package struct Failure: Error, CustomStringConvertible {
    package var line: Int
    package var reason: String
    package var description: String { "line \(line): \(reason)" }
  }

  package private(set) var ids: [String] = []
  package private(set) var buffers: [Placement.Buffer] = []

  /// The search keeps which buffers meet.
  static let rowLimit = 4096
  /// Steps and bytes: sums of so many stay far from the limits of Int.
  static let valueLimit = 1 << 40

  package init(parsing text: String) throws(Failure) {
    var isHead = true
    var known: Set<Substring> = []
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      func failure(_ reason: String) -> Failure { Failure(line: number, reason: reason) }
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      if isHead {
        isHead = false
        guard line == "id,lower,upper,size" || line == "buffer,start,end,size" else {
          throw failure("expected the head 'id,lower,upper,size', found '\(line.prefix(60))'")
        }
        continue
      }
      if line.isEmpty { continue }
      guard fields.count == 4 else {
        throw failure("expected four fields, id,lower,upper,size, found \(fields.count)")
      }
      guard known.insert(fields[0]).inserted else {
        throw failure("expected an id of its own, found '\(fields[0].prefix(60))' again")
      }
      var values: [Int] = []
      for (field, name) in zip(fields[1...], ["lower", "upper", "size"]) {
        guard let value = Int(field), (0...Self.valueLimit).contains(value) else {
          throw failure(
            "expected \(name) as a whole number from 0 to \(Self.valueLimit), found "
              + "'\(field.prefix(60))'")
        }
        values.append(value)
      }
      guard values[0] < values[1] else {
        throw failure("expected lower < upper, found \(values[0]) and \(values[1])")
      }
      guard buffers.count < Self.rowLimit else {
        throw failure("expected at most \(Self.rowLimit) buffers, found more")
      }
      ids.append(String(fields[0]))
      buffers.append(
        Placement.Buffer(firstStep: values[0], lastStep: values[1] - 1, byteCount: values[2]))
    }
    if isHead { throw Failure(line: 1, reason: "expected the head 'id,lower,upper,size'") }
  }
}
